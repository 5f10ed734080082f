package accounts

import (
	"errors"
	"io/fs"
	"strconv"
)

// The files that name users and groups.
const (
	PasswdPath = "/etc/passwd"
	GroupPath  = "/etc/group"
)

// Files are the passwd and the group file of a root directory.
type Files struct {
	// Read is the whole text of one of them. Its error names the file, and is
	// [fs.ErrNotExist] where there is none.
	Read func(path string) ([]byte, error)
}

// User finds a user by name; that there is none is an error.
func (f Files) User(name string) (User, error) {
	text, err := f.Read(PasswdPath)
	u, ok := UserByName(text, name)
	if err == nil && !ok {
		err = missing("user", name, PasswdPath)
	}
	return u, err
}

// UserByUID finds the user that a uid is, if there is one.
func (f Files) UserByUID(uid uint32) (u User, known bool, err error) {
	text, err := f.Read(PasswdPath)
	u, known = UserByUID(text, uid)
	return u, known, unlessMissing(err)
}

// Group finds a group by name; that there is none is an error.
func (f Files) Group(name string) (Group, error) {
	text, err := f.Read(GroupPath)
	g, ok := GroupByName(text, name)
	if err == nil && !ok {
		err = missing("group", name, GroupPath)
	}
	return g, err
}

// GroupByGID finds the group that a gid is, if there is one.
func (f Files) GroupByGID(gid uint32) (g Group, known bool, err error) {
	text, err := f.Read(GroupPath)
	g, known = GroupByGID(text, gid)
	return g, known, unlessMissing(err)
}

// GroupsOf lists the groups that name a user as a member, as [GroupsOf] does.
func (f Files) GroupsOf(user string) ([]uint32, error) {
	text, err := f.Read(GroupPath)
	return GroupsOf(text, user), unlessMissing(err)
}

func missing(kind, name, path string) error {
	return errors.New("no " + kind + " " + strconv.Quote(name) + " in " + path)
}

// unlessMissing is err, or nil for a file that does not exist: it has no entries.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
