package main

import (
	"errors"
	"os"
	"syscall"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
	"capsh/internal/linux/inherit"
	"capsh/internal/linux/watch"
	"capsh/internal/ui/exit"

	"golang.org/x/sys/unix"
)

// exitBySignal and the number of the signal that ended the command are its exit status.
const exitBySignal = 128

// command runs a command and watches it from its execve on. Its status is ours.
func (t *tracer) command(command, env []string) error {
	path, err := find(command[0], env)
	if err != nil {
		return err
	}
	signals := inherit.Signals(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	w, err := watch.Start(watch.Target{Threads: []int{0}, FromExec: true}, t.each)
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	pid, err := apply.Spawn(&apply.Program{Path: path, Argv: command, Env: env})
	if err != nil {
		_, _ = w.Stop() // nothing was started
		return exit.With(exit.Cannot, err)
	}
	go forward(signals, pid)
	status, err := apply.WaitEnd(pid)
	if err == nil {
		err = t.end(w)
	}
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return exit.Silent(exitBySignal + int(status.Signal()))
	}
	return exit.Silent(status.ExitStatus())
}

// find is the path of a command.
func find(name string, env []string) (string, error) {
	paths := files.CommandPaths(name, env)
	found, _, err := files.Here.Command(name, paths)
	var none files.NotFound
	switch {
	case errors.As(err, &none):
		return "", exit.With(exit.NotFound, err)
	case err != nil:
		return "", exit.With(exit.Cannot, err)
	}
	return paths[found.At], nil
}

// forward gives signals to the command. Those of the terminal's keys it has from there
// already.
func forward(signals <-chan os.Signal, pid int) {
	for sig := range signals {
		if byKey := sig == syscall.SIGINT || sig == syscall.SIGQUIT; !byKey || !inForeground() {
			_ = unix.Kill(pid, sig.(syscall.Signal)) // fails for one that has just ended
		}
	}
}

// inForeground says whether the keys of a terminal send signals to this process.
func inForeground() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
