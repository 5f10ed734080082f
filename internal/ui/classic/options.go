// Package classic is libcap's capsh to the byte: its options, which act from left to
// right, and the text that they print. Views of other processes, and JSON, are ours.
package classic

import (
	"errors"
	"strings"

	"capsh/internal/ui/exit"
	"capsh/internal/ui/term"
)

// The classic language: options that act from left to right, each on what the
// ones before it did. All of argv is parsed before the first acts, because
// --pid, --proc and --format hold for the whole line; a mistake is an action
// too, and acts where it stands.

// classicOption is a word of the classic language.
type classicOption struct {
	name string
	// value is what must be attached, "=value"; nothing may be where it is nil.
	value *value
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
	{"--print", nil, anyProcess, (*session).print},
	{"--current", nil, anyProcess, (*session).current},
	{"--decode", number, anyProcess, (*session).decode},
	{"--has-p", oneCap, anyProcess, (*session).hasPermitted},
	{"--has-i", oneCap, anyProcess, (*session).hasInheritable},
	{"--has-a", oneCap, anyProcess, (*session).hasAmbient},
	{"--has-b", oneCap, anyProcess, (*session).hasBounding},
	{"--dropped", oneCap, anyProcess, (*session).dropped},
	{"--has-ambient", nil, anyProcess, (*session).ambientSupported},
	{"--has-no-new-privs", nil, anyProcess, (*session).hasNoNewPrivs},
	{"--is-uid", number, anyProcess, (*session).isUID},
	{"--is-gid", number, anyProcess, (*session).isGID},
	{"--supports", oneCap, anyProcess, (*session).supports},
	{"--mode", nil, anyProcess, (*session).mode},
	{"--inmode", mode, anyProcess, (*session).inMode},
	{"--modes", nil, anyProcess, (*session).modes},
	{"--explain", oneCap, anyProcess, (*session).explain},
	{"--suggest", text, anyProcess, (*session).suggest},
	{"--license", nil, anyProcess, (*session).license},
	{"--version", nil, anyProcess, (*session).version},
	{"--help", nil, anyProcess, (*session).help},
	{"-h", nil, anyProcess, (*session).help},
	{"--quiet", nil, anyProcess, (*session).setQuiet},
	{"--strict", nil, thisProcess, (*session).toggleStrict},
	{"--noenv", nil, thisProcess, (*session).setNoEnv},
	{"--shell", file, thisProcess, (*session).setShell},
	{"--caps", text, thisProcess, (*session).setCaps},
	{"--inh", capList, thisProcess, (*session).setInheritable},
	{"--iab", text, thisProcess, (*session).setIAB},
	{"--drop", capList, thisProcess, (*session).dropBounding},
	{"--addamb", capList, thisProcess, (*session).addAmbient},
	{"--delamb", capList, thisProcess, (*session).delAmbient},
	{"--noamb", nil, thisProcess, (*session).clearAmbient},
	{"--mode", mode, thisProcess, (*session).setMode},
	{"--secbits", number, thisProcess, (*session).setSecurebits},
	{"--keep", zeroOne, thisProcess, (*session).setKeepCaps},
	{"--no-new-privs", nil, thisProcess, (*session).setNoNewPrivs},
	{"--uid", number, thisProcess, (*session).setUID},
	{"--cap-uid", number, thisProcess, (*session).capSetUID},
	{"--gid", number, thisProcess, (*session).setGID},
	{"--groups", groups, thisProcess, (*session).setGroups},
	{"--user", user, thisProcess, (*session).setUser},
	{"--chroot", file, thisProcess, (*session).chroot},
	{"--forkfor", number, thisProcess, (*session).forkFor},
	{"--killit", number, thisProcess, (*session).killIt},
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
			a.classicOption = classicOption{arg, nil, thisProcess, func(s *session, _ string) error {
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
		if o.name == name && (o.value != nil) == hasValue {
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

var (
	// errDone ends the line well.
	errDone = exit.Silent(exit.Yes)
	// errSaid is the error of an action that has put all that there is to say on
	// stdout, as libcap's does.
	errSaid = exit.Silent(exit.No)
)

// Run acts from left to right and stops at the first that fails: args[0] is the
// program's name.
func Run(args, env []string, out *term.Output) error {
	p, err := parseClassic(args[1:])
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	s := newSession(args, env, out, p.view)
	if len(args) > 1 && args[1] != "--quiet" {
		s.warnOfUnnamed()
	}
	for _, a := range p.actions {
		if a.do == nil {
			s.text(Usage(args[0]))
			return usageError(a.arg)
		}
		if err := a.do(s, a.value); err != nil {
			return err
		}
	}
	return nil
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

// Options yields the name of each option.
func Options(yield func(name string) bool) {
	for _, o := range options {
		if !yield(o.name) {
			return
		}
	}
}
