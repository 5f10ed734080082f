package apply

import (
	"strconv"
	"unsafe"

	"capsh/internal/linux/inherit"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Signals restores the signal dispositions, the mask and RLIMIT_NOFILE that this
// program was started with, with the changes of s; only the execve may follow. A set
// of all signals leaves out SIGKILL and SIGSTOP, which cannot be changed.
func Signals(s plan.Signals) error {
	if err := restore(); err != nil {
		return err
	}
	if err := setHandler(s.Default&^fixed, sigDfl); err != nil {
		return err
	}
	if err := setHandler(s.Ignore&^fixed, sigIgn); err != nil {
		return err
	}
	if s.Block == 0 {
		return nil
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&s.Block)), 0, sigsetSize, 0, 0)
	return failed(errno, "rt_sigprocmask", "")
}

// fixed are SIGKILL and SIGSTOP, for which nothing can be set.
const fixed = 1<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1)

// The dispositions without a handler.
const sigDfl, sigIgn = 0, 1

// restore restores the signals and RLIMIT_NOFILE.
func restore() error {
	if call, errno := inherit.RestoreSignals(); errno != 0 {
		return failed(errno, call, "")
	}
	call, errno := inherit.RestoreNofile()
	return failed(errno, call, "nofile")
}

// setHandler sets the disposition of each signal of a set.
func setHandler(set uint64, handler uintptr) error {
	// The handler is the first word of the kernel's struct sigaction; no flags,
	// no mask. See resetHandlers.
	action := [8]uintptr{handler}
	for n := range 64 {
		if set>>n&1 == 0 {
			continue
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(n+1), uintptr(unsafe.Pointer(&action)), 0, sigsetSize, 0, 0)
		if errno != 0 {
			return failed(errno, "rt_sigaction", strconv.Itoa(n+1))
		}
	}
	return nil
}
