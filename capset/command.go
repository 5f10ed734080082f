package main

import (
	"errors"
	"slices"

	"capsh/internal/execve"
	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// find looks for the command among its paths from number first on, as it will be
// there after the change of root and folder, and notes which it found.
func (l *launch) find(first int) (execve.File, error) {
	paths := slices.Clone(l.paths[first:])
	if l.lookup.Chroot && l.request.Chdir != "" { // the look-up starts at the root
		for i, path := range paths {
			if path != "" && path[0] != '/' {
				paths[i] = l.request.Chdir + "/" + path
			}
		}
	}
	i, exe, err := l.lookup.Command(l.command, paths)
	l.found = first + i
	var notFound probe.NotFound
	switch {
	case errors.As(err, &notFound):
		err = &exitError{exitNotFound, err}
	case err != nil:
		err = &exitError{exitCannot, err}
	}
	return exe, err
}

// explain says more of a failed execve than its errno does.
func (l *launch) explain(err error) error {
	status, path := exitCannot, l.paths[l.found]
	why := ""
	switch {
	case errors.Is(err, unix.ENOENT):
		loader, loaderErr := probe.Here.MissingLoader(path)
		switch {
		case loader != "":
			why = "its dynamic loader " + loader + " is missing"
		case errors.Is(loaderErr, unix.ENOENT):
			status = exitNotFound
		}
	case errors.Is(err, unix.ENOEXEC):
		why = `no "#!" line, and no program for this machine`
	case errors.Is(err, unix.EACCES) && l.request.Landlock.Access != 0:
		why = "does a --landlock-rule allow to execute it, and its loader?"
	case errors.Is(err, unix.EAGAIN):
		why = "the user has more processes than RLIMIT_NPROC allows"
	}
	if why != "" {
		err = errors.New(err.Error() + " (" + why + ")")
	}
	return &exitError{status, err}
}
