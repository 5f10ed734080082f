package accounts

import (
	"errors"
	"strconv"
	"strings"
)

// Account is the user that a command line names, with what the files say of it.
type Account struct {
	User
	// Known is whether passwd has that user. If not, only its ids are set.
	Known bool
	// GroupGiven is whether GID is what the command line says.
	GroupGiven bool
	// Unread is why passwd could not be read. Numeric ids do not need it; the caller
	// decides whether anything else that was asked for does.
	Unread error
}

// Account reads user, uid, user:group, uid:gid, user:gid, uid:group or :group by
// Docker's rules, except that a uid that no one knows needs a group. own is the
// uid of a user that is left out.
func (f Files) Account(spec string, own uint32) (a Account, err error) {
	user, group, more := strings.Cut(spec, ":")
	switch {
	case spec == "":
		return a, errors.New("the value is empty")
	case more && group == "":
		return a, errors.New(`there is no group after ":"`)
	}
	if a, err = f.account(user, own); err != nil {
		return a, err
	}
	switch {
	case more:
		a.GroupGiven = true
		a.GID, err = f.GID(group)
	case a.Unread != nil:
		err = a.Unread
	case !a.Known:
		err = errors.New("uid " + user + " is not in " + PasswdPath + ", so its group is unknown; write " + user + ":GID")
	}
	return a, err
}

// account finds a user by name or number; an empty text is the number own.
func (f Files) account(text string, own uint32) (a Account, err error) {
	uid, isNumber := own, true
	if text != "" {
		if uid, isNumber, err = parseNumber(text); err != nil {
			return a, err
		}
	}
	if !isNumber {
		a.User, err = f.User(text)
		a.Known = err == nil
		return a, err
	}
	return f.AccountOf(uid), nil
}

// AccountOf finds a user by number; there need not be one, and passwd may be
// Unread.
func (f Files) AccountOf(uid uint32) (a Account) {
	a.User, a.Known, a.Unread = f.UserByUID(uid)
	a.UID = uid
	return a
}

// UID is the id of a user's name or number.
func (f Files) UID(text string) (uint32, error) {
	uid, isNumber, err := parseNumber(text)
	if err != nil || isNumber {
		return uid, err
	}
	u, err := f.User(text)
	return u.UID, err
}

// GID is the id of a group's name or number.
func (f Files) GID(text string) (uint32, error) {
	gid, isNumber, err := parseNumber(text)
	if err != nil || isNumber {
		return gid, err
	}
	g, err := f.Group(text)
	return g.GID, err
}

// parseNumber reads an id: plain decimal from 0 to 4294967294, without sign, blanks
// or leading zeros. A text that can only be meant as a number and is none is an
// error; any other is a name.
func parseNumber(text string) (id uint32, isNumber bool, err error) {
	digits := strings.Trim(text, "0123456789") == ""
	switch {
	case text == "":
		return 0, false, errors.New("a name is empty")
	case strings.TrimSpace(text) != text || strings.ContainsAny(text, ":,\n"):
		return 0, false, errors.New(strconv.Quote(text) + " is neither a name nor a number")
	case text[0] == '-' || text[0] == '+':
		return 0, false, errors.New(strconv.Quote(text) + " is neither a name nor a number from 0 to 4294967294")
	case digits && len(text) > 1 && text[0] == '0':
		return 0, false, errors.New("number " + strconv.Quote(text) + " begins with 0")
	case !digits:
		return 0, false, nil
	}
	id, ok := parseID([]byte(text))
	if !ok {
		return 0, false, errors.New("number " + strconv.Quote(text) + " is out of range: 0 to 4294967294")
	}
	return id, true, nil
}
