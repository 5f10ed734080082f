package apply

import (
	"runtime"
	"syscall"
	"unsafe"

	"capsh/internal/linux/inherit"

	"golang.org/x/sys/unix"
)

// A forked child of a Go program has a single thread, and most of the runtime does
// not work in it: it may make system calls, and must not allocate, lock or be
// rescheduled. Its data is prepared before the fork, and all functions that it runs
// are nosplit: the stack check at the start of any other function may call the
// scheduler, which in the child would wait for threads that do not exist.

// child is what a forked child does: sleep, or execute a program.
type child struct {
	report int           // its end of the pipe
	mask   unix.Sigset_t // the signals to block

	path      *byte // nil to sleep
	argv, env **byte
	span      unix.Timespec

	session bool
	stdio   [3]int // what becomes its descriptors 0 to 2
	passed  []int  // stay open over the execve
}

// ForkSleep starts a child that has all that this process has, sleeps for the
// given seconds and exits with 0. Signals act on it as they would have on this
// program when it started.
func ForkSleep(seconds uint32) (pid int, err error) {
	return fork("", &child{span: unix.NsecToTimespec(int64(min(seconds, 1<<31-1)) * 1e9)})
}

// Program is a program to start in a child that is otherwise like this process.
type Program struct {
	Path      string
	Argv, Env []string
	// Session gives it a session of its own.
	Session bool
	// Stdio are the descriptors that become its 0, 1 and 2; nil for those of this
	// process. They are all above 2.
	Stdio *[3]int
	// Pass are descriptors that stay open over the execve, under their numbers.
	Pass []int
}

// Spawn starts a program. An execve that fails is an error here and leaves no
// child.
func Spawn(p *Program) (pid int, err error) {
	c := child{session: p.Session, stdio: [3]int{0, 1, 2}, passed: p.Pass}
	if p.Stdio != nil {
		c.stdio = *p.Stdio
	}
	if c.path, err = unix.BytePtrFromString(p.Path); err != nil {
		return 0, wrap(err, "execve", p.Path)
	}
	argv, err := syscall.SlicePtrFromStrings(p.Argv)
	if err != nil {
		return 0, wrap(err, "execve", p.Path)
	}
	env, err := syscall.SlicePtrFromStrings(p.Env)
	if err != nil {
		return 0, wrap(err, "execve", p.Path)
	}
	c.argv, c.env = &argv[0], &env[0]
	return fork(p.Path, &c)
}

// run is all that happens in the child. What it returns is why it failed.
//
//go:nosplit
//go:norace
func (c *child) run() failure {
	if why := c.restoreSignals(); why.errno != 0 {
		return why
	}
	if c.path == nil {
		unix.RawSyscall(unix.SYS_CLOSE, uintptr(c.report), 0, 0)
		for {
			_, _, errno := unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&c.span)), uintptr(unsafe.Pointer(&c.span)), 0)
			if errno != unix.EINTR {
				exit(0)
			}
		}
	}
	if why := c.setFiles(); why.errno != 0 {
		return why
	}
	if call, errno := inherit.RestoreNofile(); errno != 0 {
		return failure{call, errno}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(c.path)),
		uintptr(unsafe.Pointer(c.argv)), uintptr(unsafe.Pointer(c.env)))
	return failure{"execve", errno}
}

// setFiles gives the child its descriptors and its session.
//
//go:nosplit
//go:norace
func (c *child) setFiles() failure {
	if c.session {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0); errno != 0 {
			return failure{"setsid", errno}
		}
	}
	for to, from := range &c.stdio {
		if from == to {
			continue
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_DUP3, uintptr(from), uintptr(to), 0); errno != 0 {
			return failure{"dup3", errno}
		}
	}
	for _, fd := range c.passed {
		if _, _, errno := unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETFD, 0); errno != 0 {
			return failure{"fcntl(F_SETFD)", errno}
		}
	}
	return failure{}
}

// failure is which call of a child failed, and why.
type failure struct {
	call  string
	errno syscall.Errno
}

// report is a failure as the child writes it into its pipe.
type report struct {
	call  [16]byte // padded with zeros
	errno syscall.Errno
}

// error is the failure with the path that was to be run.
func (f failure) error(path string) error {
	switch {
	case f.errno == 0: // only an execve that does not fail gets as far as a report
		return errFaked("execve " + path)
	case f.call != "execve":
		path = ""
	}
	return failed(f.errno, f.call, path)
}

