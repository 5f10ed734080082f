package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/exit"

	"golang.org/x/sys/unix"
)

// planned is a launch with its plan.
type planned struct {
	*launch
	*plan.Plan
	found int // which of the paths was judged; len(paths) for none
	first int // the first of the paths that is there at all
}

// plan plans a launch of a process in the state from. Nothing is changed.
func (l *launch) plan(from *cred.State) (*planned, error) {
	made, err := plan.Make(from, &l.request)
	if err != nil {
		return nil, l.advise(err, from)
	}
	made.Warnings = append(l.warnings, made.Warnings...)
	p := &planned{launch: l, Plan: made}
	return p, l.inside(p.foresee)
}

// foresee looks the command up as it will be after the change of root and working
// directory, and has the plan judge it. Where the command's user may find another
// file, that is left to [planned.exec].
func (p *planned) foresee() error {
	exe, err := p.find()
	found, said := err == nil, len(p.Warnings)
	if found {
		err = p.judge(&exe)
	}
	if err == nil || !reachesOthers(p.Plan) || !p.unsure(&exe, found, err) {
		return err
	}
	p.PutOff(err.Error())
	p.Warnings = p.Warnings[:said]
	p.found = len(p.paths)
	return nil
}

// judge has the plan judge the command. An error about a file that the kernel may not
// be able to execute at all has the exit status for that, not for capset's failure.
func (p *planned) judge(exe *execve.File) error {
	err := p.Foresee(exe)
	if exe.Foreign {
		return exit.With(exit.Cannot, err)
	}
	return err
}

// unsure reports whether the look-up may have another result for the command's user:
// this user may not read the file or, where PATH has more directories, the file is
// unsuitable and the command's user may not reach it.
func (p *planned) unsure(exe *execve.File, found bool, err error) bool {
	var file *files.FileError
	switch {
	case exe.Unreadable:
		return true
	case errors.As(err, &file) && file.Err == unix.EACCES:
		return file.Call == "open"
	case p.found+1 >= len(p.paths):
		return false
	}
	poor := found || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOEXEC)
	return poor && !p.lookup.OpenToAll(p.paths[p.found])
}

// find looks for the command among its paths and notes which it is.
func (p *planned) find() (execve.File, error) {
	found, exe, err := p.lookup.Command(p.command, p.paths)
	p.found, p.first = found.At, found.First
	var file *files.FileError
	if errors.As(err, &file) && file.Call == "open" && file.Err == unix.EACCES && file.Why == "" {
		file.Why = denied(p.lookup, file.Path, "execute")
	}
	return exe, p.asGosu(notStarted(err))
}

// notStarted gives the error of a look-up its exit status. What this process lacks for
// looking is no fault of the command's.
func notStarted(err error) error {
	if none := files.NotFound(""); errors.As(err, &none) {
		return exit.With(exit.NotFound, err)
	}
	for _, own := range [...]error{unix.EMFILE, unix.ENFILE, unix.ENOMEM} {
		if errors.Is(err, own) {
			return exit.With(exit.Failed, err)
		}
	}
	return exit.With(exit.Cannot, err)
}

// reachesOthers says that the command's user may reach other files than this one.
func reachesOthers(p *plan.Plan) bool {
	pass := caps.Of(caps.DACOverride, caps.DACReadSearch)
	now, then := &p.Before, &p.Want
	return now.UID != then.UID || now.GID != then.GID || !slices.Equal(now.Groups, then.Groups) ||
		(now.Effective^then.Effective)&pass != 0
}

// start carries the plan out and executes the command. It returns only if that
// failed. Warn gets the warnings that arise meanwhile.
func (p *planned) start(warn func([]string)) error {
	command, err := p.carryOut()
	if err != nil {
		return err
	}
	return p.exec(&command, warn)
}

// carryOut makes this process what the plan says, short of the execve.
func (p *planned) carryOut() (apply.Command, error) {
	command, err := apply.NewCommand(p.argv, p.env)
	if err != nil {
		return command, err
	}
	if command.Filter, err = apply.Do(p.Plan); err != nil {
		return command, blame(p.Plan, err)
	}
	return command, nil
}

// exec tries the paths of the command as its user, as execvp(3) does: after a path
// that this user may not execute, the later ones are tried. It returns only if none
// could be started.
func (p *planned) exec(command *apply.Command, warn func([]string)) error {
	var refused error
	for i := p.first; i < len(p.paths); i++ {
		if i != p.found {
			found, exe, err := files.Here.Command(p.command, p.paths[i:])
			if err != nil {
				return unfound(refused, err)
			}
			if i += found.At; i != p.found {
				said := len(p.Warnings)
				if err := p.judge(&exe); err != nil {
					return err
				}
				warn(p.Warnings[said:])
			}
		}
		err := p.explain(command.Exec(p.paths[i]), p.paths[i])
		if !errors.Is(err, unix.EACCES) {
			return err
		}
		refused = cmp.Or(refused, err)
	}
	return refused
}

// unfound is why nothing was found farther down: what was refused before, unless
// the look-up itself failed.
func unfound(refused, err error) error {
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
	status, why := exit.Cannot, ""
	switch {
	case errors.Is(err, unix.ENOENT): // it was there when it was looked up
		if _, _, now := files.Here.Command(path, []string{path}); now != nil {
			return notStarted(now)
		}
	case errors.Is(err, unix.ENOEXEC):
		why = `neither a "#!" line nor a program for this architecture`
	case errors.Is(err, unix.EACCES) && l.request.Landlock.Access.FS() != 0:
		why = "does a --landlock-rule allow executing it and its loader?"
	case errors.Is(err, unix.EACCES) && l.request.SeccompFile == "": // which may forbid to look
		why = denied(files.Here, path, "execute")
	case errors.Is(err, unix.EAGAIN):
		why = "the user has more processes than RLIMIT_NPROC allows"
	}
	if why != "" {
		err = fmt.Errorf("%w (%s)", err, why)
	}
	return exit.With(status, err)
}
