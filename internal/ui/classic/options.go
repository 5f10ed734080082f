// Package classic is libcap's capsh to the byte: its options, which act from left to
// right, and the text that they print. Views of other processes, and JSON, are ours.
package classic

import (
	"errors"
	"fmt"
	"strings"

	"capsh/internal/ui/exit"
	"capsh/internal/ui/term"
)

// The classic language: options that act from left to right, each on what the
// ones before it did. All of argv is parsed before the first acts, because
// --pid, --proc and --format apply to the whole line; a mistake is an action
// too, and acts where it stands.

// option is a word of the classic language.
type option struct {
	name string
	// value is what must be attached, "=value"; nothing may be where it is nil.
	value *value
	scope scope
	do    func(s *session, value string) error
	help  string // one line for --help=all
}

// scope says what an option is about.
type scope uint8

const (
	anyProcess  scope = iota // the process that --pid names, or none
	thisProcess              // it changes this process: --pid beside it is a mistake
	wholeLine                // it acts before all others, wherever it stands
)

// options are all that libcap's capsh has, but the four that run a program, and ours.
// The linker lays them out; nothing of it runs at the start.
var options = [...]option{
	{"--print", nil, anyProcess, (*session).print, "print all sets and ids"},
	{"--current", nil, anyProcess, (*session).current, "print the effective, permitted and inheritable sets"},
	{"--decode", &number, anyProcess, (*session).decode, "decode a hexadecimal mask"},
	{"--has-p", &oneCap, anyProcess, (*session).hasPermitted, "test whether it is permitted; exit 1 if not"},
	{"--has-i", &oneCap, anyProcess, (*session).hasInheritable, "test whether it is inheritable"},
	{"--has-a", &oneCap, anyProcess, (*session).hasAmbient, "test whether it is ambient"},
	{"--has-b", &oneCap, anyProcess, (*session).hasBounding, "test whether it is in the bounding set"},
	{"--dropped", &oneCap, anyProcess, (*session).dropped, "test whether it is not in the bounding set"},
	{"--has-ambient", nil, anyProcess, (*session).ambientSupported, "test whether the kernel has ambient sets"},
	{"--has-no-new-privs", nil, anyProcess, (*session).hasNoNewPrivs, "test whether no_new_privs is set"},
	{"--is-uid", &number, anyProcess, (*session).isUID, "test the real user id"},
	{"--is-gid", &number, anyProcess, (*session).isGID, "test the real group id"},
	{"--supports", &oneCap, anyProcess, (*session).supports, "test whether the kernel has this capability"},
	{"--mode", nil, anyProcess, (*session).mode, "print the current mode"},
	{"--inmode", &mode, anyProcess, (*session).inMode, "test the current mode"},
	{"--modes", nil, anyProcess, (*session).modes, "list libcap's modes"},
	{"--explain", &oneCap, anyProcess, (*session).explain, "describe a capability"},
	{"--suggest", &text, anyProcess, (*session).suggest, "describe the capabilities that mention TEXT"},
	{"--license", nil, anyProcess, (*session).license, "print the license"},
	{"--version", nil, anyProcess, (*session).version, "print the version"},
	{"--help", nil, anyProcess, (*session).help, ""},
	{"--help", &all, anyProcess, (*session).helpAll, ""},
	{"-h", nil, anyProcess, (*session).help, ""},
	{"--quiet", nil, anyProcess, (*session).setQuiet, "as first option: no warning of unnamed capabilities"},
	{"--strict", nil, thisProcess, (*session).toggleStrict, "do not raise CAP_SETPCAP; a second one undoes it"},
	{"--noenv", nil, thisProcess, (*session).setNoEnv, "do not change HOME and USER for --user"},
	{"--shell", &file, thisProcess, (*session).setShell, "program for -- and -+, /bin/bash by default"},
	{"--caps", &text, thisProcess, (*session).setCaps, "set effective, permitted and inheritable"},
	{"--inh", &capList, thisProcess, (*session).setInheritable, "set inheritable"},
	{"--iab", &text, thisProcess, (*session).setIAB, "set inheritable and ambient, drop from bounding"},
	{"--drop", &capList, thisProcess, (*session).dropBounding, "drop from the bounding set"},
	{"--addamb", &capList, thisProcess, (*session).addAmbient, "add to the ambient set"},
	{"--delamb", &capList, thisProcess, (*session).delAmbient, "remove from the ambient set"},
	{"--noamb", nil, thisProcess, (*session).clearAmbient, "empty the ambient set"},
	{"--mode", &mode, thisProcess, (*session).setMode, "enter a mode"},
	{"--secbits", &number, thisProcess, (*session).setSecurebits, "set the securebits"},
	{"--keep", &zeroOne, thisProcess, (*session).setKeepCaps, "set or clear the securebit keep_caps"},
	{"--no-new-privs", nil, thisProcess, (*session).setNoNewPrivs, "set no_new_privs"},
	{"--uid", &number, thisProcess, (*session).setUID, "set the user ids"},
	{"--cap-uid", &number, thisProcess, (*session).capSetUID, "set the user ids, keep the permitted set"},
	{"--gid", &number, thisProcess, (*session).setGID, "set the group ids"},
	{"--groups", &groups, thisProcess, (*session).setGroups, "set the supplementary groups"},
	{"--user", &user, thisProcess, (*session).setUser, "become this user, with its groups"},
	{"--chroot", &file, thisProcess, (*session).chroot, "chroot to a directory, then chdir to /"},
	{"--forkfor", &number, thisProcess, (*session).forkFor, "start a child that sleeps for N seconds"},
	{"--killit", &number, thisProcess, (*session).killIt, "end that child with signal N"},
	{"--json", nil, wholeLine, (*session).setJSON, "the same as --format=json"},
	{"--format", &formatted, wholeLine, (*session).setFormat, "output format"},
	{"--proc", &file, wholeLine, (*session).setProc, "another procfs: the host's, a saved copy"},
	{"--pid", &processes, wholeLine, (*session).setPID, "inspect these processes instead"},
}

