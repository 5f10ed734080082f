package apply

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"

	"capsh/internal/linux/procfs"

	"golang.org/x/sys/unix"
)

// A seccomp filter applies at once to the thread that loads it: that thread cannot
// read back whether it is loaded without a system call that the filter may answer.
// Another thread, to which the filter does not apply, reads /proc instead. Between
// the filter and the execve the first thread makes no other call: it polls memory,
// and does not enter the runtime, which might stop it.

// Filter is a seccomp filter to be loaded right before the execve.
type Filter struct {
	name  string
	prog  unix.SockFprog
	watch *filterWatch // nil where nothing can be read back
}

// FilterError is why a filter could not be loaded: nothing was executed. It has no
// errno, which would be taken for that of the execve.
type FilterError struct{ error }

// newFilter makes an array of struct sock_filter in this host's byte order ready.
func newFilter(filter []byte, name string) (*Filter, error) {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	if len(filter) == 0 || len(filter)%size != 0 || len(filter)/size > 1<<16-1 {
		return nil, failed(unix.EINVAL, "seccomp", name)
	}
	list := make([]unix.SockFilter, len(filter)/size) // aligned, as the file's bytes need not be
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(filter)), filter)
	watch, err := watchFilters()
	return &Filter{name, unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}, watch}, err
}

// ready is the last step before the filter. It finds an earlier filter that answers
// for the kernel: such a filter accepts flags that no kernel knows.
func (f *Filter) ready() error {
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, allFlags, 0)
	if err := refused(errno, unix.EINVAL, "seccomp", f.name); err != nil {
		return err
	}
	// A handler ends with a system call, rt_sigreturn(2), that the filter may
	// forbid; the runtime's own signal, SIGURG, is ignored by default.
	return failed(resetHandlers(), "rt_sigaction", "")
}

// load loads the filter for this thread; verdict says whether it was seen.
//
//go:nosplit
//go:norace
func (f *Filter) load() (verdict uint32, errno syscall.Errno) {
	_, _, errno = unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&f.prog)))
	if errno != 0 || f.watch == nil {
		return filterSeen, errno
	}
	f.watch.loaded.Store(1)
	return f.watch.wait(), 0
}

// error is what came of load.
func (f *Filter) error(verdict uint32, errno syscall.Errno) error {
	switch {
	case errno == unix.EINVAL:
		return fmt.Errorf("%w (is it a compiled BPF program? see seccomp(2))", failed(errno, "seccomp", f.name))
	case errno != 0:
		return failed(errno, "seccomp", f.name)
	case verdict == filterMissing:
		return f.watch.err
	case verdict == 0:
		return errors.New("reading back: no other thread ran to read the seccomp filters")
	}
	return nil
}

// filterWatch is another thread that reads the seccomp filters of this one.
type filterWatch struct {
	status int // /proc/thread-self/status, open
	before filterCount
	text   []byte // room for what is read

	loaded  atomic.Uint32 // 1: read now
	verdict atomic.Uint32 // 0 until then
	err     error         // why the filter is missing
}

// The verdicts of a filterWatch.
const (
	filterSeen = 1 + iota
	filterMissing
)

const ownStatus = "thread-self/status"

// errNoStatus is the error where /proc does not show what the watch would read.
var errNoStatus = errors.New("no /proc that shows seccomp filters")

// watchFilters starts the other thread, before limits may forbid one. It is nil
// where /proc is not there or, before Linux 5.9, does not show one more filter.
func watchFilters() (*filterWatch, error) {
	w, err := openStatus()
	switch {
	case err == errNoStatus:
		return nil, nil
	case err != nil:
		return nil, err
	}
	// The two threads run at the same time, and neither stops where the runtime
	// would have it stop: there must be no collection. With two processors of the
	// runtime's there is no reason for a third thread.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GOMAXPROCS(2)
	running := make(chan struct{})
	go func() {
		close(running)
		w.watch()
	}()
	<-running
	return w, nil
}

// openStatus opens the status of this thread and reads it as it is now.
func openStatus() (*filterWatch, error) {
	fd, err := procfs.OpenOwn(ownStatus, unix.O_RDONLY)
	if errors.Is(err, procfs.ErrNotOwn) || errors.Is(err, unix.ENOENT) {
		return nil, errNoStatus
	}
	if err != nil {
		return nil, err
	}
	w := &filterWatch{status: fd, text: make([]byte, 4096)}
	for { // the file comes whole into room that is large enough
		n, err := unix.Pread(fd, w.text, 0)
		if err != nil {
			return nil, wrap(err, "read", "/proc/"+ownStatus)
		}
		if n == 0 {
			return nil, errFaked("pread64")
		}
		if n < len(w.text)/2 {
			w.before = countFilters(w.text[:n])
			break
		}
		w.text = make([]byte, 2*len(w.text))
	}
	if !w.before.shows() {
		return nil, errNoStatus
	}
	return w, nil
}

// watch waits for the filter and reads the status once. Until then it must not stop
// for the runtime: the thread that it works for would have no answer.
func (w *filterWatch) watch() {
	w.await()
	// The offset is zero, whichever registers an architecture passes it in.
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(w.status), uintptr(unsafe.Pointer(&w.text[0])), uintptr(len(w.text)), 0, 0, 0)
	w.err = failed(errno, "read", "/proc/"+ownStatus)
	if w.err == nil {
		w.err = w.before.check(countFilters(w.text[:n]))
	}
	if w.err != nil {
		w.verdict.Store(filterMissing)
		return
	}
	w.verdict.Store(filterSeen)
}

// await waits for the filter and lets the other thread have the processor.
//
//go:nosplit
//go:norace
func (w *filterWatch) await() {
	for w.loaded.Load() == 0 {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

// wait waits for the other thread without a system call. It gives up, with 0,
// after some seconds: on the only processor, with a real-time priority, the other
// would never run.
//
//go:nosplit
//go:norace
func (w *filterWatch) wait() uint32 {
	for range uint64(1 << 33) {
		if v := w.verdict.Load(); v != 0 {
			return v
		}
	}
	return 0
}

// filterCount is what a status file shows of seccomp (proc_pid_status(5)): the
// mode, -1 where the kernel has no seccomp, and how many filters there are, -1
// before Linux 5.9.
type filterCount struct{ mode, filters int }

func countFilters(status []byte) filterCount {
	return filterCount{numberAfter(status, "\nSeccomp:\t"), numberAfter(status, "\nSeccomp_filters:\t")}
}

func numberAfter(text []byte, name string) int {
	_, rest, _ := bytes.Cut(text, []byte(name))
	word, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.Atoi(string(word))
	if err != nil {
		return -1
	}
	return n
}

// shows says that one more filter would show.
func (c filterCount) shows() bool { return c.filters >= 0 || c.mode == unix.SECCOMP_MODE_DISABLED }

// check compares the count before a filter was loaded with the one after.
func (c filterCount) check(after filterCount) error {
	switch {
	case after.mode != unix.SECCOMP_MODE_FILTER:
		return differs("the seccomp mode", strconv.Itoa(after.mode), "2")
	case c.filters >= 0 && after.filters != c.filters+1:
		return differs("the number of seccomp filters", strconv.Itoa(after.filters), strconv.Itoa(c.filters+1))
	}
	return nil
}
