package apply

import (
	"errors"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
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
		if p.Steps[i].Op == plan.SetSignals { // what follows is a filter, or the execve
			if err := sameCommand(&p.Command); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameCommand makes sure that the execve will find what was examined.
func sameCommand(exe *execve.File) error {
	path, err := files.Replaced(exe)
	if err == nil && path != "" {
		err = errors.New(path + ": the file was replaced or changed after it was examined")
	}
	return err
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
		return changeDir(s)
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

// changeDir changes the working directory by its path, as the user that this
// thread is now. The command was looked up in the one that is open, if any.
func changeDir(s *plan.Step) error {
	if err := Chdir(s.Text); err != nil || s.FD < 0 {
		return err
	}
	same, err := isAt(s.FD, s.Text, ".")
	if err == nil && !same {
		err = errors.New("chdir " + s.Text + ": the directory was replaced after the command was looked up in it")
	}
	return err
}

// checkRoot compares the root directory with the one that was opened as path, in
// which everything was looked up. That path may have come to name another.
func checkRoot(fd int, path string) error {
	same, err := isAt(fd, path, "/")
	if err == nil && !same {
		err = errors.New("the root directory is another than " + path + " was")
	}
	return err
}

// isAt reports whether the directory fd, which was opened as path, is the one at
// place now.
func isAt(fd int, path, place string) (bool, error) {
	var want, got unix.Stat_t
	if err := unix.Fstat(fd, &want); err != nil {
		return false, wrap(err, "fstat", path)
	}
	if err := unix.Stat(place, &got); err != nil {
		return false, wrap(err, "stat", place)
	}
	return want.Dev == got.Dev && want.Ino == got.Ino, nil
}
