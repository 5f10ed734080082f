package apply

import (
	"errors"
	"fmt"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Do carries out the steps of a plan in order and stops at the first that fails.
// The steps before stay done, so the caller exits after an error. That a call reports
// success is not enough, as a seccomp filter may answer it: the effect of each step
// is read back, by [plan.Verify], or at once for the steps after that. A [plan.Again]
// may fail: what is there then decides, as this process's procfs shows it. A filter, the
// last step, is left to [Command.Exec].
func Do(p *plan.Plan) (filter *Filter, err error) {
	verified, doubt := false, false
	for i, s := range p.Steps {
		switch s := s.(type) {
		case plan.Again:
			var refused bool
			refused, err = again(s.Step)
			doubt = doubt || refused
		case plan.Verify:
			verified = true
			err = verify(p, p.Steps[:i], doubt)
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
		return dropBounding(s)
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

// dropBounding drops the set, then each of the others up to the first that the kernel
// does not know.
func dropBounding(s plan.DropBounding) error {
	if err := each(s.Set, DropBounding); err != nil {
		return err
	}
	for c := range s.Others.All() {
		has, err := cap.GetBound(cap.Value(c))
		if err != nil {
			err = wrap(err, "prctl(PR_CAPBSET_READ)", c.String())
		} else if has {
			err = errReread
		} else {
			err = DropBounding(c)
		}
		if errors.Is(err, unix.EINVAL) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// errReread is the error where what a plan begins with was not what is there.
var errReread = errors.New("reading back: the capability sets are not those that were read at first")

// again carries out a step that changes nothing if the state was read right. What always
// answers in the same way has that made true; what answered otherwise only once is found
// out here, as the plan may rest on it. Refused says that the step itself failed.
func again(s plan.Step) (refused bool, err error) {
	if s, ok := s.(plan.Capset); ok {
		is, err := self.EPI()
		if err != nil {
			return false, err
		}
		if is != s.EPI {
			return false, errReread
		}
	}
	if s, ok := s.(plan.DropBounding); ok {
		return false, dropBounding(s)
	}
	return do(s) != nil, nil
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
