package apply

import (
	"errors"

	"capsh/internal/linux/files"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
)

// Do carries out the steps of a plan in order and stops at the first that fails.
// What it did stays done: after an error the caller ends. A call that only says
// that it went well, as a seccomp filter may have it, is no success: the effect of
// each step is read back, by [plan.Verify] or, of what follows that, at once. A
// filter, the last step, is left to [Command.Exec].
func Do(p *plan.Plan) (filter *Filter, err error) {
	verified := false
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Op == plan.Verify:
			verified = true
			err = verify(p, p.Steps[:i])
			// The limits that follow may forbid another thread.
			if last := &p.Steps[len(p.Steps)-1]; err == nil && last.Op == plan.FilterSeccomp {
				filter, err = newFilter(last.Filter, last.Text)
			}
		case s.Op == plan.FilterSeccomp:
		default:
			if err = doStep(s); err == nil && verified {
				err = readBack(s)
			}
		}
		if err == nil && s.Op == plan.SetSignals { // the filter and the execve follow
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

func doStep(s *plan.Step) error {
	switch s.Op {
	case plan.SetRlimit:
		return Rlimit(s.Rlimit)
	case plan.SetUmask:
		return Umask(uint32(s.Number))
	case plan.Capset:
		return Capset(s.Sets.Effective, s.Sets.Permitted, s.Sets.Inheritable)
	case plan.DropBounding:
		for c := range s.Set.All() {
			if err := DropBounding(c); err != nil {
				return err
			}
		}
		return nil
	case plan.Chroot:
		if err := Chroot(s.Text); err != nil {
			return err
		}
		return Chdir("/")
	case plan.KeepCaps:
		return KeepCaps(1)
	case plan.Setgroups:
		return Setgroups(s.Groups)
	case plan.Setresgid:
		return Setresgid(s.IDs)
	case plan.Setresuid:
		return Setresuid(s.IDs)
	case plan.ClearAmbient:
		return ClearAmbient()
	case plan.RaiseAmbient:
		for c := range s.Set.All() {
			if err := RaiseAmbient(c); err != nil {
				return err
			}
		}
		return nil
	case plan.SetSecurebits:
		return Securebits(cred.Securebits(s.Number))
	case plan.Chdir:
		return Chdir(s.Text)
	}
	return doRest(s)
}

// doRest does the steps that leave the credentials alone.
func doRest(s *plan.Step) error {
	switch s.Op {
	case plan.SetDeathSignal:
		return DeathSignal(uint32(s.Number))
	case plan.SetPtracer:
		return Ptracer(s.Number)
	case plan.NoNewPrivs:
		return NoNewPrivs()
	case plan.SetAppArmor:
		return AppArmorExec(s.Text)
	case plan.SetSELinux:
		return SELinuxExec(s.Text)
	case plan.RestrictLandlock:
		return Landlock(s.Landlock)
	case plan.SetSignals:
		return Signals(s.Signals)
	}
	return errors.New("step " + s.Op.String() + ": not known how")
}
