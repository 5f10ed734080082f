package classic

import (
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/inherit"
	"capsh/internal/rules/environ"
	"capsh/internal/ui/exit"

	"golang.org/x/sys/unix"
)

// The actions that run another program, or wait for a child.

const (
	defaultShell  = "/bin/bash"
	fallbackShell = "/bin/sh"
)

// runProgram is the four words: -- and == replace this program by a shell or by
// itself, -+ and =+ run it in a child and wait. args is what follows.
func (s *session) runProgram(word string, args []string) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	argv, err := s.program(word, args)
	if err != nil {
		return err
	}
	if word[1] == '+' {
		return s.launch(argv)
	}
	return apply.Exec(argv[0], argv, s.env)
}

// program is the argument vector to run; the first is its path.
func (s *session) program(word string, args []string) ([]string, error) {
	if word[0] == '-' {
		shell, err := s.findShell()
		return append([]string{shell}, args...), err
	}
	self, err := s.findSelf()
	argv := []string{self}
	if s.quiet {
		argv = append(argv, "--quiet")
	}
	return append(argv, args...), err
}

// findShell is bash as libcap has it, and sh where there is no bash.
func (s *session) findShell() (string, error) {
	if s.shell != nil {
		return *s.shell, nil
	}
	for _, shell := range []string{defaultShell, fallbackShell} {
		if unix.Access(shell, unix.F_OK) == nil {
			return shell, nil
		}
	}
	return "", errors.New("there is no " + defaultShell + " and no " + fallbackShell + " here; name another program with --shell=PATH")
}

// findSelf is this program as it was called: a path as it is, a name by PATH.
func (s *session) findSelf() (string, error) {
	if strings.Contains(s.args0, "/") {
		return s.args0, nil
	}
	path, ok := environ.Get(s.env, "PATH")
	if !ok {
		return "", errors.New("cannot find " + quote(s.args0) + " again: there is no PATH in the environment")
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			continue // libcap's, by strtok(3)
		}
		if file := dir + "/" + s.args0; unix.Access(file, unix.X_OK) == nil {
			return file, nil
		}
	}
	return "", errors.New("cannot find " + quote(s.args0) + " in PATH")
}

// forwarded are the signals that -+ and =+ hand on to the child.
var forwarded = [...]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}

// launch runs a program in a child and waits for it. Its status is ours; killed
// by a signal is 1, as with libcap.
func (s *session) launch(argv []string) error {
	signals := make(chan os.Signal, len(forwarded))
	for _, sig := range forwarded {
		if !inherit.IgnoredAtStart(sig.(syscall.Signal)) {
			signal.Notify(signals, sig)
		}
	}
	pid, err := apply.Spawn(&apply.Program{Path: argv[0], Argv: argv, Env: s.env})
	if err != nil {
		return err
	}
	go func() {
		for sig := range signals {
			unix.Kill(pid, sig.(syscall.Signal))
		}
	}()
	for {
		status, err := apply.Wait(pid)
		switch {
		case err != nil:
			return err
		case status.Exited():
			return exit.Silent(status.ExitStatus())
		case status.Signaled():
			return errors.New("child " + itoa(uint32(pid)) + " (" + argv[0] + ") was ended by " + signalName(status.Signal()))
		}
	}
}

func (s *session) forkFor(value string) error {
	seconds, err := parseID("--forkfor", value)
	switch {
	case err != nil:
		return err
	case s.child != 0:
		return errors.New("--forkfor: there is a child already")
	case seconds == 0:
		s.text(Usage(s.args0))
		return errors.New("--forkfor needs a number of seconds above 0")
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	s.child, err = apply.ForkSleep(seconds)
	return err
}

// killIt signals the child of --forkfor and waits for its end, which must be by
// that signal; 0 only waits.
func (s *session) killIt(value string) error {
	n, err := parseID("--killit", value)
	switch {
	case err != nil:
		return err
	case s.child == 0:
		return errors.New("--killit: there is no child, --forkfor makes one")
	}
	sig := syscall.Signal(n)
	if err := unix.Kill(s.child, sig); err != nil {
		return errors.New("kill " + itoa(uint32(s.child)) + " with signal " + itoa(n) + ": " + err.Error())
	}
	status, err := apply.Wait(s.child)
	if err == nil && status.Stopped() {
		unix.Kill(s.child, unix.SIGKILL)
		apply.Wait(s.child)
		err = errors.New("--killit: " + signalName(sig) + " stopped the child instead of ending it; it has been killed")
	}
	if err != nil {
		return err
	}
	s.child = 0
	if ended := endedBy(status); ended != sig {
		return errors.New("--killit: the child was not ended by signal " + itoa(n) + " but by " + itoa(uint32(ended)))
	}
	return nil
}

// endedBy is the signal that ended a process, 0 for one that exited.
func endedBy(status unix.WaitStatus) syscall.Signal {
	if status.Signaled() {
		return status.Signal()
	}
	return 0
}

// signalName is "signal 15 (terminated)".
func signalName(sig syscall.Signal) string {
	return "signal " + itoa(uint32(sig)) + " (" + sig.String() + ")"
}
