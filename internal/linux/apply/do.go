package apply

import (
	"errors"
	"fmt"

	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
)

// Do carries out the steps of a plan in order and stops at the first that fails.
// The steps before stay done, so the caller exits after an error. That a call reports
// success is not enough, as a seccomp filter may answer it: the effect of each step
// is read back, by [plan.Verify], or at once for the steps after that. A filter, the
// last step, is left to [Command.Exec].
func Do(p *plan.Plan) (filter *Filter, err error) {
	verified := false
	for i, s := range p.Steps {
		switch s.(type) {
		case plan.Verify:
			verified = true
			err = verify(p, p.Steps[:i])
			// The limits that follow may forbid another thread.
			if last, ok := p.Steps[len(p.Steps)-1].(plan.FilterSeccomp); ok && err == nil {
				filter, err = newFilter(last.Filter, last.Path)
			}
		case plan.FilterSeccomp:
		default:
			if err = do(s); err == nil && verified {
				err = readBack(s)
			}
		}
		if _, ok := s.(plan.SetSignals); ok && err == nil { // the filter and the execve follow
			err = sameCommand(&p.Command)
		}
		if err != nil {
			return nil, err
		}
	}
	return filter, nil
}

// sameCommand makes sure that the execve will find what was examined.
func sameCommand(exe *execve.File) error {
	path, err := files.Replaced(exe)
	if err == nil && path != "" {
		err = errors.New(path + ": the file was replaced or changed after it was examined")
	}
	return err
}

// do carries out one step.
func do(s plan.Step) error {
	switch s := s.(type) {
	case plan.SetRlimit:
		return Rlimit(s.Rlimit)
	case plan.SetUmask:
		return Umask(s.Mask)
	case plan.Capset:
		return Capset(s.Effective, s.Permitted, s.Inheritable)
	case plan.DropBounding:
		return each(s.Set, DropBounding)
	case plan.Chroot:
		return enterRoot(s.Path)
	case plan.KeepCaps:
		return KeepCaps(1)
	case plan.OwnStdio:
		return OwnStdio(s)
	case plan.Setgroups:
		return Setgroups(s.Groups)
	case plan.Setresgid:
		return Setresgid(s.IDs)
	case plan.Setresuid:
		return Setresuid(s.IDs)
	case plan.ClearAmbient:
		return ClearAmbient()
	case plan.RaiseAmbient:
		return each(s.Set, RaiseAmbient)
	case plan.SetSecurebits:
		return Securebits(s.Bits)
	case plan.Chdir:
		return Chdir(s.Path)
	case plan.SetDeathSignal:
		return DeathSignal(s.Signal)
	case plan.SetPtracer:
		return Ptracer(s.PID)
	case plan.NoNewPrivs:
		return NoNewPrivs()
	case plan.SetAppArmor:
		return AppArmorExec(s.Label)
	case plan.SetSELinux:
		return SELinuxExec(s.Label)
	case plan.RestrictLandlock:
		return Landlock(s.Landlock)
	case plan.SetSignals:
		return Signals(s.Signals)
	}
	return fmt.Errorf("step %s: not implemented", s.Name())
}

// enterRoot changes the root and the working directory.
func enterRoot(dir string) error {
	if err := Chroot(dir); err != nil {
		return err
	}
	return Chdir("/")
}

// each does something for each capability of a set, up to the first failure.
func each(set caps.Set, change func(caps.Cap) error) error {
	for c := range set.All() {
		if err := change(c); err != nil {
			return err
		}
	}
	return nil
}
