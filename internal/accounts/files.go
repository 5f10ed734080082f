package accounts

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
)

// The files that name users and groups.
const (
	PasswdPath = "/etc/passwd"
	GroupPath  = "/etc/group"
)

// Files are the passwd and the group file of a root folder.
type Files struct {
	// Open opens one of them. Its error names the file, and is
	// [fs.ErrNotExist] where there is none.
	Open func(path string) (io.ReadCloser, error)
}

// User finds a user by name; that there is none is an error.
func (f Files) User(name string) (u User, err error) {
	file, err := f.Open(PasswdPath)
	if err != nil {
		return u, err
	}
	defer file.Close()
	u, ok, err := UserByName(file, name)
	if err == nil && !ok {
		err = errors.New("no user " + strconv.Quote(name) + " in " + PasswdPath)
	}
	return u, err
}

// UserByUID finds the user that a uid is, if there is one.
func (f Files) UserByUID(uid uint32) (u User, known bool, err error) {
	file, err := f.Open(PasswdPath)
	if err != nil {
		return u, false, unlessMissing(err)
	}
	defer file.Close()
	return UserByUID(file, uid)
}

// Group finds a group by name; that there is none is an error.
func (f Files) Group(name string) (g Group, err error) {
	file, err := f.Open(GroupPath)
	if err != nil {
		return g, err
	}
	defer file.Close()
	g, ok, err := GroupByName(file, name)
	if err == nil && !ok {
		err = errors.New("no group " + strconv.Quote(name) + " in " + GroupPath)
	}
	return g, err
}

// GroupsOf lists the groups that name a user as a member, as [GroupsOf] does.
func (f Files) GroupsOf(user string) ([]uint32, error) {
	file, err := f.Open(GroupPath)
	if err != nil {
		return nil, unlessMissing(err)
	}
	defer file.Close()
	return GroupsOf(file, user)
}

// unlessMissing is nil for a file that is not there: it names no one.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
