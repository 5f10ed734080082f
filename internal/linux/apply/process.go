package apply

import (
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Rlimit sets a limit of this process (setrlimit(2)). To raise the hard limit needs
// CAP_SYS_RESOURCE in the initial user namespace.
func Rlimit(r plan.Rlimit) error {
	err := unix.Prlimit(0, r.Resource, &unix.Rlimit{Cur: r.Soft, Max: r.Hard}, nil)
	return wrap(err, "prlimit", r.Name, caps.SysResource)
}

// Umask sets the file mode creation mask of this process. The mask can be read only
// by setting it. This sets the opposite mask first, so that a call that always
// returns 0 is noticed here or in [checkUmask], whichever mask is asked for.
func Umask(mask uint32) error {
	if _, err := swapUmask(^mask & 0o777); err != nil {
		return err
	}
	was, err := swapUmask(mask)
	if err == nil && was != ^mask&0o777 {
		return errFaked("umask " + octal(mask))
	}
	return err
}

// checkUmask reads the mask back.
func checkUmask(mask uint32) error {
	was, err := swapUmask(mask)
	if err == nil && was != mask {
		return differs("umask", octal(was), octal(mask))
	}
	return err
}

func octal(mask uint32) string { return "0" + strconv.FormatUint(uint64(mask), 8) }

func swapUmask(mask uint32) (was uint32, err error) {
	r, _, errno := unix.RawSyscall(unix.SYS_UMASK, uintptr(mask), 0, 0)
	return uint32(r), failed(errno, "umask", strconv.FormatUint(uint64(mask), 8))
}

// DeathSignal has the kernel send a signal to this process when the thread that
// started it ends; 0 for none. Every later change of credentials clears it.
func DeathSignal(signal uint32) error {
	return failed(prctl(unix.PR_SET_PDEATHSIG, uintptr(signal), 0), "prctl(PR_SET_PDEATHSIG)", strconv.Itoa(int(signal)))
}

// Ptracer lets a process trace this one where Yama restricts that; 0 for none,
// plan.AnyPtracer for any.
func Ptracer(pid uint64) error {
	object := strconv.FormatUint(pid, 10)
	if pid == plan.AnyPtracer {
		object = "any"
	}
	err := failed(prctl(unix.PR_SET_PTRACER, uintptr(pid), 0), "prctl(PR_SET_PTRACER)", object)
	return hint(err, unix.EINVAL, "this kernel has no Yama, or there is no such process")
}

// Subreaper makes this process the parent of orphaned descendants
// (PR_SET_CHILD_SUBREAPER).
func Subreaper() error {
	return failed(prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0), "prctl(PR_SET_CHILD_SUBREAPER)", "")
}