// action is an option with its value, ready to act.
type action struct {
	option
	arg   string // as it was typed
	value string
}

// parse turns the words after the program's name into actions. An error is about the
// words that are not libcap's, and nothing must act then.
func (s *session) parse(args []string) (actions []action, err error) {
	for i, arg := range args {
		o, value := find(arg)
		ends := o.do == nil // what follows belongs to the program, or is out of reach
		switch {
		case isProgram(arg):
			o = option{arg, nil, thisProcess, func(s *session, _ string) error { return s.runProgram(arg, args[i+1:]) }, ""}
		case o.scope == wholeLine && o.do == nil:
			return nil, misused(arg, args[i+1:])
		case o.scope == wholeLine:
			if err := o.do(s, value); err != nil {
				return nil, fmt.Errorf("%s: %w", o.name, err)
			}
			continue
		case o.do == nil:
			o = option{arg, nil, anyProcess, func(s *session, _ string) error {
				s.text(Usage(s.args0))
				return misused(arg, args[i+1:])
			}, ""}
		}
		actions = append(actions, action{o, arg, value})
		if ends {
			break
		}
	}
	return actions, s.check(actions)
}

// find looks up an option as it was typed; without do if it lacks its value, or has one
// that it does not take, and if there is no such option.
func find(arg string) (o option, value string) {
	name, value, hasValue := strings.Cut(arg, "=")
	for _, one := range options {
		if one.name != name {
			continue
		}
		if o = one; (o.value != nil) == hasValue { // --mode and --help have both forms
			return o, value
		}
	}
	o.do = nil
	return o, ""
}

// isProgram is one of the four words that run a shell or this program again.
func isProgram(arg string) bool {
	return arg == "--" || arg == "==" || arg == "-+" || arg == "=+"
}

// check refuses to change this process while speaking of another.
func (s *session) check(actions []action) error {
	switch {
	case len(actions) == 0 && (s.view.json || s.view.elsewhere()):
		return errors.New("nothing to show: add --print or another display or query option")
	case !s.view.elsewhere():
		return nil
	}
	for _, a := range actions {
		if a.scope == thisProcess {
			return errors.New(a.arg + " changes this process; it cannot be combined with --pid or --proc")
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
	s := newSession(args, env, out)
	actions, err := s.parse(args[1:])
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if len(args) > 1 && args[1] != "--quiet" {
		s.warnOfUnnamed()
	}
	for _, a := range actions {
		if err := a.do(s, a.value); err != nil {
			return err
		}
	}
	if len(s.view.threads) > 0 { // one that does not exist is an error, whatever is shown
		_, err = s.subjects()
	}
	return err
}

// Options yields the name of each option.
func Options(yield func(name string) bool) {
	for _, o := range options {
		if !yield(o.name) {
			return
		}
	}
}
