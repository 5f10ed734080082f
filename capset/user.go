package main

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// resolveUser works out ids and groups. An id that stays is cred.Unchanged in the
// request: it may be another than it is shown as.
func (l *launch) resolveUser(from *cred.State) error {
	l.uid, l.gid = cred.Same(cred.Unchanged), cred.Same(cred.Unchanged)
	if l.user.given {
		var err error
		l.account, err = l.accounts().Account(l.user.text, from.UID.Real)
		if err = cmp.Or(err, broken(l.account.Unread)); err != nil {
			return errors.New("--user " + quote(l.user.text) + ": " + err.Error())
		}
		l.gid = cred.Same(l.account.GID)
		if l.user.text[0] != ':' {
			l.uid = cred.Same(l.account.UID)
		}
	}
	if err := l.resolveIDs(); err != nil {
		return err
	}
	l.request.UID, l.request.GID = idChange(l.uid), idChange(l.gid)
	l.uid, l.gid = l.uid.Over(from.UID), l.gid.Over(from.GID)
	l.lookedUp = l.user.given && l.account.UID == l.uid.Real
	return l.resolveGroups()
}

// idChange asks for ids, unless all of them are to stay.
func idChange(id cred.IDs) cred.Known[cred.IDs] {
	return cred.Known[cred.IDs]{Value: id, OK: id != cred.Same(cred.Unchanged)}
}

// lookUp finds the account of the real uid, which setpriv(1) goes by as well. It
// may be another than the one that --user named.
func (l *launch) lookUp() error {
	if !l.lookedUp {
		l.account, l.lookedUp = l.accounts().AccountOf(l.uid.Real), true
	}
	return broken(l.account.Unread)
}

// broken is the error of reading a passwd, unless it only may not be read: it
// names no one then, as where there is none.
func broken(err error) error {
	if errors.Is(err, unix.EACCES) {
		return nil
	}
	return err
}

// resolveIDs reads --ruid and its like. As with setresuid in setpriv(1) the
// saved id follows the effective one.
func (l *launch) resolveIDs() error {
	for _, w := range l.ids {
		id, err := l.someID(w)
		if err != nil {
			return errors.New(w.option + " " + quote(w.text) + ": " + err.Error())
		}
		switch w.option {
		case "--ruid":
			l.uid.Real = id
		case "--euid":
			l.uid.Effective, l.uid.Saved = id, id
		case "--rgid":
			l.gid.Real = id
		case "--egid":
			l.gid.Effective, l.gid.Saved = id, id
		}
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
	case !l.groups.given && !l.user.given && len(l.ids) > 0: // with root's they would be half a change
		return errors.New(l.ids[0].option + ": say which supplementary groups by --groups=init, none, keep or a list")
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
	err := l.lookUp()
	if err = cmp.Or(err, l.account.Unread); err != nil {
		return err
	}
	if !l.account.Known {
		l.setGroups(nil)
		return nil
	}
	list, err := l.accounts().GroupsOf(l.account.Name)
	l.setGroups(append(list, l.account.GID))
	return err
}

// setGroups asks for a list of groups and the primary one, each once.
func (l *launch) setGroups(list []uint32) {
	list = append(list, l.gid.Effective)
	slices.Sort(list)
	l.request.Groups = cred.Is(slices.Compact(list))
}

// userNamespace reads what the ids of this process are worth: for a dry run, and
// where a plan goes by them. A first look into /proc costs more than all steps.
func (l *launch) userNamespace(from *cred.State) error {
	r, ns := &l.request, &from.UserNS
	stays := func(asked cred.Known[cred.IDs]) bool { return !asked.OK || asked.Value.Effective == cred.Unchanged }
	byGID := len(r.Groups.Value) > 0 && stays(r.GID)
	byUID := l.groups.text == "init" && (!r.UID.OK || r.UID.Value.Real == cred.Unchanged)
	if !l.dryRun && !byGID && !byUID && !(r.Groups.OK && r.GroupsFit(from)) {
		return nil
	}
	var err error
	*ns, err = self.IDMaps()
	const doubt = " may be any that this user namespace does not map; say which by "
	switch {
	case err != nil:
		return err
	case byUID && !ns.TrueUID(from.UID.Real):
		return errors.New("--groups: uid " + format(from.UID.Real) + doubt + "--user")
	case byGID && !ns.TrueGID(from.GID.Effective):
		return errors.New("--groups: gid " + format(from.GID.Effective) + doubt + "--user or --egid")
	}
	return nil
}

func format(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func quote(text string) string { return strconv.Quote(text) }
