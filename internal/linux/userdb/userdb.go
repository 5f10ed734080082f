// Package userdb reads the users and groups of a root directory, this process's or
// that of another.
package userdb

import (
	"capsh/internal/linux/files"
	"capsh/internal/rules/accounts"
)

// DB looks up users and groups and reads each file once. The zero value is that of
// this process's root directory.
type DB struct {
	// At is whose root directory the files are in; nil is this process's.
	At            *files.Lookup
	passwd, group []byte
	// lookups counts those of groups, groupNames is there once they are many.
	lookups    int
	groupNames map[uint32]string
}

// Files are the accounts that the names are of.
func (db *DB) Files() accounts.Files { return accounts.Files{Read: db.read} }

func (db *DB) read(path string) ([]byte, error) {
	at, text := files.Here, &db.passwd
	if db.At != nil {
		at = *db.At
	}
	if path == accounts.GroupPath {
		text = &db.group
	}
	var err error
	if *text == nil {
		*text, err = at.ReadFile(path)
	}
	return *text, err
}

// User is the name of a uid, "" where it has none.
func (db *DB) User(uid uint32) string {
	u, _, _ := db.Files().UserByUID(uid)
	return u.Name
}

// Group is the name of a gid, "" where it has none.
func (db *DB) Group(gid uint32) string {
	const few = 16 // so many searches cost less than an index
	if db.lookups++; db.lookups <= few {
		g, _, _ := db.Files().GroupByGID(gid)
		return g.Name
	}
	if db.groupNames == nil {
		text, _ := db.read(accounts.GroupPath) // no file, no names
		db.groupNames = accounts.GroupNames(text)
	}
	return db.groupNames[gid]
}

// GroupsOf lists all groups of a user, the primary one first.
func (db *DB) GroupsOf(user *accounts.User) ([]uint32, error) {
	groups := []uint32{user.GID}
	more, err := db.Files().GroupsOf(user.Name)
	for _, gid := range more {
		if gid != user.GID {
			groups = append(groups, gid)
		}
	}
	return groups, err
}
