package apply

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"unsafe"

	"capsh/internal/linux/inherit"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// allFlags are flags that no kernel knows all of, so that a call with them fails.
const allFlags = 1<<32 - 1

// errFaked is the error of a call that reports success where it cannot succeed.
func errFaked(call string) error {
	return errors.New(call + ": reports success and does nothing (does a seccomp filter answer for the kernel?)")
}

// differs is the error where the value read back is not the one that was set.
func differs(what, is, want string) error {
	return errors.New("reading back: " + what + " is " + is + " instead of " + want)
}

// verify reads back this thread's state, and the rest of what the steps so far
// have set, and compares.
func verify(p *plan.Plan, done []plan.Step, doubt bool) error {
	if err := trustReads(); err != nil {
		return err
	}
	got, err := self.State()
	if err == nil {
		err = plan.Check(&p.Want, &got)
	}
	if err == nil {
		err = checkShown(&p.Want, got, doubt)
	}
	if err != nil {
		return errors.New("reading back: " + err.Error())
	}
	for _, s := range done {
		if err := readBack(s); err != nil {
			return err
		}
	}
	return nil
}

// checkShown compares a state with what this process's procfs shows of this thread,
// where there is a seccomp filter: it may answer the calls that read. (The first look
// at /proc costs more than all steps.) What a kernel does not show is taken from got,
// the state that was read. A file that cannot be read is an error only in doubt, since
// some filters refuse openat2(2).
func checkShown(want *cred.State, got cred.State, doubt bool) error {
	mode, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0)
	if errno == unix.EINVAL || errno == 0 && mode == 0 { // EINVAL: a kernel without seccomp
		return nil
	}
	text, err := procfs.ReadOwn(ownStatus)
	if err != nil && !doubt {
		return nil
	}
	shown := cred.Process{State: got}
	if err == nil {
		err = procfs.ParseStatus(text, &shown)
	}
	if err != nil {
		return fmt.Errorf("a seccomp filter may answer for the kernel, and nothing else shows what was set: %w", err)
	}
	if shown.UID.Real == cred.UnknownID { // gVisor
		shown.UID, shown.GID, shown.Groups = got.UID, got.GID, got.Groups
	}
	if got.FSUnknown {
		shown.UID.FS, shown.GID.FS = got.UID.FS, got.GID.FS
	}
	if !shown.NoNewPrivs.OK { // before Linux 4.10
		shown.NoNewPrivs = got.NoNewPrivs
	}
	if err := plan.Check(want, &shown.State); err != nil {
		return fmt.Errorf("/proc/%s: %w (does a seccomp filter answer for the kernel?)", ownStatus, err)
	}
	return nil
}

// trustReads makes each call that reads the credentials with arguments that the kernel
// refuses. A seccomp filter that answers those with success answers valid ones with
// zeros, too: empty sets and uid 0.
func trustReads() error {
	for _, ask := range [...]struct {
		call         string
		refusal      syscall.Errno
		number, a, b uintptr
	}{
		{"capget", unix.EFAULT, unix.SYS_CAPGET, 0, 0},
		{"prctl(PR_CAPBSET_READ)", unix.EINVAL, unix.SYS_PRCTL, unix.PR_CAPBSET_READ, 255},
		{"getresuid", unix.EFAULT, sysGetresuid, 0, 0},
		{"getresgid", unix.EFAULT, sysGetresgid, 0, 0},
		{"getgroups", unix.EINVAL, sysGetgroups, allFlags, 0}, // a negative size
	} {
		_, _, errno := unix.RawSyscall(ask.number, ask.a, ask.b, 0)
		if err := refused(errno, ask.refusal, ask.call, ""); err != nil {
			return err
		}
	}
	return nil
}

// refused is nil where a call that cannot succeed failed with the kernel's errno for
// it.
func refused(errno, want syscall.Errno, call, object string) error {
	switch errno {
	case want:
		return nil
	case 0:
		return errFaked(call)
	}
	return failed(errno, call, object)
}

