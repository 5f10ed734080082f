package apply

import (
	"errors"

	"capsh/internal/cred"
	"capsh/internal/plan"
	"capsh/internal/probe"
)

// Do carries out the steps of a plan in order and stops at the first that fails.
// What it did stays done: after an error the caller ends.
func Do(p *plan.Plan) error {
	for i := range p.Steps {
		if err := doStep(&p.Steps[i], &p.Want); err != nil {
			return err
		}
	}
	return nil
}

func doStep(s *plan.Step, want *cred.State) error {
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
	return doRest(s, want)
}

// doRest does the steps that leave the credentials alone.
func doRest(s *plan.Step, want *cred.State) error {
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
	case plan.Verify:
		return verify(want)
	case plan.SetSignals:
		return Signals(s.Signals)
	case plan.FilterSeccomp:
		return Seccomp(s.Filter, s.Text)
	}
	return errors.New("step " + s.Op.String() + ": not known how")
}

// verify reads this thread's state back and compares.
func verify(want *cred.State) error {
	got, err := probe.Self()
	if err != nil {
		return errors.New("reading back: " + err.Error())
	}
	if err := plan.Check(*want, got); err != nil {
		return errors.New("reading back: " + err.Error())
	}
	return nil
}
