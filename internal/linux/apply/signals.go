package apply

import (
	"strconv"
	"syscall"
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
	if err := setHandler(s.Default, sigDfl); err != nil {
		return err
	}
	if err := setHandler(s.Ignore, sigIgn); err != nil {
		return err
	}
	if s.Block == 0 {
		return nil
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&s.Block)), 0, sigsetSize, 0, 0)
	return failed(errno, "rt_sigprocmask", "")
}

// The dispositions without a handler.
const sigDfl, sigIgn = 0, 1

// restore restores the signals and RLIMIT_NOFILE.
func restore() error {
	if call, errno := inherit.RestoreSignals(); errno != 0 {
		return failed(errno, call.String(), "")
	}
	call, errno := inherit.RestoreNofile()
	return failed(errno, call.String(), "nofile")
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
		sig := syscall.Signal(n + 1)
		if set == ^uint64(0) && (sig == unix.SIGKILL || sig == unix.SIGSTOP) {
			continue
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, sigsetSize, 0, 0)
		if errno != 0 {
			return failed(errno, "rt_sigaction", strconv.Itoa(int(sig)))
		}
	}
	return nil
}
