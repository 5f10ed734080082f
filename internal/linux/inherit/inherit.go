// Package inherit knows the state in which this process was started, as far as Go's
// runtime changes it before main, and restores it for a command to be executed.
//
// The runtime handles signals that were ignored, unblocks some that were blocked and
// raises RLIMIT_NOFILE, and package os drops duplicates from the environment. A
// launcher must undo this, so that the command is started as without it. Only a
// descriptor 0, 1 or 2 that was closed stays open as /dev/null.
//
// The Makefile's build reads all of this from the runtime, by the tag exactstart and the
// linker flag -checklinkname=0 (exact.go). A plain go build cannot, and restores
// nothing: see [Lacks].
package inherit

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Lacks says for people what this build cannot do, empty for nothing.
var Lacks = "plain go build: ignored signals, the blocked mask and the order of the environment are not handed on unchanged; use make build"

// Exact reports whether this build can restore everything.
//
//go:nosplit
func Exact() bool { return dispositions != nil }

// What exact.go finds in the runtime; nil in a plain build.
var (
	dispositions *[numSignals]uintptr
	mask         *[2]uint32
	nofile       *unsafe.Pointer // leads to a *syscall.Rlimit, or nil
	environ      = os.Environ
)

// Environ is the environment that the program was started with: to the letter, but
// in a plain build, where it is os.Environ.
func Environ() []string { return environ() }

// numSignals is _NSIG: signals are 1 to 64 on all architectures we build for.
const numSignals = 65

// sigIgn is SIG_IGN.
const sigIgn = 1

// sigaction is the kernel's struct sigaction (include/linux/signal_types.h).
// Where it has no restorer (riscv64) mask lies earlier and the kernel looks at
// less of it. Only a handler without flags and mask is ever set here, so it is
// right for each architecture.
type sigaction struct {
	handler  uintptr
	flags    uintptr
	restorer uintptr
	mask     [sigsetSize]byte
}

// sigsetSize is the size of the kernel's sigset_t in bytes.
const sigsetSize = 8

// TookOver is the set of signals that RestoreSignals ignores, bit n-1 for signal n.
func TookOver() (set uint64) {
	for sig := 1; dispositions != nil && sig < numSignals; sig++ {
		if dispositions[sig] == sigIgn {
			set |= 1 << (sig - 1)
		}
	}
	return set
}

// Mask is the set of signals that were blocked at the start, bit n-1 for signal n:
// what RestoreSignals blocks. It is 0 in a plain build.
func Mask() uint64 {
	if mask == nil {
		return 0
	}
	return *(*uint64)(unsafe.Pointer(mask))
}

// Nofile is the limit that RestoreNofile sets, nil where it sets none.
func Nofile() *syscall.Rlimit {
	if nofile == nil {
		return nil
	}
	return (*syscall.Rlimit)(atomic.LoadPointer(nofile))
}

// Signals is a channel of those signals of a list that were not ignored when the program
// started, as they arrive.
func Signals(list ...syscall.Signal) chan os.Signal {
	signals := make(chan os.Signal, len(list))
	for _, sig := range list {
		if !IgnoredAtStart(sig) {
			signal.Notify(signals, sig)
		}
	}
	return signals
}

// IgnoredAtStart says whether sig was ignored when the program started. A
// program that ignores signals itself must ask before it does. In a plain build
// it is true for SIGHUP and SIGINT and the few that Go never handles only.
func IgnoredAtStart(sig syscall.Signal) bool {
	if sig <= 0 || sig >= numSignals {
		return false
	}
	if dispositions != nil && dispositions[sig] == sigIgn {
		return true
	}
	var now sigaction
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
		0, uintptr(unsafe.Pointer(&now)), sigsetSize, 0, 0)
	return errno == 0 && now.handler == sigIgn
}

// RestoreSignals ignores what was ignored at the start and Go took over, then
// sets the calling thread's mask to the one the program was started with. It
// belongs right before an execve, on a locked thread or in a raw fork's child:
// it neither allocates nor locks. Handlers go at the execve by themselves. It
// stops at the first call that fails and names it.
//
//go:nosplit
//go:norace
func RestoreSignals() (call string, errno syscall.Errno) {
	if dispositions == nil {
		return "", 0
	}
	ignore := sigaction{handler: sigIgn}
	for sig := uintptr(1); sig < numSignals; sig++ {
		if dispositions[sig] == sigIgn {
			_, _, errno = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig,
				uintptr(unsafe.Pointer(&ignore)), 0, sigsetSize, 0, 0)
			if errno != 0 {
				return "rt_sigaction", errno
			}
		}
	}
	const sigSetmask = 2
	_, _, errno = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetmask,
		uintptr(unsafe.Pointer(mask)), 0, sigsetSize, 0, 0)
	return "rt_sigprocmask", errno
}

// RestoreNofile sets the RLIMIT_NOFILE that the program was started with,
// unless it has set one itself. syscall.Exec does the same; a raw execve needs
// it. It may be called wherever RestoreSignals may.
//
//go:nosplit
//go:norace
func RestoreNofile() (call string, errno syscall.Errno) {
	if nofile != nil {
		if limit := atomic.LoadPointer(nofile); limit != nil {
			_, _, errno = syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, syscall.RLIMIT_NOFILE,
				uintptr(limit), 0, 0, 0)
		}
	}
	return "prlimit64", errno
}
