package classic

import (
	"errors"
	"fmt"
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
	return "", fmt.Errorf("there is neither %s nor %s here; --shell=PATH runs another program", defaultShell, fallbackShell)
}

// findSelf is this program as it was called: a path as it is, a name by PATH.
func (s *session) findSelf() (string, error) {
	if strings.Contains(s.args0, "/") {
		return s.args0, nil
	}
	path, ok := environ.Get(s.env, "PATH")
	if !ok {
		return "", fmt.Errorf("cannot find %q again: the environment has no PATH", s.args0)
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			continue // libcap's, by strtok(3)
		}
		if file := dir + "/" + s.args0; unix.Access(file, unix.X_OK) == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("cannot find %q in PATH", s.args0)
}

// launch runs a program in a child and waits for it. Its status is ours; killed
// by a signal is 1, as with libcap.
func (s *session) launch(argv []string) error {
	signals := inherit.Signals(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	pid, err := apply.Spawn(&apply.Program{Path: argv[0], Argv: argv, Env: s.env})
	if err != nil {
		return err
	}
	go func() {
		for sig := range signals {
			unix.Kill(pid, sig.(syscall.Signal))
		}
	}()
	status, err := apply.WaitEnd(pid)
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("child %d (%s) was ended by %s", pid, argv[0], signalName(status.Signal()))
	}
	return exit.Silent(status.ExitStatus())
}

func (s *session) forkFor(value string) error {
	seconds, err := parseNumber("--forkfor", value)
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
	n, err := parseNumber("--killit", value)
	switch {
	case err != nil:
		return err
	case s.child == 0:
		return errors.New("--killit: there is no child, --forkfor makes one")
	}
	sig := syscall.Signal(n)
	if err := unix.Kill(s.child, sig); err != nil {
		return fmt.Errorf("kill %d with signal %d: %w", s.child, n, err)
	}
	status, err := apply.Wait(s.child)
	if err == nil && status.Stopped() {
		unix.Kill(s.child, unix.SIGKILL)
		apply.Wait(s.child)
		err = fmt.Errorf("--killit: %s stopped the child instead of ending it; it has been killed", signalName(sig))
	}
	if err != nil {
		return err
	}
	s.child = 0
	if ended := endedBy(status); ended != sig {
		return fmt.Errorf("--killit: the child was not ended by signal %d but by %d", sig, ended)
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
func signalName(sig syscall.Signal) string { return fmt.Sprintf("signal %d (%s)", int(sig), sig) }
