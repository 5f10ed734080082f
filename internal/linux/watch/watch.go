// Package watch watches the kernel's capability checks: those of a command and all
// that it starts, of running processes, or of the host. It reads the tracepoint
// capability:cap_capable (Linux 6.14 and later) by perf_event_open(2), which needs
// CAP_PERFMON, and CAP_SYS_ADMIN once, for the tracepoint's number. Before that (Linux
// 6.0 and later, x86-64) kprobes stand in for the tracepoint. Nothing is mounted, and
// all ends with the process.
package watch

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"capsh/internal/linux/self"
	"capsh/internal/rules/checks"

	"golang.org/x/sys/unix"
)

// Target says whose checks are watched.
type Target struct {
	// Threads are the ids of threads: they and all that they start are watched.
	// 0 is the calling thread. A process is watched in full if all of its threads
	// are given.
	Threads []int
	// FromExec begins with the next execve of each thread, or of a process that it
	// forked, and not at once. The thread must be its process's main one: the kernel
	// delivers nothing after the execve of another one. With Threads 0 that is how to
	// watch a command: Start, fork and execve it on the same thread, wait, Stop. The
	// checks of the calling thread itself are not watched then. That works for one
	// child: where the kernel exchanged the events of parent and child at a switch
	// between the two (perf_event_context_sched_out), they end with the child.
	FromExec bool
	// Host, where it is set, stands for Threads: all processes of the host of which it
	// says that they are members. It is asked from another goroutine, when the records
	// of a process are read, and again where its credentials have changed; known is
	// false for a process that has ended, which then counts as before, or as its
	// parent.
	Host func(pid int) (member, known bool)
}

// Watch is a watching that goes on.
type Watch struct {
	events   []int // one for each thread and processor
	buffers  []*buffer
	counters []counter
	fromExec bool
	source   source
	tracker  *tracker

	over     chan struct{} // closed when there is no more to watch
	stopped  chan struct{} // closed when the reading has ended
	stopping [2]int        // a pipe, of which Stop closes the end that is written to
	stop     sync.Once
}

// pagesAll is how many pages all buffers have together at most, pagesOne how many one
// has: room for the checks of a tenth of a second at full speed on each of four
// processors.
const (
	pagesAll = 8192
	pagesOne = 2048
)

// flush is how long a record waits at most until it is read.
const flush = 50 * time.Millisecond

// Start watches. Each check is given to each, if that is not nil, from one goroutine
// and in the order of time. An error says what is missing; nothing is watched then,
// and nothing is left behind.
func Start(target Target, each func(checks.Check, checks.Verdict)) (*Watch, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	from, err := findSource(target.Host == nil)
	if err != nil {
		return nil, err
	}
	// It stays open until the others are: the last one of a tracepoint takes the kernel
	// some time to close.
	own, err := open(from.events()[0], 0, -1)
	if err != nil {
		return nil, err
	}
	defer unix.Close(own)
	spaces, err := learnSpaces(from, own)
	if err != nil {
		return nil, err
	}
	w := &Watch{source: from, over: make(chan struct{}), stopped: make(chan struct{})}
	w.tracker = newTracker(from, spaces, target.Host, each)
	if _, ok := from.(*kprobe); ok {
		w.tracker.answers = newAnswers()
		if target.Host == nil {
			w.tracker.tree = newTree(target)
		}
	}
	if err := w.open(target); err != nil {
		w.close()
		return nil, err
	}
	if err := unix.Pipe2(w.stopping[:], unix.O_CLOEXEC); err != nil {
		w.close()
		return nil, fmt.Errorf("pipe2: %w", err)
	}
	go w.read()
	return w, nil
}

// findSource finds the tracepoint of capability checks, or kprobes where the kernel
// has none. Where the kernel hides its symbols and withCalls is set, the system calls come
// with the checks, if that is possible.
func findSource(withCalls bool) (source, error) {
	fs, err := openTracefs()
	if err != nil {
		return nil, err
	}
	defer fs.close()
	point, err := fs.readCheckPoint()
	if errors.Is(err, unix.ENOENT) {
		return findKprobe()
	} else if err != nil {
		return nil, err
	}
	if withCalls && firstCalls != "" && !symbolsShown() {
		point.calls, _ = fs.readPoint("events/raw_syscalls/sys_enter", "id") // CONFIG_FTRACE_SYSCALLS
	}
	return point, nil
}

// open opens the events, one a thread and processor, with one buffer a processor.
func (w *Watch) open(target Target) error {
	cpus, err := onlineCPUs()
	if err != nil {
		return err
	}
	threads, when := target.Threads, uint64(0)
	if target.FromExec {
		when = unix.PerfBitEnableOnExec
	}
	if target.Host != nil || w.tracker.tree != nil {
		threads, when = []int{-1}, 0
	}
	for _, cpu := range cpus {
		if err := w.openCPU(cpu, threads, when, bufferPages(len(cpus))); err != nil {
			return err
		}
	}
	if len(w.events) == 0 || w.tracker.ended() {
		return fmt.Errorf("perf_event_open: %w (all the threads have ended)", unix.ESRCH)
	}
	if point, ok := w.source.(*tracepoint); ok && target.FromExec && len(threads) == 1 {
		kernel, err := self.ReadKernel()
		if err != nil {
			return err
		}
		// Counters only help where records are lost: too few descriptors are no failure.
		w.counters, err = openCounters(point, threads[0], when, kernel.Bits)
		if err != nil && !errors.Is(err, unix.EMFILE) {
			return err
		}
	}
	if w.fromExec = target.FromExec; when != 0 {
		return nil
	}
	for _, fd := range slices.Backward(w.events) { // each answer before its question
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
			return fmt.Errorf("enabling a perf event: %w", err)
		}
	}
	return nil
}

