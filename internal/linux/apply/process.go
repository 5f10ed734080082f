package apply

import (
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Rlimit sets a limit of this process (setrlimit(2)). To raise the hard one it
// takes CAP_SYS_RESOURCE in the initial user namespace.
func Rlimit(r plan.Rlimit) error {
	err := unix.Prlimit(0, r.Resource, &unix.Rlimit{Cur: r.Soft, Max: r.Hard}, nil)
	return wrap(err, "prlimit", r.Name, caps.SysResource)
}

// Umask sets the mode creation mask of this process.
func Umask(mask uint32) error {
	_, _, errno := unix.RawSyscall(unix.SYS_UMASK, uintptr(mask), 0, 0)
	return failed(errno, "umask", strconv.FormatUint(uint64(mask), 8))
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
