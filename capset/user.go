package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/cred"
)

// resolveUser works out ids and groups.
func (l *launch) resolveUser(from *cred.State) error {
	l.account.UID, l.account.GID = from.UID.Real, from.GID.Real
	if l.user.given {
		var err error
		if l.account, err = l.accounts().Account(l.user.text, from.UID.Real); err != nil {
			return errors.New("--user " + quote(l.user.text) + ": " + err.Error())
		}
		l.request.UID, l.request.GID = cred.Is(cred.Same(l.account.UID)), cred.Is(cred.Same(l.account.GID))
	}
	if err := l.resolveIDs(from); err != nil {
		return err
	}
	return l.resolveGroups()
}

// lookUpOwn finds the user that this process is, if no other was asked for.
func (l *launch) lookUpOwn() error {
	user, known, err := l.accounts().UserByUID(l.account.UID)
	if known {
		user.GID = l.account.GID // which stays
		l.account.User, l.account.Known = user, true
	}
	return err
}

// resolveIDs reads --ruid and its like. As with setresuid in setpriv(1) the
// saved id follows the effective one.
func (l *launch) resolveIDs(from *cred.State) error {
	uid, gid := from.UID, from.GID
	if l.request.UID.OK {
		uid, gid = l.request.UID.Value, l.request.GID.Value
	}
	for _, w := range l.ids {
		id, err := l.someID(w)
		if err != nil {
			return errors.New(w.option + " " + quote(w.text) + ": " + err.Error())
		}
		switch w.option {
		case "--ruid":
			uid.Real = id
		case "--euid":
			uid.Effective, uid.Saved = id, id
		case "--rgid":
			gid.Real = id
		case "--egid":
			gid.Effective, gid.Saved = id, id
		}
	}
	if len(l.ids) > 0 {
		l.request.UID, l.request.GID = cred.Is(uid), cred.Is(gid)
	}
	return nil
}

// someID is the id that one of these options names.
func (l *launch) someID(w word) (uint32, error) {
	if w.option == "--rgid" || w.option == "--egid" {
		return l.accounts().GID(w.text)
	}
	return l.accounts().UID(w.text)
}

// resolveGroups reads --groups. Without it a user brings its groups along, one
// that was given with a group only that.
func (l *launch) resolveGroups() error {
	mode := l.groups.text
	switch {
	case !l.groups.given && !l.user.given:
		return nil
	case !l.groups.given && l.account.GroupGiven:
		l.setGroups(nil)
		l.request.GroupsImplied = true
		return nil
	case !l.groups.given:
		l.request.GroupsImplied = true
		mode = "init"
	}
	switch mode {
	case "keep":
		return nil
	case "none":
		l.request.Groups = cred.Is([]uint32(nil))
		return nil
	case "init":
		return l.initGroups()
	}
	var list []uint32
	for item := range strings.SplitSeq(mode, ",") {
		gid, err := l.accounts().GID(item)
		if err != nil {
			return errors.New("--groups " + quote(mode) + ": " + err.Error())
		}
		list = append(list, gid)
	}
	l.setGroups(list)
	return nil
}

// initGroups is initgroups(3).
func (l *launch) initGroups() error {
	if !l.user.given {
		if err := l.lookUpOwn(); err != nil {
			return err
		}
	}
	var list []uint32
	var err error
	if l.account.Known {
		list, err = l.accounts().GroupsOf(l.account.Name)
	}
	l.setGroups(list)
	return err
}

// setGroups asks for a list of groups and the primary one, each once.
func (l *launch) setGroups(list []uint32) {
	primary := l.account.GID
	if l.request.GID.OK {
		primary = l.request.GID.Value.Effective
	}
	list = append(list, primary)
	slices.Sort(list)
	l.request.Groups = cred.Is(slices.Compact(list))
}

func quote(text string) string { return strconv.Quote(text) }