// readBack compares what a step was to set, except credentials, with the actual
// value. The buffer of each call begins with an impossible value, so that a call that
// only reports success does not match. [plan.SetPtracer] and [plan.RestrictLandlock]
// cannot be read back.
func readBack(s plan.Step) error {
	switch s := s.(type) {
	case plan.SetRlimit:
		return checkRlimit(s.Rlimit)
	case plan.SetUmask:
		return checkUmask(s.Mask)
	case plan.Chroot:
		return checkDirectory(s.FD, s.Path, "/", "the root directory")
	case plan.Chdir:
		if s.FD < 0 { // no directory was opened
			return nil
		}
		return checkDirectory(s.FD, s.Path, ".", "the working directory")
	case plan.OwnStdio:
		return checkStdio(s)
	case plan.SetDeathSignal:
		return checkDeathSignal(s.Signal)
	case plan.SetAppArmor:
		return checkAttr(s.Label, appArmorExec, sharedExec)
	case plan.SetSELinux:
		return checkAttr(s.Label, sharedExec)
	case plan.SetSignals:
		return checkSignals(s.Signals)
	}
	return nil
}

func checkRlimit(want plan.Rlimit) error {
	limit := unix.Rlimit{Cur: 1, Max: 0}
	if err := unix.Prlimit(0, want.Resource, nil, &limit); err != nil {
		return wrap(err, "prlimit", want.Name)
	}
	got := plan.Rlimit{Soft: limit.Cur, Hard: limit.Max}
	if got.Soft != want.Soft || got.Hard != want.Hard {
		return differs("limit "+want.Name, got.Range(), want.Range())
	}
	return nil
}

func checkDeathSignal(want uint32) error {
	got := int32(-1)
	if errno := prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&got)), 0); errno != 0 {
		return failed(errno, "prctl(PR_GET_PDEATHSIG)", "")
	}
	if got != int32(want) {
		return differs("the parent death signal", strconv.Itoa(int(got)), strconv.Itoa(int(want)))
	}
	return nil
}

// checkDirectory compares the directory at a place, which what names, with the one
// that is open as fd: all look-ups used that one, and by now its path may lead to
// another.
func checkDirectory(fd int, path, place, what string) error {
	var want unix.Stat_t
	if err := unix.Fstat(fd, &want); err != nil {
		return wrap(err, "fstat", path)
	}
	return sameDirectory(&want, path, place, what)
}

// sameDirectory compares the directory that path was with the one at a place, which
// what names.
func sameDirectory(want *unix.Stat_t, path, place, what string) error {
	var got unix.Stat_t
	if err := unix.Stat(place, &got); err != nil {
		return wrap(err, "stat", place)
	}
	if want.Dev != got.Dev || want.Ino != got.Ino || got.Mode&unix.S_IFMT != unix.S_IFDIR {
		return errors.New("reading back: " + what + " is not the directory that " + path + " was")
	}
	return nil
}

// checkSignals reads back the dispositions that were set, the mask and the limit of
// open files.
func checkSignals(s plan.Signals) error {
	if err := checkHandlers(s.Default&^s.Ignore&^fixed, sigDfl); err != nil {
		return err
	}
	if err := checkHandlers((inherit.TookOver()&^s.Default|s.Ignore)&^fixed, sigIgn); err != nil {
		return err
	}
	want := (inherit.Mask() | s.Block) &^ fixed
	got := ^want
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, 0, uintptr(unsafe.Pointer(&got)), sigsetSize, 0, 0)
	if errno != 0 {
		return failed(errno, "rt_sigprocmask", "")
	}
	if inherit.Exact() && got != want || want&^got != 0 {
		return differs("the set of blocked signals", strconv.FormatUint(got, 16), strconv.FormatUint(want, 16))
	}
	if limit := inherit.Nofile(); limit != nil {
		return checkRlimit(plan.Rlimit{Name: "nofile", Resource: unix.RLIMIT_NOFILE, Soft: limit.Cur, Hard: limit.Max})
	}
	return nil
}

// checkHandlers reads back the disposition of each signal of a set.
func checkHandlers(set uint64, want uintptr) error {
	for n := 1; n <= 64; n++ {
		if set>>(n-1)&1 == 0 {
			continue
		}
		got := [8]uintptr{^want}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(n), 0, uintptr(unsafe.Pointer(&got)), sigsetSize, 0, 0)
		if errno != 0 {
			return failed(errno, "rt_sigaction", strconv.Itoa(n))
		}
		if got[0] != want {
			return errors.New("reading back: signal " + plan.SignalName(n) + " is not handled as it was set")
		}
	}
	return nil
}
