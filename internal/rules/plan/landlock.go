package plan

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/suggest"
)

// Rights is a set of Landlock's rights: of the file system in the bits 0 to 31, of
// the network from 32 on, and scopes from 48 on, each in the kernel's order.
type Rights uint64

// Where each kind of rights begins.
const (
	netBit   = 32
	scopeBit = 48
)

// FS, Net and Scope are the rights as struct landlock_ruleset_attr has them.
func (r Rights) FS() uint64    { return uint64(r) & (1<<netBit - 1) }
func (r Rights) Net() uint64   { return uint64(r) >> netBit & (1<<(scopeBit-netBit) - 1) }
func (r Rights) Scope() uint64 { return uint64(r) >> scopeBit }

// landlockRights are all rights by setpriv(1)'s words, with the version of the
// interface that brought them (include/uapi/linux/landlock.h).
var landlockRights = [...]struct {
	bit   int
	kind  string
	name  string
	since int
}{
	{0, "fs", "execute", 1}, {1, "fs", "write-file", 1}, {2, "fs", "read-file", 1}, {3, "fs", "read-dir", 1},
	{4, "fs", "remove-dir", 1}, {5, "fs", "remove-file", 1}, {6, "fs", "make-char", 1}, {7, "fs", "make-dir", 1},
	{8, "fs", "make-reg", 1}, {9, "fs", "make-sock", 1}, {10, "fs", "make-fifo", 1}, {11, "fs", "make-block", 1},
	{12, "fs", "make-sym", 1}, {13, "fs", "refer", 2}, {14, "fs", "truncate", 3}, {15, "fs", "ioctl-dev", 5},
	{16, "fs", "resolve-unix", 9},
	{netBit, "net", "bind-tcp", 4}, {netBit + 1, "net", "connect-tcp", 4},
	{netBit + 2, "net", "bind-udp", 10}, {netBit + 3, "net", "connect-send-udp", 10},
	{scopeBit, "scope", "abstract-unix-socket", 6}, {scopeBit + 1, "scope", "signal", 6},
}

// NewestLandlock is the newest version of the interface of which all rights are known.
const NewestLandlock = 10

// FileRights are those that a rule on something other than a directory can allow
// (ACCESS_FILE, security/landlock/fs.c).
const FileRights Rights = 1<<0 | 1<<1 | 1<<2 | 1<<14 | 1<<15 | 1<<16

// LandlockRights are the rights of a kind, "" for all, that a version of the
// interface has.
func LandlockRights(kind string, abi int) (set Rights) {
	for _, r := range &landlockRights {
		if r.since <= abi && (kind == "" || kind == r.kind) {
			set |= 1 << r.bit
		}
	}
	return set
}

// Names lists the rights in the table's order.
func (r Rights) Names() []string {
	list := []string{}
	for _, known := range &landlockRights {
		if r>>known.bit&1 != 0 {
			list = append(list, known.name)
		}
	}
	return list
}

// Typed lists the rights as --landlock-access takes them: "fs:execute".
func (r Rights) Typed() (list []string) {
	for _, known := range &landlockRights {
		if r>>known.bit&1 != 0 {
			list = append(list, known.kind+":"+known.name)
		}
	}
	return list
}

// ParseRights reads comma-separated names of rights of a kind; an empty text is no
// right. A right that the given version of the interface lacks is an error.
func ParseRights(kind, list string, abi int) (set Rights, err error) {
	if list == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		right, err := parseRight(kind, name, abi)
		if err != nil {
			return 0, err
		}
		set |= right
	}
	return set, nil
}

func parseRight(kind, name string, abi int) (Rights, error) {
	for _, r := range &landlockRights {
		switch {
		case r.name != name:
		case r.kind != kind:
			return 0, fmt.Errorf("%s is a right of %s, not of %s: %s:%s", name, r.kind, kind, r.kind, name)
		case r.since > abi:
			return 0, fmt.Errorf("this kernel does not know the right %s: its Landlock ABI is %d, and %s came with %d", name, abi, name, r.since)
		default:
			return 1 << r.bit, nil
		}
	}
	if near := suggest.Nearest(name, slices.Values(LandlockRights(kind, NewestLandlock).Names())); near != "" {
		return 0, fmt.Errorf("no right is called %q, did you mean %s?", name, near)
	}
	return 0, fmt.Errorf("no right is called %q", name)
}
