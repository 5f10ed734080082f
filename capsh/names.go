package main

import (
	"capsh/internal/linux/files"
	"capsh/internal/rules/accounts"
)

// accountNames looks up names, reading each file once.
type accountNames struct {
	// at is whose root folder the files are in; nil is this process's.
	at            *files.Lookup
	passwd, group []byte
	// lookups counts those of groups, groupNames is there once they are many.
	lookups    int
	groupNames map[uint32]string
}

// files are the accounts that the names are of.
func (a *accountNames) files() accounts.Files { return accounts.Files{Read: a.read} }

func (a *accountNames) read(path string) ([]byte, error) {
	at, text := files.Here, &a.passwd
	if a.at != nil {
		at = *a.at
	}
	if path == accounts.GroupPath {
		text = &a.group
	}
	var err error
	if *text == nil {
		*text, err = at.ReadFile(path)
	}
	return *text, err
}

// User is the name of a uid, "" where it has none.
func (a *accountNames) User(uid uint32) string {
	u, _, _ := a.files().UserByUID(uid)
	return u.Name
}

// Group is the name of a gid, "" where it has none.
func (a *accountNames) Group(gid uint32) string {
	const few = 16 // so many searches cost less than an index
	if a.lookups++; a.lookups <= few {
		g, _, _ := a.files().GroupByGID(gid)
		return g.Name
	}
	if a.groupNames == nil {
		text, _ := a.read(accounts.GroupPath) // no file, no names
		a.groupNames = accounts.GroupNames(text)
	}
	return a.groupNames[gid]
}

// groupsOf lists all groups of a user, the primary one first.
func (a *accountNames) groupsOf(user *accounts.User) ([]uint32, error) {
	groups := []uint32{user.GID}
	more, err := a.files().GroupsOf(user.Name)
	for _, gid := range more {
		if gid != user.GID {
			groups = append(groups, gid)
		}
	}
	return groups, err
}
