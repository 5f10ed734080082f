package watch

import (
	"encoding/binary"
	"slices"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"

	"golang.org/x/sys/unix"
)

// asked is the record of the probe at the entry of cap_capable: like sample's, and the
// registers in the order of their numbers.
func asked(tid, time uint32, c caps.Cap, target uint64) []byte {
	list := []uint32{10, tid, time, 0, 2, 0}
	for _, address := range []uint64{inReader + 8, inOpenat + 8} {
		low, high := long(address)
		list = append(list, low, high)
	}
	list = append(list, 4, 0) // the tracepoint's record, which nobody reads
	return withRegisters(list, uint64(c), target, 0xffff888000000003)
}

// answered is the record of the probe at the return: no call chain, one register.
func answered(tid, time uint32, result int32) []byte {
	return withRegisters([]uint32{10, tid, time, 0, 0, 0, 4, 0}, uint64(uint32(result)))
}

func withRegisters(list []uint32, registers ...uint64) []byte {
	b := words(unix.PERF_RECORD_SAMPLE, 0, list...)
	for _, v := range append([]uint64{unix.PERF_SAMPLE_REGS_ABI_64}, registers...) {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	binary.NativeEndian.PutUint16(b[6:], uint16(len(b)))
	return b
}

// probing is a tracker of checks from kprobes.
func probing() (*tracker, *[]checks.Check) {
	t, got := testTracker()
	t.source, t.answers = &kprobe{7, amd64}, newAnswers()
	return t, got
}

// TestAnswers: a check has the capability and the namespace of its question and the
// answer of its thread, also where another thread's is between the two. A question
// without an answer is counted, an answer without a question is left out.
func TestAnswers(t *testing.T) {
	tr, got := probing()
	tr.take(answered(10, 5, 0))
	tr.take(asked(10, 10, caps.Chown, initialSpace))
	tr.take(asked(11, 11, caps.Kill, childSpace))
	tr.take(answered(10, 12, -int32(unix.EPERM)))
	tr.take(answered(11, 13, 0))
	tr.take(asked(10, 20, caps.Lease, initialSpace))
	tr.take(asked(10, 30, caps.Mknod, initialSpace))
	tr.take(answered(10, 31, 0))
	tr.finish()
	type answer struct {
		tid     int
		time    int64
		cap     caps.Cap
		granted bool
		space   checks.NamespaceKind
		syscall string
	}
	var list []answer
	for _, c := range *got {
		list = append(list, answer{c.TID, c.Time, c.Cap, c.Granted, c.Namespace.Kind, c.Syscall})
	}
	want := []answer{
		{10, 12, caps.Chown, false, checks.Initial, "openat"},
		{11, 13, caps.Kill, true, checks.Other, "openat"},
		{10, 31, caps.Mknod, true, checks.Initial, "openat"},
	}
	if !slices.Equal(list, want) || tr.answers.unanswered != 1 {
		t.Errorf("%+v, want %+v; %d unanswered", list, want, tr.answers.unanswered)
	}
}

// TestGrantedBy: a kprobe does not show in which namespace a capability was found: a
// process of ours has it from ours, another one from its own.
func TestGrantedBy(t *testing.T) {
	tr, got := probing()
	for i, userns := range []uint64{4026531837, 77} {
		tr.processes[10].userns = userns
		tr.take(asked(10, 10, caps.Chown, childSpace))
		tr.take(answered(10, 11, 0))
		tr.finish()
		if c := (*got)[i]; c.Ours != (i == 0) || c.Namespace.Inode != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// TestShortRegisters: what a record does not have is not read.
func TestShortRegisters(t *testing.T) {
	k := &kprobe{7, amd64}
	r := &record{chain: make([]byte, 8), registers: make([]byte, 20)}
	for n := range r.registers {
		r.registers[n] = 0xff
		k.check(&record{chain: r.chain, registers: r.registers[:n]})
	}
	if c := k.check(r); c.target != 0 || c.cred != 0 {
		t.Errorf("%+v", c)
	}
}

// TestTree: from all of the host's records, those of the threads and of what they
// start: at once, or from the execve of each on.
func TestTree(t *testing.T) {
	exec := func(tid uint32) record { return record{kind: unix.PERF_RECORD_COMM, tid: tid, exec: true} }
	fork := func(parent, tid uint32) record {
		return record{kind: unix.PERF_RECORD_FORK, parentThread: parent, tid: tid}
	}
	exit := func(tid uint32) record { return record{kind: unix.PERF_RECORD_EXIT, tid: tid} }
	check := func(tid uint32) record { return record{kind: unix.PERF_RECORD_SAMPLE, tid: tid} }
	for name, c := range map[string]struct {
		begin   tree
		records []record
		want    bool
	}{
		"itself":                      {tree{1: true}, []record{check(1)}, true},
		"a stranger":                  {tree{1: true}, []record{check(2)}, false},
		"a child":                     {tree{1: true}, []record{fork(1, 2), check(2)}, true},
		"a grandchild of an ended":    {tree{1: true}, []record{fork(1, 2), fork(2, 3), exit(2), check(3)}, true},
		"a stranger's child":          {tree{1: true}, []record{fork(4, 5), exec(5), check(5)}, false},
		"a number used again":         {tree{1: true}, []record{fork(1, 2), exit(2), fork(4, 2), check(2)}, false},
		"before its execve":           {tree{1: false}, []record{fork(1, 2), check(2)}, false},
		"after its execve":            {tree{1: false}, []record{fork(1, 2), exec(2), check(2)}, true},
		"a child of an executed":      {tree{1: false}, []record{fork(1, 2), exec(2), fork(2, 3), check(3)}, true},
		"the one that waits":          {tree{1: false}, []record{fork(1, 2), exec(2), check(1)}, false},
		"a name that is no execve's":  {tree{1: false}, []record{fork(1, 2), {kind: unix.PERF_RECORD_COMM, tid: 2}, check(2)}, false},
		"its namespace before execve": {tree{1: false}, []record{fork(1, 2), {kind: unix.PERF_RECORD_NAMESPACES, tid: 2}}, true},
	} {
		var got bool
		for i := range c.records {
			got = c.begin.has(&c.records[i])
		}
		if got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	tr, _ := probing()
	tr.tree = tree{1: true}
	last := exit(1)
	if tr.ended() || !tr.tree.has(&last) || !tr.ended() {
		t.Error("the end of the last thread is not seen")
	}
}
