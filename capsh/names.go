package main

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"

	"capsh/internal/accounts"
	"capsh/internal/probe"
)

// The files that name users and groups. A static binary has no NSS.
const (
	passwdPath = "/etc/passwd"
	groupPath  = "/etc/group"
)

// accountNames looks up names, reading each file once.
type accountNames struct {
	// read reads a file; nil is probe.ReadFile.
	read          func(path string) ([]byte, error)
	passwd, group []byte
	// lookups counts those of groups, groupNames is there once they are many.
	lookups    int
	groupNames map[uint32]string
}

func (a *accountNames) readFile(path string) ([]byte, error) {
	if a.read != nil {
		return a.read(path)
	}
	return probe.ReadFile(path)
}

func (a *accountNames) passwdFile() (_ []byte, err error) {
	if a.passwd == nil {
		a.passwd, err = a.readFile(passwdPath)
	}
	return a.passwd, err
}

func (a *accountNames) groupFile() (_ []byte, err error) {
	if a.group == nil {
		a.group, err = a.readFile(groupPath)
	}
	return a.group, err
}

// User is the name of a uid, "" where it has none.
func (a *accountNames) User(uid uint32) string {
	file, _ := a.passwdFile()
	u, _, _ := accounts.UserByUID(bytes.NewReader(file), uid)
	return u.Name
}

// Group is the name of a gid, "" where it has none.
func (a *accountNames) Group(gid uint32) string {
	const few = 16 // so many searches cost less than an index
	file, _ := a.groupFile()
	if a.lookups++; a.lookups <= few {
		g, _, _ := accounts.GroupByGID(bytes.NewReader(file), gid)
		return g.Name
	}
	if a.groupNames == nil {
		a.groupNames, _ = accounts.GroupNames(bytes.NewReader(file))
	}
	return a.groupNames[gid]
}

// lookupUser finds a user and all its groups, the primary one first.
func (a *accountNames) lookupUser(name string) (accounts.User, []uint32, error) {
	file, err := a.passwdFile()
	if err != nil {
		return accounts.User{}, nil, err
	}
	user, ok, err := accounts.UserByName(bytes.NewReader(file), name)
	if err == nil && !ok {
		err = errors.New("no user " + quote(name) + " in " + passwdPath)
	}
	if err != nil {
		return user, nil, err
	}
	groups := []uint32{user.GID}
	if file, err = a.groupFile(); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return user, groups, nil
		}
		return user, nil, err
	}
	more, err := accounts.GroupsOf(bytes.NewReader(file), name)
	for _, gid := range more {
		if gid != user.GID {
			groups = append(groups, gid)
		}
	}
	return user, groups, err
}
