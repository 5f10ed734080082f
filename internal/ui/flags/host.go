package flags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/accounts"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Kinds of which the values are things of this host.

// Caps is a list of capabilities with commas between, all or none. All is what
// "all" stands for.
func Caps(all caps.Set) Kind[caps.Set] {
	return Kind[caps.Set]{
		Word:     "LIST",
		Parse:    func(text string) (caps.Set, error) { return caps.ParseList(text, all) },
		Complete: CompleteCaps,
	}
}

// UnreadCaps is Caps kept as it was typed: what all is depends on the kernel, which is
// only asked where it matters.
var UnreadCaps = Kind[string]{Word: "LIST", Parse: asTyped, Complete: CompleteCaps}

// CompleteCaps completes a list of capabilities: by short names, unless the last
// item begins as whole ones do.
func CompleteCaps(typed string) []string {
	return Listed(append(CapNames(typed), "all"), typed, "none")
}

// CapNames are the names of the kernel's capabilities, as long as the last item of a
// list is.
func CapNames(typed string) []string {
	whole := strings.HasPrefix(typed[strings.LastIndexByte(typed, ',')+1:], "cap_")
	var list []string
	kernel, _ := self.ReadKernel() // a completion has nobody to complain to
	for c := range caps.First(min(kernel.Bits, caps.Named)).All() {
		if whole {
			list = append(list, c.String())
		} else {
			list = append(list, c.Short())
		}
	}
	return list
}

// UserName is the name or number of a user, GroupName that of a group. Both are
// looked up later, in the files of the root that counts.
var (
	UserName  = Kind[string]{Word: "USER", Parse: asTyped, Complete: func(string) []string { return UserNames() }}
	GroupName = Kind[string]{Word: "GROUP", Parse: asTyped, Complete: func(string) []string { return GroupNames() }}
)

// RootID is uid 0 of a user namespace, by its number in this one; no namespace has
// 0 or 4294967295, which stand for none.
var RootID = Kind[uint32]{
	Word: "UID",
	Parse: func(text string) (uint32, error) {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n == 0 || uint32(n) == cred.UnknownID || text[0] == '0' {
			return 0, fmt.Errorf("%q is not a number from 1 to 4294967294", text)
		}
		return uint32(n), nil
	},
}

// UserSpec is USER, USER:GROUP or :GROUP.
var UserSpec = Kind[string]{
	Word:  "USER[:GROUP]",
	Parse: asTyped,
	Complete: func(typed string) []string {
		if i := strings.IndexByte(typed, ':') + 1; i > 0 {
			return Prefixed(typed[:i], GroupNames())
		}
		return UserNames()
	},
}

// UserNames and GroupNames are those that a shell takes as they are, for that is
// how some put them on the line.
func UserNames() []string  { return names(accounts.PasswdPath) }
func GroupNames() []string { return names(accounts.GroupPath) }

func names(file string) (list []string) {
	text, _ := files.Here.ReadFile(file) // a completion has nobody to complain to
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(line, ":")
		if ok && plain(name) {
			list = append(list, name)
		}
	}
	return list
}

// plain reports whether a name has only letters, digits and characters without a
// meaning in any shell, and begins with a letter or digit.
func plain(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	return name != "" && strings.Contains(letters, name[:1]) && strings.Trim(name, letters+".-@") == ""
}

// Thread is a process, or one of its threads, as it was named.
type Thread struct {
	cred.ThreadID
	// Alone says that a thread was named, PID/TID: no other thread counts.
	Alone bool
}

// Processes is PID or PID/TID, several with commas between.
var Processes = Kind[[]Thread]{
	Word:     "PID[/TID],...",
	Parse:    ParseThreads,
	Complete: CompletePIDs,
}

// ParseThreads reads PID or PID/TID, several with commas between.
func ParseThreads(text string) (list []Thread, err error) {
	for item := range strings.SplitSeq(text, ",") {
		id, err := cred.ParseThreadID(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("%w%s", err, processHint(item))
		}
		list = append(list, Thread{id, strings.Contains(item, "/")})
	}
	return list, nil
}

// processHint is what to write in place of a word that is no process id.
func processHint(word string) string {
	switch strings.ToLower(word) {
	case "self", "me", "$$":
		return "; without a PID it is capsh itself; the shell is $$, not in single quotes"
	case "all", "any", "*", "-1":
		return "; all processes: capsh ps --all; those with a capability: capsh ps --cap=LIST"
	}
	switch {
	case strings.Trim(word, "0123456789/-") == "":
		return ""
	case strings.ContainsAny(word, " \n"):
		return "; put commas between several"
	}
	return `; by name: "$(pgrep -d, -x NAME)"`
}

// CompletePIDs completes a list of process ids.
func CompletePIDs(typed string) []string { return Listed(PIDs(), typed) }

// PIDs are the ids of all processes.
func PIDs() (list []string) {
	ids, _ := procfs.Proc.PIDs() // a completion has nobody to complain to
	for _, id := range ids {
		list = append(list, strconv.Itoa(id))
	}
	return list
}

// Proc is the directory of a procfs.
var Proc = Kind[procfs.Root]{
	Word: "DIR",
	Parse: func(text string) (procfs.Root, error) {
		if text == "" {
			return "", errors.New("needs a directory")
		}
		return procfs.Root(text), nil
	},
}
