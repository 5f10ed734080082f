package watch

import (
	"encoding/binary"
	"slices"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"

	"golang.org/x/sys/unix"
)

// Addresses of user namespaces and of code.
const (
	initialSpace = 0xffff888000000001
	childSpace   = 0xffff888000000002
	inReader     = 0xffffffff81000100 // generic_permission, by way of openat
	inOpenat     = 0xffffffff81000200
)

// testTracker is one whose records are made up, and the checks that it reports.
func testTracker() (*tracker, *[]checks.Check) {
	var got []checks.Check
	point := &tracepoint{fields: map[string]field{
		"cap": {0, 4}, "ret": {4, 4}, "target_ns": {8, 8}, "capable_ns": {16, 8}, "cred": {24, 8},
	}}
	known := &spaces{initial: initialSpace, own: initialSpace, ownInode: 4026531837, inodes: map[uint64]uint64{}}
	t := newTracker(point, known, nil, func(c checks.Check, v checks.Verdict) { got = append(got, c) })
	t.start, t.before = 0, 0
	t.symbols = &symbols{starts: []uint64{inReader, inOpenat}, names: []string{"generic_permission", "__x64_sys_openat"}}
	t.processes[10] = &process{member: true, userns: 4026531837}
	t.names[10] = "parent"
	return t, &got
}

func long(v uint64) (low, high uint32) { return uint32(v), uint32(v >> 32) }

// sample is the record of a check by thread and process pid.
func sample(pid, time uint32, c caps.Cap, granted bool, target uint64) []byte {
	raw := make([]byte, 36) // with the padding that the kernel adds
	binary.NativeEndian.PutUint32(raw, uint32(c))
	binary.NativeEndian.PutUint64(raw[8:], target)
	if granted {
		binary.NativeEndian.PutUint64(raw[16:], target)
	} else {
		binary.NativeEndian.PutUint32(raw[4:], 0xffffffff)
	}
	list := []uint32{pid, pid, time, 0, 2, 0}
	for _, address := range []uint64{inReader + 8, inOpenat + 8} {
		low, high := long(address)
		list = append(list, low, high)
	}
	return append(words(unix.PERF_RECORD_SAMPLE, 0, append(list, uint32(len(raw)))...), raw...)
}

// fork is the record of a process that pid 10 started.
func fork(pid, time uint32) []byte {
	return words(unix.PERF_RECORD_FORK, 0, pid, 10, pid, 10, time, 0, pid, pid, time, 0)
}

// TestOrder: what is younger than the drain before waits, so that a record that one
// processor wrote earlier and that came to light later still comes first.
func TestOrder(t *testing.T) {
	tr, got := testTracker()
	tr.take(sample(10, 30, caps.Chown, true, initialSpace))
	tr.settle(100)
	if len(*got) != 0 {
		t.Fatalf("reported at once: %v", *got)
	}
	tr.take(sample(10, 20, caps.Kill, true, initialSpace))
	tr.take(sample(10, 110, caps.Lease, true, initialSpace))
	tr.settle(200)
	tr.finish()
	var order []caps.Cap
	for _, c := range *got {
		order = append(order, c.Cap)
	}
	if want := []caps.Cap{caps.Kill, caps.Chown, caps.Lease}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// TestChild: a process has its name and namespace from its parent, until it has others.
func TestChild(t *testing.T) {
	tr, got := testTracker()
	low, high := long(77)
	tr.take(fork(11, 10))
	tr.take(sample(11, 20, caps.Chown, true, initialSpace))
	tr.take(words(unix.PERF_RECORD_NAMESPACES, 0, 11, 11, 5, 0,
		0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, low, high, 11, 11, 30, 0))
	tr.take(sample(11, 40, caps.Kill, true, childSpace))
	tr.take(sample(11, 50, caps.Lease, false, initialSpace))
	tr.take(sample(10, 60, caps.Lease, false, childSpace))
	tr.finish()
	for i, want := range []checks.Check{
		{PID: 11, Parent: 10, Comm: "parent", Cap: caps.Chown, Granted: true, Ours: true, Namespace: checks.Namespace{Kind: checks.Initial, Inode: 4026531837}},
		{PID: 11, Parent: 10, Comm: "parent", Cap: caps.Kill, Granted: true, Namespace: checks.Namespace{Inode: 77}},
		{PID: 11, Parent: 10, Comm: "parent", Cap: caps.Lease, Namespace: checks.Namespace{Kind: checks.Initial, Inode: 4026531837}},
		// Ours decides in a namespace below.
		{PID: 10, Comm: "parent", Cap: caps.Lease, Ours: true, Namespace: checks.Namespace{Inode: 77}},
	} {
		c := (*got)[i]
		if c.PID != want.PID || c.Parent != want.Parent || c.Comm != want.Comm || c.Cap != want.Cap ||
			c.Granted != want.Granted || c.Ours != want.Ours || c.Namespace != want.Namespace || c.Syscall != "openat" {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
}

// TestFollowed: a denied check that another follows is incidental, also where a drain was
// between the two; one that none follows is reported all the same.
func TestFollowed(t *testing.T) {
	for name, between := range map[string]bool{"in one drain": false, "in the next": true} {
		tr, _ := testTracker()
		tr.take(sample(10, 10, caps.DACReadSearch, false, initialSpace))
		if between {
			tr.settle(15)
		}
		tr.take(sample(10, 20, caps.DACOverride, true, initialSpace))
		tr.settle(30)
		tr.finish()
		needs := tr.found.Needs()
		if want := caps.Of(caps.DACReadSearch, caps.DACOverride); len(needs) != 1 || needs[0] != want || tr.found.Seen[0].Verdict.Kind != checks.Incidental {
			t.Errorf("%s: needs %v, seen %+v", name, needs, tr.found.Seen)
		}
	}
	tr, got := testTracker()
	tr.take(sample(10, 10, caps.DACReadSearch, false, initialSpace))
	for now := range uint64(4) {
		tr.settle(20 + now)
	}
	if len(*got) != 1 {
		t.Errorf("a check that none follows is not reported: %v", *got)
	}
}
