package main

import (
	"cmp"
	"errors"
	"strings"

	"capsh/internal/rules/accounts"
	"capsh/internal/rules/environ"
)

// The PATH that --reset-env gives, as setpriv(1) and login(1) have it.
const (
	rootPath = "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"
	userPath = "/usr/local/bin:/bin:/usr/bin"
)

// environOptions say what environment the command is to have.
type environOptions struct {
	words        []word // --env, --unset-env in order
	reset, login bool
	keepHome     bool
}

// resolve works out the environment: --reset-env first, then what belongs to the
// user, if one is asked for, but for HOME with --keep-home, then --env and
// --unset-env in order. No variable
// configures capset itself.
func (e *environOptions) resolve(env []string, id *identity, newUser bool, warn func(string)) ([]string, error) {
	home, hasHome := environ.Get(env, "HOME")
	if e.reset {
		term, ok := environ.Get(env, "TERM")
		env = nil
		if ok {
			env = environ.Set(env, "TERM", term)
		}
	}
	if newUser || e.reset || e.login {
		var err error
		if env, err = e.ofUser(env, id, warn); err != nil {
			return nil, err
		}
	}
	if e.keepHome {
		if env = environ.Unset(env, "HOME"); hasHome {
			env = environ.Set(env, "HOME", home)
		}
	}
	for _, w := range e.words {
		if name, value, set := strings.Cut(w.text, "="); set {
			env = environ.Set(env, name, value)
		} else {
			env = environ.Unset(env, name)
		}
	}
	return env, nil
}

// ofUser sets what a user's passwd line says.
func (e *environOptions) ofUser(env []string, id *identity, warn func(string)) ([]string, error) {
	if err := id.lookUp(); err != nil {
		return nil, err
	}
	// As runc(8) does for a user without an entry, or if passwd cannot be read.
	env = environ.Set(env, "HOME", cmp.Or(id.account.Home, "/"))
	if (e.login || e.reset) && id.account.Known {
		env = environ.Set(env, "USER", id.account.Name)
		env = environ.Set(env, "LOGNAME", id.account.Name)
	} else if e.login {
		return nil, cmp.Or(id.account.Unread, errors.New("--login-env: the user has no line in "+accounts.PasswdPath))
	} else if id.account.Unread != nil {
		warn(id.account.Unread.Error() + ": HOME is / as for a user without a line there")
	}
	if !e.reset {
		return env, nil
	}
	path := userPath
	if id.account.UID == 0 {
		path = rootPath
	}
	env = environ.Set(env, "SHELL", cmp.Or(id.account.Shell, "/bin/sh"))
	return environ.Set(env, "PATH", path), nil
}
