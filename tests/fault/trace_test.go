package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// program is what is run and traced.
type program struct {
	argv []string
	env  []string
	attr syscall.SysProcAttr
	// signal comes to the main thread right after it has loaded a seccomp filter.
	signal syscall.Signal
	// before is called at the entry of each call that counts, which stands still.
	before func(c *call) error
}

// fault says which call the kernel skips and what it gives instead: number Index of
// the main process, or of the child that it forks. An Errno of 0 is a call that
// reports success.
type fault struct {
	InChild bool
	Index   int
	Errno   syscall.Errno
}

// run is what came of a program.
type run struct {
	calls    []call
	injected *call // the call that was made to fail
	started  bool  // an execve went well
	handled  bool  // a signal handler ended under a seccomp filter
	code     int   // exit status, 128 + the signal that ended it
	out, err string
}

// tracee is a traced process: the program, or the child that it forks.
type tracee struct {
	child    bool
	execs    int
	begun    bool // it made its first call that counts
	inLibcap bool // libcap has asked capget(2) for its version, and not yet for sets
	inMask   bool // between the runtime's two rt_sigprocmask
	next     int  // index of the next call that counts
	files    map[uint64]string
	current  *call
	result   *uint64 // what the call that was skipped is to give
}

type tracer struct {
	run
	signal   syscall.Signal
	filtered bool
	fault    *fault
	pid      int
	threads  map[int]*tracee
	before   func(c *call) error
}

// trace runs a program with one fault, or none. The calls of a run without are
// what a fault can hit.
func trace(t testing.TB, p program, f *fault) run {
	t.Helper()
	var r run
	err := make(chan error)
	go func() { // ends with its thread, which is the tracer
		runtime.LockOSThread()
		tr := tracer{fault: f, before: p.before, signal: p.signal, threads: map[int]*tracee{}}
		e := tr.trace(p)
		r = tr.run
		err <- e
	}()
	if e := <-err; e != nil {
		t.Fatalf("tracing %q: %v", p.argv, e)
	}
	return r
}

func (tr *tracer) trace(p program) error {
	out, err := memfd()
	if err != nil {
		return err
	}
	defer out.Close()
	errs, err := memfd()
	if err != nil {
		return err
	}
	defer errs.Close()
	in, end, err := os.Pipe() // empty, and nobody's but root's
	if err != nil {
		return err
	}
	defer in.Close()
	end.Close()
	p.attr.Ptrace = true
	tr.pid, err = syscall.ForkExec(p.argv[0], p.argv, &syscall.ProcAttr{
		Env: p.env, Files: []uintptr{in.Fd(), out.Fd(), errs.Fd()}, Sys: &p.attr,
	})
	if err != nil {
		return err
	}
	err = tr.loop()
	if err != nil {
		syscall.Kill(tr.pid, syscall.SIGKILL)
		return err
	}
	if tr.out, err = contents(out); err == nil {
		tr.err, err = contents(errs)
	}
	return err
}

func memfd() (*os.File, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	return os.NewFile(uintptr(fd), "output"), err
}

func contents(f *os.File) (string, error) {
	var b bytes.Buffer
	if _, err := f.Seek(0, 0); err != nil {
		return "", err
	}
	_, err := b.ReadFrom(f)
	return b.String(), err
}

// loop serves stops until the program has ended.
func (tr *tracer) loop() error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WALL|unix.WNOTHREAD, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("wait4: %w", err)
		case status.Exited() || status.Signaled():
			if pid != tr.pid {
				delete(tr.threads, pid)
				continue
			}
			tr.code = status.ExitStatus()
			if status.Signaled() {
				tr.code = 128 + int(status.Signal())
			}
			return nil
		}
		signal, err := tr.stopped(pid, status)
		if err == nil {
			err = syscall.PtraceSyscall(pid, signal)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // killed meanwhile
			return err
		}
	}
}

// stopped serves one stop and returns the signal that goes on to the process.
func (tr *tracer) stopped(pid int, status syscall.WaitStatus) (signal int, err error) {
	who := tr.threads[pid]
	if who == nil { // the stop at its start
		who = &tracee{child: pid != tr.pid, begun: pid != tr.pid, files: map[uint64]string{}}
		tr.threads[pid] = who
		return 0, syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACEEXEC|
			syscall.PTRACE_O_TRACEFORK|unix.PTRACE_O_EXITKILL)
	}
	switch sig := status.StopSignal(); {
	case sig == syscall.SIGTRAP|0x80:
		return 0, tr.call(pid, who)
	case status.TrapCause() == syscall.PTRACE_EVENT_EXEC:
		tr.started = true
		who.execs++
		return 0, nil
	case status.TrapCause() > 0 || sig == syscall.SIGTRAP:
		return 0, nil
	default:
		return int(sig), nil
	}
}

// syscallInfo is struct ptrace_syscall_info (include/uapi/linux/ptrace.h).
type syscallInfo struct {
	Op     uint8
	_      [3]uint8
	Arch   uint32
	IP, SP uint64
	// At the entry the number and the arguments, at the exit the result.
	NR   uint64
	Args [6]uint64
	_    [2]uint64
}

const (
	ptraceGetSyscallInfo = 0x420e
	infoEntry            = 1
)

// call serves the entry or the exit of a system call.
func (tr *tracer) call(tid int, who *tracee) error {
	var info syscallInfo
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(tid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return fmt.Errorf("PTRACE_GET_SYSCALL_INFO: %w", errno)
	}
	if info.Op != infoEntry {
		return tr.left(tid, who, int64(info.NR))
	}
	tr.handled = tr.handled || tr.filtered && !tr.started && info.NR == unix.SYS_RT_SIGRETURN
	c := call{tid: tid, InChild: who.child, NR: info.NR, Args: info.Args}
	who.current = &c
	if who.execs > 0 || !who.counts(&c) {
		return nil
	}
	c.Index = who.next
	c.read(who.files)
	who.next++
	tr.calls = append(tr.calls, c)
	if tr.before != nil {
		if err := tr.before(&c); err != nil {
			return err
		}
	}
	if f := tr.fault; f == nil || f.InChild != c.InChild || f.Index != c.Index {
		return nil
	}
	tr.injected = &c
	result := uint64(-int64(tr.fault.Errno))
	who.result = &result
	if c.NR == unix.SYS_CLOSE { // Linux closes all the same
		return nil
	}
	return skipCall(tid)
}

// left serves the exit of a call.
func (tr *tracer) left(tid int, who *tracee, result int64) error {
	c := who.current
	if c != nil && c.opens() && result >= 0 {
		who.files[uint64(result)] = c.Path
	}
	if c != nil && c.NR == unix.SYS_SECCOMP && result == 0 && !tr.filtered {
		tr.filtered = true
		if err := unix.Tgkill(tr.pid, tid, tr.signal); err != nil {
			return err
		}
	}
	if who.result == nil {
		return nil
	}
	r := *who.result
	who.result = nil
	return setResult(tid, r)
}
