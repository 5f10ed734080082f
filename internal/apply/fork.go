package apply

import (
	"runtime"
	"syscall"
	"unsafe"

	"capsh/internal/inherit"

	"golang.org/x/sys/unix"
)

// A forked child of a Go program has one thread and half a runtime: it may make
// system calls and nothing that allocates, locks, grows the stack or can be
// rescheduled. All that it needs is made before the fork.

// ForkSleep starts a child that has all that this process has, sleeps for the
// given seconds and exits with 0. Signals act on it as they would have on this
// program when it started.
func ForkSleep(seconds uint32) (pid int, err error) {
	span := unix.NsecToTimespec(int64(min(seconds, 1<<31-1)) * 1e9)
	pid, errno := fork(func() {
		for {
			_, _, errno := unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&span)), uintptr(unsafe.Pointer(&span)), 0)
			if errno != unix.EINTR {
				exit(0)
			}
		}
	})
	return pid, failed(errno, "fork", "")
}

// Spawn starts the program at path in a child that is otherwise like this
// process. An execve that fails is an error here and leaves no child.
func Spawn(path string, argv, env []string) (pid int, err error) {
	pathPtr, err := unix.BytePtrFromString(path)
	if err != nil {
		return 0, wrap(err, "execve", path)
	}
	argvPtr, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return 0, wrap(err, "execve", path)
	}
	envPtr, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return 0, wrap(err, "execve", path)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, wrap(err, "pipe2", "")
	}
	defer unix.Close(pipe[0])
	var failure syscall.Errno
	pid, errno := fork(func() {
		inherit.RestoreNofile()
		_, _, failure = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(pathPtr)),
			uintptr(unsafe.Pointer(&argvPtr[0])), uintptr(unsafe.Pointer(&envPtr[0])))
		unix.RawSyscall(unix.SYS_WRITE, uintptr(pipe[1]), uintptr(unsafe.Pointer(&failure)), unsafe.Sizeof(failure))
		exit(1)
	})
	unix.Close(pipe[1])
	if errno != 0 {
		return 0, failed(errno, "fork", "")
	}
	// The pipe closes at the execve; before that the child may say why not.
	report := (*[unsafe.Sizeof(failure)]byte)(unsafe.Pointer(&failure))
	if n, _ := ignoringEINTR(func() (int, error) { return unix.Read(pipe[0], report[:]) }); n == 0 {
		return pid, nil
	}
	_, _ = Wait(pid)
	return 0, failed(failure, "execve", path)
}

// Wait waits until the child pid has ended or been stopped. The statuses of
// wait(2) tell which.
func Wait(pid int) (unix.WaitStatus, error) {
	var status unix.WaitStatus
	_, err := ignoringEINTR(func() (int, error) { return unix.Wait4(pid, &status, unix.WUNTRACED, nil) })
	return status, wrap(err, "wait4", format(uint32(pid)))
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// fork runs child, which must not return, in a forked process. No signal is
// handled there before its handlers are gone.
//
//go:norace
func fork(child func()) (pid int, errno syscall.Errno) {
	growStack()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	sigprocmask(&all, &before)
	flags, stack := uintptr(unix.SIGCHLD), uintptr(0)
	if runtime.GOARCH == "s390x" { // clone(2): the first two are swapped there
		flags, stack = stack, flags
	}
	r, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags, stack, 0, 0, 0, 0)
	if errno == 0 && r == 0 {
		resetHandlers()
		sigprocmask(&before, nil)
		inherit.RestoreSignals()
		child()
		exit(1)
	}
	sigprocmask(&before, nil)
	return int(r), errno
}

// growStack makes room on this goroutine's stack, so that the child need not.
//
//go:noinline
func growStack() {
	var room [32 << 10]byte
	runtime.KeepAlive(&room)
}

// sigsetSize is the size of the kernel's sigset_t in bytes.
const sigsetSize = 8

//go:norace
func sigprocmask(set, old *unix.Sigset_t) {
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), sigsetSize, 0, 0)
}

// resetHandlers gives each signal that has a handler its default action.
//
//go:norace
func resetHandlers() {
	const sigIgn = 1
	// The handler is the first word of the kernel's struct sigaction on every
	// architecture; all zero is SIG_DFL without flags.
	var now, dfl [8]uintptr
	for sig := uintptr(1); sig <= 64; sig++ {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), sigsetSize, 0, 0)
		if errno == 0 && now[0] > sigIgn {
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&dfl)), 0, sigsetSize, 0, 0)
		}
	}
}

// exit ends the forked child without running anything of the runtime.
//
//go:norace
func exit(status uintptr) {
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}
