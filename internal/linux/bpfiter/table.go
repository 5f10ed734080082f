package bpfiter

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// table is the kernel's process table, as a BPF program writes it. One goroutine
// reads it, ahead of those that ask.
type table struct {
	read chan []procfs.Record // in ascending order; closed at the end, or when that failed
	free chan []procfs.Record // what can be read into
	// given is what was read last, left what of it is not given away yet.
	given, left []procfs.Record
	// differing are the processes with a thread that may have other credentials than
	// its leader, in ascending order; they are looked for when first asked for.
	differing func() (pids []uint32, ok bool)
}

// pays is from how many processes on the table is read. To find one's way in the
// kernel's types and to load the program takes 2 ms. That is what it spares with some
// 300 processes of which all are read, and 1,000 of which one in four has capabilities.
const pays = 1000

// Open begins to read the table, as [procfs.ScanOptions] has it: nil where that does
// not pay or this process may not.
func Open(r procfs.TableRequest) procfs.Table {
	if r.Processes < pays || !permitted(&r.Self) {
		return nil
	}
	return start(r.CapsOnly)
}

// permitted says that this process may load a program. A seccomp filter may kill who
// calls bpf(2).
func permitted(self *cred.Process) bool {
	need := caps.BPF.Set() | caps.Perfmon.Set()
	return self.Effective&need == need && self.Seccomp == cred.Is(cred.SeccompOff)
}

// A chunk has as many records as fit in what the kernel keeps for a reader, eight
// pages (kernel/bpf/bpf_iter.c); there are at most so many of them ahead.
const (
	recordSize = int(unsafe.Sizeof(procfs.Record{}))
	chunk      = 8 * 4096 / recordSize
	ahead      = 16
)

// start begins to read the table; if capsOnly, of processes without capabilities
// only that.
func start(capsOnly bool) *table {
	t := &table{read: make(chan []procfs.Record, ahead), free: make(chan []procfs.Record, ahead)}
	for range ahead {
		t.free <- nil
	}
	go t.run(capsOnly)
	return t
}

// Close waits for the end of what start began.
func (t *table) Close() {
	close(t.free)
	for range t.read {
	}
}

// run reads all records, as there is room for them.
func (t *table) run(capsOnly bool) {
	defer close(t.read)
	var leaders, threads []uint64
	var function btf.ID
	withKernelTypes(func(data []byte) {
		types, id, err := btf.Parse(data, iterator)
		if err == nil && id != 0 {
			function, leaders, threads = id, leadersProgram(types, id, capsOnly), threadsProgram(types, id)
		}
	})
	if leaders == nil || threads == nil {
		return
	}
	t.differing = sync.OnceValues(func() ([]uint32, bool) { return readDiffering(threads, function) })
	fd, err := openIterator("capsh_processes", leaders, uint32(function))
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for buf := range t.free {
		if buf == nil {
			buf = make([]procfs.Record, chunk)
		}
		n, err := readIterator(fd, unsafe.Slice((*byte)(unsafe.Pointer(&buf[0])), chunk*recordSize))
		// The kernel gives what it has when as much as was asked for is there: it
		// cuts no record.
		if err != 0 || n == 0 || n%recordSize != 0 {
			return
		}
		t.read <- buf[:n/recordSize]
	}
}

// UpTo is as [procfs.Table] has it.
func (t *table) UpTo(pid int, list []procfs.Record) []procfs.Record {
	for {
		n, found := slices.BinarySearchFunc(t.left, pid, procfs.Record.Compare)
		if found {
			n++
		}
		list = append(list, t.left[:n]...)
		if t.left = t.left[n:]; len(t.left) > 0 {
			return list
		}
		if t.given != nil {
			t.free <- t.given[:chunk]
		}
		if t.given = <-t.read; t.given == nil {
			return list
		}
		t.left = t.given
	}
}

// ThreadsAlike is as [procfs.Table] has it.
func (t *table) ThreadsAlike(pid int) bool {
	differing, ok := t.differing()
	_, found := slices.BinarySearch(differing, uint32(pid))
	return ok && !found
}

// readDiffering reads which processes have a thread that may differ.
func readDiffering(code []uint64, function btf.ID) (pids []uint32, ok bool) {
	fd, err := openIterator("capsh_threads", code, uint32(function))
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	buf := make([]uint64, 4096)
	for {
		n, err := readIterator(fd, unsafe.Slice((*byte)(unsafe.Pointer(&buf[0])), 8*len(buf)))
		if err != 0 || n%8 != 0 {
			return nil, false
		}
		if n == 0 {
			slices.Sort(pids)
			return slices.Compact(pids), true
		}
		for _, pid := range buf[:n/8] {
			pids = append(pids, uint32(pid))
		}
		if len(pids) > 1<<16 { // many threads of few processes
			slices.Sort(pids)
			pids = slices.Compact(pids)
		}
	}
}
