// Package accounts reads passwd(5) and group(5) files: the user of a uid, and the
// groups of a user. It does not use NSS, as a static binary cannot. It is pure: it
// takes the text of a file and returns values.
//
// A line counts where the "files" backend of glibc would take it, but only if
// its numbers are plain decimals; every other line is skipped, never read as
// uid 0. Fields after the gid may be missing, and the last field runs to the end
// of the line. Comments (#) and the NIS lines (+, -) are not accounts.
package accounts

import (
	"bytes"
	"iter"
	"slices"
)

// User is a line of passwd(5).
type User struct {
	Name        string
	UID, GID    uint32
	Home, Shell string
}

// Group is a line of group(5), without its members.
type Group struct {
	Name string
	GID  uint32
}

// UserByName finds the first user of that name in a passwd file.
func UserByName(passwd []byte, name string) (User, bool) {
	return find(passwd, func(e entry) bool { return string(e.name) == name }, entry.user)
}

// UserByUID finds the first user with that uid in a passwd file.
func UserByUID(passwd []byte, uid uint32) (User, bool) {
	return find(passwd, func(e entry) bool { return e.id == uid }, entry.user)
}

// GroupByName finds the first group of that name in a group file.
func GroupByName(group []byte, name string) (Group, bool) {
	return find(group, func(e entry) bool { return string(e.name) == name }, entry.group)
}

// GroupByGID finds the first group with that gid in a group file.
func GroupByGID(group []byte, gid uint32) (Group, bool) {
	return find(group, func(e entry) bool { return e.id == gid }, entry.group)
}

// GroupsOf lists the groups of a group file that name the user as a member, in
// the file's order and each once. The user's primary group is not among them
// unless the file says so.
func GroupsOf(group []byte, user string) []uint32 {
	var list []uint32
	for e := range entries(group) {
		if isMember(e.rest, user) && !slices.Contains(list, e.id) {
			list = append(list, e.id)
		}
	}
	return list
}

// GroupNames maps each gid to the name of the first group that has it.
func GroupNames(group []byte) map[uint32]string {
	names := map[uint32]string{}
	for e := range entries(group) {
		if _, dup := names[e.id]; !dup {
			names[e.id] = string(e.name)
		}
	}
	return names
}

// find reads the first line that matches and can be read.
func find[T any](text []byte, match func(entry) bool, read func(entry) (T, bool)) (v T, ok bool) {
	for e := range entries(text) {
		if match(e) {
			if v, ok = read(e); ok {
				return v, true
			}
		}
	}
	return *new(T), false
}

// entries goes through the lines that count; the last may lack its newline.
func entries(text []byte) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for len(text) > 0 {
			var line []byte
			line, text, _ = bytes.Cut(text, newline)
			if e, ok := parseEntry(line); ok && !yield(e) {
				return
			}
		}
	}
}

// entry is what a line of both files begins with: name:password:id. The rest
// follows the third colon. Its bytes are the file's.
type entry struct {
	name []byte
	id   uint32
	rest []byte
}

func parseEntry(line []byte) (entry, bool) {
	line = trimBlanks(line)
	if len(line) == 0 || bytes.IndexByte([]byte("#+-:"), line[0]) >= 0 {
		return entry{}, false
	}
	name, line, _ := bytes.Cut(line, colon)
	_, line, _ = bytes.Cut(line, colon)
	number, rest, _ := bytes.Cut(line, colon)
	id, ok := parseID(number)
	return entry{name, id, rest}, ok
}

// user reads the fields that only passwd has: gid:gecos:home:shell.
func (e entry) user() (User, bool) {
	number, rest, _ := bytes.Cut(e.rest, colon)
	gid, ok := parseID(number)
	_, rest, _ = bytes.Cut(rest, colon)
	home, shell, _ := bytes.Cut(rest, colon)
	return User{string(e.name), e.id, gid, string(home), string(shell)}, ok
}

func (e entry) group() (Group, bool) { return Group{Name: string(e.name), GID: e.id}, true }

// isMember looks for user in a member list: names with commas between, blanks
// before a name not counting.
func isMember(members []byte, user string) bool {
	for len(members) > 0 {
		var name []byte
		name, members, _ = bytes.Cut(members, comma)
		if name = trimBlanks(name); len(name) > 0 && string(name) == user {
			return true
		}
	}
	return false
}

// maxID is the last id there is: the kernel reads the next, (uid_t)-1, as
// "leave unchanged" (setresuid(2)).
const maxID = 1<<32 - 2

// parseID reads a plain decimal from 0 to maxID.
func parseID(b []byte) (uint32, bool) {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n > maxID {
			return 0, false
		}
	}
	return uint32(n), len(b) > 0
}

var colon, comma, newline = []byte{':'}, []byte{','}, []byte{'\n'}

// trimBlanks cuts the blanks of the C locale off the front.
func trimBlanks(b []byte) []byte { return bytes.TrimLeft(b, " \t\v\f\r") }
