package main

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// foresee looks the command up as it will be there after the change of root and
// folder, and has the plan judge it. What its own user may see otherwise is left
// to [launch.exec].
func (l *launch) foresee(p *plan.Plan) error {
	exe, err := l.find()
	found, said := err == nil, len(p.Warnings)
	if found {
		err = p.Foresee(&exe)
	}
	if err == nil || !reachesOthers(p) || !l.unsure(&exe, found, err) {
		return err
	}
	p.PutOff(err.Error())
	p.Warnings = p.Warnings[:said]
	l.found = len(l.paths)
	return nil
}

// unsure says that the command's user may get another answer: to what this one
// may not look at and, where PATH goes on, to a file that does not do and that the
// user may not reach.
func (l *launch) unsure(exe *execve.File, found bool, err error) bool {
	var file *files.FileError
	switch {
	case exe.Unreadable:
		return true
	case errors.As(err, &file) && file.Err == unix.EACCES:
		return file.Call == "open"
	case l.found+1 >= len(l.paths):
		return false
	}
	poor := found || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOEXEC)
	return poor && !l.lookup.OpenToAll(l.paths[l.found])
}

// find looks for the command among its paths and notes which it is.
func (l *launch) find() (execve.File, error) {
	found, exe, err := l.lookup.Command(l.command, l.paths)
	l.found, l.first = found.At, found.First
	return exe, notStarted(err)
}

// notStarted gives the error of a look-up its exit status.
func notStarted(err error) error {
	var none files.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &none):
		return &exitError{exitNotFound, err}
	}
	return &exitError{exitCannot, err}
}

// reachesOthers says that the command's user may reach other files than this one.
func reachesOthers(p *plan.Plan) bool {
	pass := caps.Of(caps.DACOverride, caps.DACReadSearch)
	now, then := &p.Before, &p.Want
	return now.UID != then.UID || now.GID != then.GID || !slices.Equal(now.Groups, then.Groups) ||
		(now.Effective^then.Effective)&pass != 0
}

// exec tries the paths of the command as its user, as execvp(3) does: what this
// user may not execute hides nothing farther down. It returns only if none could
// be started.
func (l *launch) exec(command *apply.Command, p *plan.Plan, stderr io.Writer) error {
	var refused error
	for i := l.first; i < len(l.paths); i++ {
		if i != l.found {
			found, exe, err := files.Here.Command(l.command, l.paths[i:])
			if err != nil {
				return l.unfound(refused, err)
			}
			if i += found.At; i != l.found {
				said := len(p.Warnings)
				if err := p.Foresee(&exe); err != nil {
					return err
				}
				l.warn(stderr, p.Warnings[said:])
			}
		}
		err := l.explain(command.Exec(l.paths[i]), l.paths[i])
		if !errors.Is(err, unix.EACCES) {
			return err
		}
		refused = cmp.Or(refused, err)
	}
	return refused
}

// unfound is why nothing was found farther down: what was refused before, unless
// the look-up itself failed.
func (l *launch) unfound(refused, err error) error {
	var none files.NotFound
	if refused != nil && (errors.As(err, &none) || errors.Is(err, unix.EACCES)) {
		return refused
	}
	return notStarted(err)
}

// explain says more of a failed execve of path than its errno does.
func (l *launch) explain(err error, path string) error {
	var filter *apply.FilterError
	if errors.As(err, &filter) {
		return err
	}
	status, why := exitCannot, ""
	switch {
	case errors.Is(err, unix.ENOENT):
		loader, loaderErr := files.Here.MissingLoader(path)
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
		err = &explained{err, why}
	}
	return &exitError{status, err}
}
