package accounts

import (
	"errors"
	"io/fs"
	"testing"
)

// files are made of texts; one that is empty is not there.
func files(passwd, group string) Files {
	return Files{Read: func(path string) ([]byte, error) {
		text := map[string]string{PasswdPath: passwd, GroupPath: group}[path]
		if text == "" {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}}
}

const (
	somePasswd = "root:x:0:0::/root:/bin/sh\napp:x:500:600::/srv:/bin/sh\n77:x:78:79::/:/bin/sh\n"
	someGroup  = "root:x:0:\nextra:x:700:app\n"
)

func TestAccount(t *testing.T) {
	app := User{"app", 500, 600, "/srv", "/bin/sh"}
	in := func(u User, gid uint32) User { u.GID = gid; return u }
	for spec, want := range map[string]Account{
		"app":                   {app, true, false, nil},
		"500":                   {app, true, false, nil},
		"app:700":               {in(app, 700), true, true, nil},
		"app:extra":             {in(app, 700), true, true, nil},
		"500:extra":             {in(app, 700), true, true, nil},
		":extra":                {User{"root", 0, 700, "/root", "/bin/sh"}, true, true, nil},
		"77:5":                  {User{UID: 77, GID: 5}, false, true, nil}, // a number is never a name
		"4294967294:4294967294": {User{UID: 4294967294, GID: 4294967294}, false, true, nil},
	} {
		if got, err := files(somePasswd, someGroup).Account(spec, 0); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", spec, got, err, want)
		}
	}
	if got, err := files("", "").Account("1:2", 0); err != nil || got != (Account{User{UID: 1, GID: 2}, false, true, nil}) {
		t.Errorf("numbers without files: %+v, %v", got, err)
	}
}

// TestAccountUnread: numbers need no readable passwd, and
// never one that names no one.
func TestAccountUnread(t *testing.T) {
	f := Files{Read: func(path string) ([]byte, error) {
		if path == PasswdPath {
			return nil, fs.ErrPermission
		}
		return []byte(someGroup), nil
	}}
	for spec, gid := range map[string]uint32{"1:2": 2, "1:extra": 700} {
		if got, err := f.Account(spec, 0); err != nil || got != (Account{User{UID: 1, GID: gid}, false, true, fs.ErrPermission}) {
			t.Errorf("%s: %+v, %v", spec, got, err)
		}
	}
	if got, err := f.Account(":extra", 9); err != nil || got != (Account{User{UID: 9, GID: 700}, false, true, fs.ErrPermission}) {
		t.Errorf(":extra: %+v, %v", got, err)
	}
	for _, spec := range []string{"1", "app", "app:2"} {
		if got, err := f.Account(spec, 0); err != fs.ErrPermission {
			t.Errorf("%s: %+v, %v", spec, got, err)
		}
	}
}

func TestAccountErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"":               "the value is empty",
		"app:":           `there is no group after ":"`,
		":":              `there is no group after ":"`,
		"nobody":         `no user "nobody" in /etc/passwd`,
		"app:nogroup":    `no group "nogroup" in /etc/group`,
		"77":             "uid 77 is not in /etc/passwd, so its group is unknown; write 77:GID",
		"4294967295:0":   `number "4294967295" is out of range: 0 to 4294967294`,
		"99999999999":    `number "99999999999" is out of range: 0 to 4294967294`,
		"0500":           `number "0500" begins with 0`,
		"-1":             `"-1" is neither a name nor a number from 0 to 4294967294`,
		"app:+1":         `"+1" is neither a name nor a number from 0 to 4294967294`,
		" app":           `" app" is neither a name nor a number`,
		"app:1:2":        `"1:2" is neither a name nor a number`,
		"app:root,extra": `"root,extra" is neither a name nor a number`,
	} {
		if got, err := files(somePasswd, someGroup).Account(spec, 0); err == nil || err.Error() != want {
			t.Errorf("%q: %+v, %v, want %s", spec, got, err, want)
		}
	}
}

var errBroken = errors.New("broken")

// A file that can't be read is never one that names no one.
func TestFilesFail(t *testing.T) {
	fail := Files{Read: func(string) ([]byte, error) { return nil, errBroken }}
	_, _, byUID := fail.UserByUID(1)
	_, groups := fail.GroupsOf("app")
	_, user := fail.User("app")
	_, group := fail.Group("extra")
	_, uid := fail.UID("app")
	_, gid := fail.GID("extra")
	for i, err := range []error{byUID, groups, user, group, uid, gid} {
		if err != errBroken {
			t.Errorf("%d: %v", i, err)
		}
	}
	missing := files("", "")
	if _, known, err := missing.UserByUID(1); known || err != nil {
		t.Errorf("a missing passwd: %t, %v", known, err)
	}
	if list, err := missing.GroupsOf("app"); list != nil || err != nil {
		t.Errorf("a missing group: %v, %v", list, err)
	}
	if _, err := missing.User("app"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name without a passwd: %v", err)
	}
}
