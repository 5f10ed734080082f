package apply

import (
	"errors"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Do carries out the steps of a plan in order and stops at the first that fails.
// What it did stays done: after an error the caller ends.
func Do(p *plan.Plan) error {
	for i := range p.Steps {
		if err := doStep(&p.Steps[i], p); err != nil {
			return err
		}
	}
	return nil
}

func doStep(s *plan.Step, p *plan.Plan) error {
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
	return doRest(s, p)
}

// doRest does the steps that leave the credentials alone.
func doRest(s *plan.Step, p *plan.Plan) error {
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
		return verify(p)
	case plan.SetSignals:
		return Signals(s.Signals)
	case plan.FilterSeccomp:
		return Seccomp(s.Filter, s.Text)
	}
	return errors.New("step " + s.Op.String() + ": not known how")
}

// verify reads back this thread's state and its root folder and compares.
func verify(p *plan.Plan) error {
	got, err := self.State()
	if err == nil {
		err = plan.Check(&p.Want, &got)
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; err == nil && s.Op == plan.Chroot {
			err = checkRoot(s.FD, s.Text)
		}
	}
	if err != nil {
		return errors.New("reading back: " + err.Error())
	}
	return nil
}

// checkRoot compares the root folder with the one that was opened as path, in
// which everything was looked up. That path may have come to name another.
func checkRoot(fd int, path string) error {
	root, err := files.Here.Open("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.Close()
	var want, got unix.Stat_t
	if err := unix.Fstat(fd, &want); err != nil {
		return wrap(err, "fstat", path)
	}
	if err := unix.Fstat(root.FD, &got); err != nil {
		return wrap(err, "fstat", "/")
	}
	if want.Dev != got.Dev || want.Ino != got.Ino {
		return errors.New("the root folder is another than " + path + " was")
	}
	return nil
}
