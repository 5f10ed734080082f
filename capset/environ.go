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

// environment works out the command's environment: --reset-env first, then what
// belongs to the user, then --env and --unset-env in order. No variable
// configures capset itself.
func (l *launch) environment(env []string) error {
	l.env = env
	if l.resetEnv {
		l.env = nil
		if term, ok := environ.Get(env, "TERM"); ok {
			l.setenv("TERM", term)
		}
	}
	if err := l.userEnvironment(); err != nil {
		return err
	}
	for _, w := range l.environ {
		name, value, hasValue := strings.Cut(w.text, "=")
		switch {
		case name == "" || w.option == "--unset-env" && hasValue:
			return errors.New(w.option + " " + quote(w.text) + ": not the name of a variable")
		case w.option == "--unset-env":
			l.env = environ.Unset(l.env, name)
		case !hasValue:
			return errors.New(w.option + " " + quote(w.text) + ": not of the form NAME=VALUE")
		default:
			l.setenv(name, value)
		}
	}
	return nil
}

// userEnvironment sets what a user's passwd line says, where a user was asked
// for or the environment is a new one.
func (l *launch) userEnvironment() error {
	if !l.user.given && !l.resetEnv && !l.loginEnv {
		return nil
	}
	if err := l.lookUp(); err != nil {
		return err
	}
	home := l.account.Home
	if home == "" {
		home = "/" // as runc(8) has it for a user without an entry, or none to be read
	}
	l.setenv("HOME", home)
	if (l.loginEnv || l.resetEnv) && l.account.Known {
		l.setenv("USER", l.account.Name)
		l.setenv("LOGNAME", l.account.Name)
	} else if l.loginEnv {
		return cmp.Or(l.account.Unread, errors.New("--login-env: the user has no line in "+accounts.PasswdPath))
	}
	if !l.resetEnv {
		return nil
	}
	shell, path := l.account.Shell, userPath
	if shell == "" {
		shell = "/bin/sh"
	}
	if l.account.UID == 0 {
		path = rootPath
	}
	l.setenv("SHELL", shell)
	l.setenv("PATH", path)
	return nil
}

func (l *launch) setenv(name, value string) { l.env = environ.Set(l.env, name, value) }
