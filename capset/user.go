package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/accounts"
	"capsh/internal/cred"

	"golang.org/x/sys/unix"
)

// The files that name users and groups. A static binary has no NSS.
const (
	passwdPath = "/etc/passwd"
	groupPath  = "/etc/group"
)

// maxID is the last id there is; setresuid(2) takes the next for "unchanged".
const maxID = 1<<32 - 2

// account is the user that the command runs as, as far as a passwd file knows.
type account struct {
	accounts.User
	known bool
}

// resolveUser works out ids and groups.
func (l *launch) resolveUser(from *cred.State) error {
	l.account.UID, l.account.GID = from.UID.Real, from.GID.Real
	groupGiven := false
	if l.user.given {
		if err := l.resolveSpec(l.user.text, from, &groupGiven); err != nil {
			return errors.New("--user " + quote(l.user.text) + ": " + err.Error())
		}
		l.request.UID, l.request.GID = cred.Is(cred.Same(l.account.UID)), cred.Is(cred.Same(l.account.GID))
	}
	if err := l.resolveIDs(from); err != nil {
		return err
	}
	return l.resolveGroups(groupGiven)
}

// resolveSpec reads user, uid, user:group, uid:gid, user:gid, uid:group or
// :group by Docker's rules, except that a uid that no one knows needs a group.
func (l *launch) resolveSpec(spec string, from *cred.State, groupGiven *bool) error {
	user, group, more := strings.Cut(spec, ":")
	switch {
	case spec == "":
		return errors.New("it is empty")
	case more && group == "":
		return errors.New(`there is no group after ":"`)
	case user == "":
		if err := l.lookUpUID(from.UID.Real); err != nil {
			return err
		}
	default:
		uid, isNumber, err := parseID(user)
		if err != nil {
			return err
		}
		if isNumber {
			err = l.lookUpUID(uid)
		} else {
			err = l.lookUpUser(user)
		}
		if err != nil {
			return err
		}
	}
	if *groupGiven = more; !more {
		if !l.account.known {
			return errors.New("uid " + user + " is not in " + passwdPath + ", so its group is unknown; write " + user + ":GID")
		}
		return nil
	}
	gid, err := l.group(group)
	l.account.GID = gid
	return err
}

// lookUpUID finds the user that a uid is, if there is one.
func (l *launch) lookUpUID(uid uint32) error {
	l.account = account{User: accounts.User{UID: uid, GID: l.account.GID}}
	file, err := openFile(l.lookup, passwdPath)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.close()
	user, known, err := accounts.UserByUID(file, uid)
	if known {
		l.account = account{user, true}
	}
	return err
}

func (l *launch) lookUpUser(name string) error {
	file, err := openFile(l.lookup, passwdPath)
	if err != nil {
		return err
	}
	defer file.close()
	l.account.User, l.account.known, err = accounts.UserByName(file, name)
	if err == nil && !l.account.known {
		err = errors.New("no user " + quote(name) + " in " + passwdPath)
	}
	return err
}

// group is the gid of a name or a number.
func (l *launch) group(text string) (uint32, error) {
	gid, isNumber, err := parseID(text)
	if err != nil || isNumber {
		return gid, err
	}
	file, err := openFile(l.lookup, groupPath)
	if err != nil {
		return 0, err
	}
	defer file.close()
	g, ok, err := accounts.GroupByName(file, text)
	if err == nil && !ok {
		err = errors.New("no group " + quote(text) + " in " + groupPath)
	}
	return g.GID, err
}

// parseID reads an id: plain decimal, without sign, blanks or leading zeros. A
// text that can only be meant as a number and is none is an error; any other is
// a name.
func parseID(text string) (id uint32, isNumber bool, err error) {
	digits := strings.Trim(text, "0123456789") == ""
	switch {
	case text == "":
		return 0, false, errors.New("there is an empty name")
	case strings.TrimSpace(text) != text || strings.ContainsAny(text, ":,\n"):
		return 0, false, errors.New(quote(text) + " is neither a name nor a number")
	case text[0] == '-' || text[0] == '+':
		return 0, false, errors.New(quote(text) + " is neither a name nor a number from 0 to 4294967294")
	case digits && len(text) > 1 && text[0] == '0':
		return 0, false, errors.New("number " + quote(text) + " begins with 0")
	case !digits:
		return 0, false, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > maxID {
		return 0, false, errors.New("number " + quote(text) + " is out of range: 0 to 4294967294")
	}
	return uint32(n), true, nil
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
	if w.option[len(w.option)-3] == 'g' {
		return l.group(w.text)
	}
	uid, isNumber, err := parseID(w.text)
	if err != nil || isNumber {
		return uid, err
	}
	was := l.account
	err = l.lookUpUser(w.text)
	uid, l.account = l.account.UID, was
	return uid, err
}

// resolveGroups reads --groups. Without it a user brings its groups along, one
// that was given with a group only that.
func (l *launch) resolveGroups(groupGiven bool) error {
	mode := l.groups.text
	switch {
	case !l.groups.given && !l.user.given:
		return nil
	case !l.groups.given && groupGiven:
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
		gid, err := l.group(item)
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
		gid := l.account.GID
		if err := l.lookUpUID(l.account.UID); err != nil {
			return err
		}
		l.account.GID = gid // which stays
	}
	if !l.account.known {
		l.setGroups(nil)
		return nil
	}
	file, err := openFile(l.lookup, groupPath)
	if errors.Is(err, unix.ENOENT) {
		l.setGroups(nil)
		return nil
	}
	if err != nil {
		return err
	}
	defer file.close()
	list, err := accounts.GroupsOf(file, l.account.Name)
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
