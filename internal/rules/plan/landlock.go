package plan

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// rightNames are the file-system rights of Landlock in bit order, by setpriv(1)'s
// words (include/uapi/linux/landlock.h).
var rightNames = [...]string{
	"execute", "write-file", "read-file", "read-dir", "remove-dir", "remove-file", "make-char", "make-dir",
	"make-reg", "make-sock", "make-fifo", "make-block", "make-sym", "refer", "truncate", "ioctl-dev",
}

// NamedRights is how many there are, from bit 0.
const NamedRights = len(rightNames)

// FileRights are those that a rule on something other than a folder can allow
// (ACCESS_FILE, security/landlock/fs.c).
const FileRights = 1<<0 | 1<<1 | 1<<2 | 1<<14 | 1<<15

// RightNames lists rights in bit order; a bit without a name is "bit16" and so on.
func RightNames(rights uint64) []string {
	list := []string{}
	for i := range 64 {
		switch {
		case rights>>i&1 == 0:
		case i < len(rightNames):
			list = append(list, rightNames[i])
		default:
			list = append(list, "bit"+strconv.Itoa(i))
		}
	}
	return list
}

// ParseRights reads names with commas between; an empty text is 0. All are those
// that the kernel has.
func ParseRights(list string, all uint64) (rights uint64, err error) {
	if list == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(rightNames[:], name)
		if i < 0 {
			return 0, errors.New("no right is called " + strconv.Quote(name))
		}
		if all>>i&1 == 0 {
			return 0, errors.New("this kernel does not know the right " + name)
		}
		rights |= 1 << i
	}
	return rights, nil
}