// openCPU opens the events of one processor. The first has the buffer, the others
// write to it too.
func (w *Watch) openCPU(cpu int, threads []int, when uint64, pages int) error {
	first := -1
	for _, thread := range threads {
		for i, attr := range w.source.events() {
			attr.Bits |= when | unix.PerfBitInherit | unix.PerfBitWatermark
			if i == 0 {
				attr.Bits |= unix.PerfBitTask | unix.PerfBitComm | unix.PerfBitCommExec | unix.CBitFieldMaskBit28 // namespaces
			}
			attr.Wakeup = uint32(pages * unix.Getpagesize() / 4)
			fd, err := open(attr, thread, cpu)
			if errors.Is(err, unix.ESRCH) && len(threads) > 1 {
				continue // it has ended
			} else if err != nil {
				return err
			}
			w.events = append(w.events, fd)
			if first, err = w.output(fd, first, pages); err != nil {
				return err
			}
		}
	}
	return nil
}

// output makes an event write to the buffer of the first one, which it returns; first is
// -1 where the event is that.
func (w *Watch) output(fd, first, pages int) (int, error) {
	if first >= 0 {
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_OUTPUT, first); err != nil {
			return first, fmt.Errorf("joining perf events: %w", err)
		}
		return first, nil
	}
	b, err := mapBuffer(fd, pages)
	if err != nil {
		return first, err
	}
	w.buffers = append(w.buffers, b)
	return fd, nil
}

// bufferPages is the size of a buffer, a power of two.
func bufferPages(cpus int) int {
	pages := pagesOne
	for pages > 8 && pages*cpus > pagesAll {
		pages /= 2
	}
	return pages
}

// read reads the buffers until Stop.
func (w *Watch) read() {
	defer close(w.stopped)
	wait := []unix.PollFd{{Fd: int32(w.stopping[0])}} // POLLHUP comes unasked
	for _, fd := range w.events {
		wait = append(wait, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	ended := func(p unix.PollFd) bool { return p.Revents&unix.POLLHUP != 0 }
	for timeout := int(flush / time.Millisecond); !ended(wait[0]); {
		_, _ = unix.Poll(wait, timeout) // a failure only means to look now
		w.drain()
		if wait = append(wait[:1], slices.DeleteFunc(wait[1:], ended)...); (len(wait) == 1 || w.tracker.ended()) && timeout > 0 {
			w.drain() // what the drain before left for this one
			close(w.over)
			timeout = -1
		}
	}
}

// Over is closed when all that was watched has ended.
func (w *Watch) Over() <-chan struct{} { return w.over }

// drain reads what is in the buffers. A record of one processor may come to light
// later than a younger one of another: so what is younger than the drain before
// waits for the next one.
func (w *Watch) drain() {
	now := monotonic()
	for _, b := range w.buffers {
		b.drain(w.tracker.take)
	}
	w.tracker.settle(now)
}

// Stop ends the watching and says what was found, in any goroutine and also more than
// once. All that happened before is in it: the record of a check is in the buffer
// before the system call returns.
func (w *Watch) Stop() (*checks.Found, error) {
	var err error
	w.stop.Do(func() {
		unix.Close(w.stopping[1])
		<-w.stopped
		unix.Close(w.stopping[0])
		for _, fd := range w.events {
			_ = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_DISABLE, 0)
		}
		w.drain()
		w.tracker.finish()
		err = w.count()
		w.close()
	})
	return &w.tracker.found, err
}

// count takes what the kernel counted.
func (w *Watch) count() error {
	found := &w.tracker.found
	for _, fd := range w.events {
		_, lost, err := readCount(fd)
		if err != nil {
			return err
		}
		found.Lost += lost
	}
	for _, c := range w.counters {
		n, _, err := readCount(c.fd)
		switch {
		case err != nil:
			return err
		case n == 0:
		case c.granted:
			found.Granted |= c.cap.Set()
		default:
			found.Denied |= c.cap.Set()
		}
	}
	if w.tracker.spaces.partial {
		found.Incomplete = append(found.Incomplete, "this kernel has no tracepoint, and a kprobe does not see the checks that "+
			"security/commoncap.c itself makes, as for capset(2) and securebits")
	}
	if w.fromExec && len(found.Seen) == 0 && !w.tracker.executed { // each execve maps memory, which is checked
		found.Incomplete = append(found.Incomplete, "nothing was seen of an execve: there was none, or not by the main thread")
	}
	if a := w.tracker.answers; a != nil && a.unanswered > 0 {
		found.Incomplete = append(found.Incomplete, fmt.Sprintf("%d checks have no answer", a.unanswered))
	}
	if found.Lost > 0 {
		found.Incomplete = append(found.Incomplete, fmt.Sprintf("%d records were lost", found.Lost))
	}
	return nil
}

func (w *Watch) close() {
	for _, b := range w.buffers {
		b.unmap()
	}
	for _, fd := range w.events {
		unix.Close(fd)
	}
	closeCounters(w.counters)
	w.buffers, w.events, w.counters = nil, nil, nil
}

// monotonic is the time that records have.
func monotonic() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // fails for a clock that is not there
	return uint64(unix.TimespecToNsec(t))
}