// Wait waits until the child pid has ended or been stopped, and returns its status
// as wait(2) has it.
func Wait(pid int) (unix.WaitStatus, error) {
	var status unix.WaitStatus
	_, err := ignoringEINTR(func() (int, error) { return unix.Wait4(pid, &status, unix.WUNTRACED, nil) })
	return status, wrap(err, "wait4", format(uint32(pid)))
}

// WaitEnd waits until the child pid has ended, however often it is stopped before.
func WaitEnd(pid int) (status unix.WaitStatus, err error) {
	for {
		if status, err = Wait(pid); err != nil || !status.Stopped() {
			return status, err
		}
	}
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// fork runs c in a forked process and waits until that closes its end of the
// pipe, as its execve does. Where it fails there is none, and the error speaks of
// path. No signal is handled there before its handlers are gone.
func fork(path string, c *child) (pid int, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, wrap(err, "pipe2", "")
	}
	defer unix.Close(pipe[0])
	c.report = pipe[1]
	pid, forkErr := c.rawFork()
	unix.Close(pipe[1])
	if pid == 0 {
		return 0, forkErr
	}
	var why report
	n, err := ignoringEINTR(func() (int, error) {
		return unix.Read(pipe[0], (*[unsafe.Sizeof(why)]byte)(unsafe.Pointer(&why))[:])
	})
	if n == 0 && err == nil && forkErr == nil {
		return pid, nil
	}
	unix.Kill(pid, unix.SIGKILL) // where the child is well and only we are not
	_, _ = Wait(pid)
	switch {
	case forkErr != nil:
		return 0, forkErr
	case err != nil:
		return 0, wrap(err, "read", "the child's report")
	}
	return 0, failure{unix.ByteSliceToString(why.call[:]), why.errno}.error(path)
}

// rawFork is the fork itself. With an error there may be a pid all the same.
//
//go:norace
func (c *child) rawFork() (pid int, err error) {
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if errno := sigprocmask(&all, &c.mask); errno != 0 {
		return 0, failed(errno, "rt_sigprocmask", "")
	}
	flags, stack := uintptr(unix.SIGCHLD), uintptr(0)
	if runtime.GOARCH == "s390x" { // clone(2): the first two are swapped there
		flags, stack = stack, flags
	}
	r, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags, stack, 0, 0, 0, 0)
	if errno == 0 && r == 0 {
		why := c.run()
		written := report{errno: why.errno}
		copy(written.call[:], why.call)
		unix.RawSyscall(unix.SYS_WRITE, uintptr(c.report), uintptr(unsafe.Pointer(&written)), unsafe.Sizeof(written))
		exit(1)
	}
	maskErrno := sigprocmask(&c.mask, nil)
	if errno != 0 {
		return 0, failed(errno, "fork", "")
	}
	return int(r), failed(maskErrno, "rt_sigprocmask", "")
}

// restoreSignals gives the child the signals that this program was started with.
//
//go:nosplit
//go:norace
func (c *child) restoreSignals() failure {
	if errno := resetHandlers(); errno != 0 {
		return failure{"rt_sigaction", errno}
	}
	if errno := sigprocmask(&c.mask, nil); errno != 0 {
		return failure{"rt_sigprocmask", errno}
	}
	call, errno := inherit.RestoreSignals()
	return failure{call, errno}
}

// sigsetSize is the size of the kernel's sigset_t in bytes.
const sigsetSize = 8

//go:nosplit
//go:norace
func sigprocmask(set, old *unix.Sigset_t) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), sigsetSize, 0, 0)
	return errno
}

// resetHandlers gives each signal that has a handler its default action.
//
//go:nosplit
//go:norace
func resetHandlers() syscall.Errno {
	// The handler is the first word of the kernel's struct sigaction on every
	// architecture; all zero is SIG_DFL without flags.
	var now, dfl [8]uintptr
	for sig := uintptr(1); sig <= 64; sig++ {
		now[0] = sigIgn // where the call does not say, nothing changes
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), sigsetSize, 0, 0)
		if errno == 0 && now[0] > sigIgn {
			_, _, errno = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&dfl)), 0, sigsetSize, 0, 0)
		}
		if errno != 0 {
			return errno
		}
	}
	return 0
}

// exit ends the forked child without running anything of the runtime.
//
//go:nosplit
//go:norace
func exit(status uintptr) {
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}
