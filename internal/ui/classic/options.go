// Package classic is libcap's capsh to the byte: its options, which act from left to
// right, and the text that they print. Views of other processes, and JSON, are ours.
package classic

import (
	"errors"
	"strings"

	"capsh/internal/ui/term"
)

// The classic language: options that act from left to right, each on what the
// ones before it did. All of argv is parsed before the first acts, because
// --pid, --proc and --format hold for the whole line; a mistake is an action
// too, and acts where it stands.

// classicOption is a word of the classic language.
type classicOption struct {
	name string
	// value says that "=value" must be attached; otherwise nothing may be.
	value bool
	// scope says what --pid does to it.
	scope scope
	do    func(s *session, value string) error
}

type scope uint8

const (
	anyProcess  scope = iota // speaks of the process that --pid names, or of none
	thisProcess              // changes this process: --pid beside it is a mistake
)

// options are all that libcap's capsh has but the four that run a program. The
// linker lays them out; nothing of it runs at the start.
var options = [...]classicOption{
	{"--print", false, anyProcess, (*session).print},
	{"--current", false, anyProcess, (*session).current},
	{"--decode", true, anyProcess, (*session).decode},
	{"--has-p", true, anyProcess, (*session).hasPermitted},
	{"--has-i", true, anyProcess, (*session).hasInheritable},
	{"--has-a", true, anyProcess, (*session).hasAmbient},
	{"--has-b", true, anyProcess, (*session).hasBounding},
	{"--dropped", true, anyProcess, (*session).dropped},
	{"--has-ambient", false, anyProcess, (*session).ambientSupported},
	{"--has-no-new-privs", false, anyProcess, (*session).hasNoNewPrivs},
	{"--is-uid", true, anyProcess, (*session).isUID},
	{"--is-gid", true, anyProcess, (*session).isGID},
	{"--supports", true, anyProcess, (*session).supports},
	{"--mode", false, anyProcess, (*session).mode},
	{"--inmode", true, anyProcess, (*session).inMode},
	{"--modes", false, anyProcess, (*session).modes},
	{"--explain", true, anyProcess, (*session).explain},
	{"--suggest", true, anyProcess, (*session).suggest},
	{"--license", false, anyProcess, (*session).license},
	{"--version", false, anyProcess, (*session).version},
	{"--help", false, anyProcess, (*session).help},
	{"-h", false, anyProcess, (*session).help},
	{"--quiet", false, anyProcess, (*session).setQuiet},
	{"--strict", false, thisProcess, (*session).toggleStrict},
	{"--noenv", false, thisProcess, (*session).setNoEnv},
	{"--shell", true, thisProcess, (*session).setShell},
	{"--caps", true, thisProcess, (*session).setCaps},
	{"--inh", true, thisProcess, (*session).setInheritable},
	{"--iab", true, thisProcess, (*session).setIAB},
	{"--drop", true, thisProcess, (*session).dropBounding},
	{"--addamb", true, thisProcess, (*session).addAmbient},
	{"--delamb", true, thisProcess, (*session).delAmbient},
	{"--noamb", false, thisProcess, (*session).clearAmbient},
	{"--mode", true, thisProcess, (*session).setMode},
	{"--secbits", true, thisProcess, (*session).setSecurebits},
	{"--keep", true, thisProcess, (*session).setKeepCaps},
	{"--no-new-privs", false, thisProcess, (*session).setNoNewPrivs},
	{"--uid", true, thisProcess, (*session).setUID},
	{"--cap-uid", true, thisProcess, (*session).capSetUID},
	{"--gid", true, thisProcess, (*session).setGID},
	{"--groups", true, thisProcess, (*session).setGroups},
	{"--user", true, thisProcess, (*session).setUser},
	{"--chroot", true, thisProcess, (*session).chroot},
	{"--forkfor", true, thisProcess, (*session).forkFor},
	{"--killit", true, thisProcess, (*session).killIt},
}

// action is an option with its value, ready to act.
type action struct {
	classicOption
	arg   string // as it was typed
	value string
}

// parsed is a whole command line.
type parsed struct {
	actions []action
	view
}

// parseClassic turns the words after the program's name into actions. An error
// is about the words that are not libcap's, and nothing must act then.
func parseClassic(args []string) (parsed, error) {
	var p parsed
	for i, arg := range args {
		if isView, err := p.view.set(arg); err != nil {
			return p, err
		} else if isView {
			continue
		}
		a := action{arg: arg}
		if isProgram(arg) {
			a.classicOption = classicOption{arg, false, thisProcess, func(s *session, _ string) error {
				return s.runProgram(arg, args[i+1:])
			}}
		} else {
			a.classicOption, a.value = find(arg)
		}
		p.actions = append(p.actions, a)
		if isProgram(arg) || a.do == nil {
			break // what follows belongs to the program, or is out of reach
		}
	}
	return p, p.check()
}

// find looks up an option as it was typed; without do if there is none.
func find(arg string) (classicOption, string) {
	name, value, hasValue := strings.Cut(arg, "=")
	for _, o := range options {
		if o.name == name && o.value == hasValue {
			return o, value
		}
	}
	return classicOption{}, ""
}

// isProgram is one of the four words that run a shell or this program again.
func isProgram(arg string) bool {
	return arg == "--" || arg == "==" || arg == "-+" || arg == "=+"
}

// check refuses to change this process while speaking of another.
func (p *parsed) check() error {
	if !p.elsewhere() {
		return nil
	}
	for _, a := range p.actions {
		if a.do != nil && a.scope == thisProcess {
			return errors.New(a.arg + " acts on this process, it cannot go with --pid or --proc")
		}
	}
	return nil
}

// The exit statuses. libcap's capsh has 0 and 1 only.
const (
	exitYes   = 0
	exitNo    = 1 // no, or failed
	exitUsage = 2 // wrong usage of what libcap's capsh does not have
)

// Run acts from left to right and stops at the first that fails: args[0] is the
// program's name. The error is for stderr, the status says what it means.
func Run(args, env []string, out *term.Output) (int, error) {
	p, err := parseClassic(args[1:])
	if err != nil {
		return exitUsage, err
	}
	s := newSession(args, env, out, p.view)
	if len(args) > 1 && args[1] != "--quiet" {
		s.warnOfUnnamed()
	}
	for _, a := range p.actions {
		if a.do == nil {
			s.text(Usage(args[0]))
			return exitNo, usageError(a.arg)
		}
		if err := a.do(s, a.value); err != nil {
			return statusOf(err)
		}
	}
	return exitYes, nil
}

// errDone is the error of an action that ends the line well.
var errDone = errors.New("done")

// ErrSaid is the error of an action that has put all that there is to say on
// stdout, as libcap's does.
var ErrSaid = errors.New("said on stdout")

func statusOf(err error) (int, error) {
	var program *programStatus
	switch {
	case err == errDone:
		return exitYes, nil
	case errors.As(err, &program):
		return program.status, nil
	}
	return exitNo, err
}

// usageError says what is wrong with a word that is no action.
func usageError(arg string) error {
	name, _, hasValue := strings.Cut(arg, "=")
	for _, o := range options {
		if o.name == name && hasValue {
			return errors.New(name + " takes no value")
		}
		if o.name == name {
			return errors.New(name + " needs a value: " + name + "=…")
		}
	}
	return errors.New("unknown option " + quote(arg))
}

// Options calls yield with the name of each option and whether it takes a value.
func Options(yield func(name string, value bool) bool) {
	for _, o := range options {
		if !yield(o.name, o.value) {
			return
		}
	}
}
