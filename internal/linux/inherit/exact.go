//go:build exactstart

package inherit

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Exact says whether this build knows all that the package speaks of.
const Exact = true

// Lacks is for people what a build that is not Exact lacks.
const Lacks = ""

// runtimeFwdSig is the disposition of each signal before the runtime set its
// own handler; 0 (SIG_DFL) also where it never looked.
//
//go:linkname runtimeFwdSig runtime.fwdSig
var runtimeFwdSig [numSignals]uintptr

// runtimeInitSigmask is the first thread's mask as the kernel wrote it: its
// bytes are only handed back, so the word order doesn't matter.
//
//go:linkname runtimeInitSigmask runtime.initSigmask
var runtimeInitSigmask [2]uint32

// syscallOrigNofile is a *syscall.Rlimit: the limit before package syscall
// raised it, nil if it did not, or if the program has set one since.
//
//go:linkname syscallOrigNofile syscall.origRlimitNofile
var syscallOrigNofile unsafe.Pointer

// runtimeArgc and runtimeArgv are main's arguments as the kernel left them on the
// stack; the environment stands behind them.
//
//go:linkname runtimeArgc runtime.argc
var runtimeArgc int32

//go:linkname runtimeArgv runtime.argv
var runtimeArgv unsafe.Pointer

// Environ is the environment that the program was started with, to the letter:
// os.Environ leaves out duplicates and what has no name, and under AT_SECURE the
// runtime puts GOTRACEBACK in. The strings are where the kernel put them: a copy
// of each would take a page fault or two for every size of string.
func Environ() []string {
	const word = unsafe.Sizeof(uintptr(0))
	first := (**byte)(unsafe.Add(runtimeArgv, (uintptr(runtimeArgc)+1)*word))
	n := 0
	for *(**byte)(unsafe.Add(unsafe.Pointer(first), uintptr(n)*word)) != nil {
		n++
	}
	env := make([]string, n)
	for i, text := range unsafe.Slice(first, n) {
		env[i] = textAt(text)
	}
	return env
}

// textAt is the text at p up to a NUL.
//
//go:linkname textAt runtime.gostringnocopy
func textAt(p *byte) string

// runtimeLockOSThread is what runtime.main calls while packages initialise.
//
//go:linkname runtimeLockOSThread runtime.lockOSThread
func runtimeLockOSThread()

// LockThread is runtime.LockOSThread without the thread that this starts so that
// new ones don't take after a locked one. Here they may: the program has no use
// for their credentials, and they end at the execve.
func LockThread() { runtimeLockOSThread() }

// entry is the program's first instruction (entry_*.s). For each of the
// descriptors 0, 1 and 2 that is closed it opens "/" there with
// O_PATH|O_CLOEXEC. Such a descriptor behaves as a closed one: read and write
// give EBADF and the next execve closes it. The runtime finds all three open,
// leaves them alone and doesn't need /dev/null. Then entry jumps to the
// runtime's own entry point with stack and registers as the kernel left them.
//
//lint:ignore U1000 the linker flag -E makes it the entry point
func entry()

// RestoreSignals ignores what was ignored at the start and Go took over, then
// sets the calling thread's mask to the one the program was started with. It
// belongs right before an execve, on a locked thread or in a raw fork's child:
// it neither allocates nor locks. Handlers go at the execve by themselves. It
// stops at the first call that fails and names it.
//
//go:nosplit
//go:norace
func RestoreSignals() (Call, syscall.Errno) {
	ignore := sigaction{handler: sigIgn}
	for sig := uintptr(1); sig < numSignals; sig++ {
		if runtimeFwdSig[sig] == sigIgn {
			_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig,
				uintptr(unsafe.Pointer(&ignore)), 0, sigsetSize, 0, 0)
			if errno != 0 {
				return RtSigaction, errno
			}
		}
	}
	const sigSetmask = 2
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetmask,
		uintptr(unsafe.Pointer(&runtimeInitSigmask)), 0, sigsetSize, 0, 0)
	return RtSigprocmask, errno
}

// RestoreNofile sets the RLIMIT_NOFILE that the program was started with,
// unless it has set one itself. syscall.Exec does the same; a raw execve needs
// it. It may be called wherever RestoreSignals may.
//
//go:nosplit
//go:norace
func RestoreNofile() (Call, syscall.Errno) {
	var errno syscall.Errno
	if limit := atomic.LoadPointer(&syscallOrigNofile); limit != nil {
		_, _, errno = syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, syscall.RLIMIT_NOFILE,
			uintptr(limit), 0, 0, 0)
	}
	return Prlimit, errno
}

// Mask is the set of signals that were blocked at the start, bit n-1 for signal n:
// what RestoreSignals blocks.
func Mask() uint64 { return *(*uint64)(unsafe.Pointer(&runtimeInitSigmask)) }

// Nofile is the limit that RestoreNofile sets, nil where it sets none.
func Nofile() *syscall.Rlimit { return (*syscall.Rlimit)(atomic.LoadPointer(&syscallOrigNofile)) }

//go:nosplit
func tookOver(sig syscall.Signal) bool { return runtimeFwdSig[sig] == sigIgn }
