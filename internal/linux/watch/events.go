package watch

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// refused says which call failed on what and, where it was refused, which capability
// permits it in the initial user namespace, or that it is something else.
func refused(call string, err error, permits caps.Cap) error {
	if err != unix.EPERM && err != unix.EACCES {
		return fmt.Errorf("%s: %w", call, err)
	}
	return fmt.Errorf("%s: %w (%s)", call, err, whyRefused(permits))
}

// whyRefused distinguishes a missing capability from another reason for the refusal of
// a call that needs it.
func whyRefused(permits caps.Cap) string {
	name := permits.OCI()
	if state, err := self.State(); err != nil || !state.Effective.Has(permits) {
		return "needs " + name
	}
	if ns, err := procfs.OwnThread().Namespace("user"); err == nil && ns.OK && ns.Value != cred.InitialUserNS {
		return "needs " + name + " in the initial user namespace"
	}
	return name + " is there: a seccomp filter or a security module forbids it"
}

// source is what delivers checks.
type source interface {
	// events are the attributes of its events, which are off at first.
	events() []*unix.PerfEventAttr
	// check reads a record of one of them.
	check(r *record) check
}

// attributes of an event that is off at first and counts.
func attributes(kind uint32, config uint64) *unix.PerfEventAttr {
	return &unix.PerfEventAttr{
		Type:   kind,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: config,
		Bits:   unix.PerfBitDisabled,
	}
}

// sampled makes an event write records.
func sampled(attr *unix.PerfEventAttr) {
	attr.Sample = 1 // every one
	attr.Sample_type = sampleType
	attr.Read_format = unix.PERF_FORMAT_LOST
	attr.Bits |= unix.PerfBitSampleIDAll | unix.PerfBitExcludeCallchainUser | unix.PerfBitUseClockID
	attr.Clockid = unix.CLOCK_MONOTONIC
}

// open opens an event. pid and cpu are perf_event_open(2)'s.
func open(attr *unix.PerfEventAttr, pid, cpu int) (int, error) {
	fd, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	switch err {
	case nil:
		return fd, nil
	case unix.EPERM, unix.EACCES:
		return -1, refused("perf_event_open", err, caps.Perfmon)
	case unix.EINVAL:
		return -1, fmt.Errorf("perf_event_open: %w (needs Linux 6.0, which counts what is lost)", err)
	case unix.ENOSYS:
		return -1, fmt.Errorf("perf_event_open: %w (this kernel has no perf events)", err)
	case unix.EMFILE:
		return -1, fmt.Errorf("perf_event_open: %w (one for each processor and thread is needed: raise RLIMIT_NOFILE)", err)
	}
	return -1, fmt.Errorf("perf_event_open: %w", err)
}

// onlineCPUs are the numbers of the processors.
func onlineCPUs() ([]int, error) {
	const path = "/sys/devices/system/cpu/online"
	text, err := files.Here.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := parseCPUs(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// parseCPUs reads a list like "0-3,8".
func parseCPUs(text string) ([]int, error) {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.Atoi(low)
		if err != nil {
			return nil, fmt.Errorf("not a list of processors: %q", text)
		}
		last, err := strconv.Atoi(high)
		if err != nil || last < first {
			return nil, fmt.Errorf("not a list of processors: %q", text)
		}
		for cpu := first; cpu <= last; cpu++ {
			list = append(list, cpu)
		}
	}
	return list, nil
}

// readCount is how often an event and those inherited from it happened and, of a
// sampled one, how many records they lost. The kernel counts on the event itself:
// nothing can get lost of that.
func readCount(fd int) (count, lost uint64, err error) {
	var b [16]byte
	if _, err := unix.Read(fd, b[:]); err != nil {
		return 0, 0, fmt.Errorf("reading a perf event: %w", err)
	}
	return binary.NativeEndian.Uint64(b[:]), binary.NativeEndian.Uint64(b[8:]), nil
}
