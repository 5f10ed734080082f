// Package inherit tells what this process was started with where Go's runtime
// changes it before main, and puts it back for the command that comes next.
//
// The runtime takes over signals that were ignored, unblocks some that were
// blocked, raises RLIMIT_NOFILE and opens /dev/null in place of a closed
// standard descriptor. A program that execs another must undo that to be no
// more than a link in the chain.
//
// Only the Makefile's build has it all (Exact): it needs the tag exactstart and
// the linker flags -checklinkname=0 and -E=capsh/internal/linux/inherit.entry. A plain
// go build works, knows less and restores nothing.
package inherit

import (
	"syscall"
	"unsafe"
)

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

// Call is a system call that puts something back.
type Call uint8

// The calls of RestoreSignals and RestoreNofile.
const (
	RtSigaction Call = iota
	RtSigprocmask
	Prlimit
)

// String is the call's name.
func (c Call) String() string {
	return [...]string{"rt_sigaction", "rt_sigprocmask", "prlimit64"}[c]
}

// TookOver is the set of signals that RestoreSignals ignores, bit n-1 for signal n.
func TookOver() (set uint64) {
	for sig := syscall.Signal(1); sig < numSignals; sig++ {
		if tookOver(sig) {
			set |= 1 << (sig - 1)
		}
	}
	return set
}

// IgnoredAtStart says whether sig was ignored when the program started. A
// program that ignores signals itself must ask before it does. When not Exact,
// it is true for SIGHUP and SIGINT and the few that Go never handles only.
func IgnoredAtStart(sig syscall.Signal) bool {
	if sig <= 0 || sig >= numSignals {
		return false
	}
	if tookOver(sig) {
		return true
	}
	var now sigaction
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
		0, uintptr(unsafe.Pointer(&now)), sigsetSize, 0, 0)
	return errno == 0 && now.handler == sigIgn
}
