package procfs

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/btf"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// tasks is the kernel's process table, as a BPF program writes it: a tenth of
// what reading a status file costs. It tells the same; what it can't tell, and of
// whom it does not, /proc does. Which processes there are /proc says.
//
// One goroutine reads it, ahead of those that ask.
type tasks struct {
	read chan []record // in ascending order; closed at the end, or when that failed
	free chan []record // what can be read into
	// given is what was read last, left what of it is not given away yet.
	given, left []record
	// differing are the processes with a thread that may hold something else than
	// its leader, in ascending order; they are looked for when first asked for.
	differing func() (pids []uint32, ok bool)
}

// tasksPay is from how many processes on the table is read. To find one's way in the
// kernel's types and to load the program takes 2 ms. That is what it spares with some
// 300 processes of which all are read, and 1,000 of which one in four holds something.
const tasksPay = 1000

// mayHaveTasks says that the reader, which sees itself so in the root, may load the
// program. A seccomp filter may kill who calls bpf(2).
func mayHaveTasks(self *cred.Process) bool {
	need := caps.BPF.Set() | caps.Perfmon.Set()
	return self.Effective&need == need && self.Seccomp == cred.Is(cred.SeccompOff)
}

// worthTasks says that there are enough processes: each is a link of the root's
// directory (fs/proc/root.c, proc_root_getattr).
func (s *Scan) worthTasks() bool {
	var st unix.Stat_t
	return unix.Fstat(s.dir, &st) == nil && st.Nlink >= tasksPay
}

// seesAll says that the root shows this process all that the table has, and as it has
// it: it sees the namespaces of process 2, the kernel's own. That takes CAP_SYS_PTRACE
// in the first user namespace, to which hidepid hides nothing and in whose ids the
// kernel counts, and that no security module keeps it from others, as Landlock does.
// And that process is in the first PID namespace only to who is there, too.
func (s *Scan) seesAll() bool {
	var link [64]byte
	n, err := unix.Readlinkat(s.dir, "2/ns/pid", link[:])
	inode, ok := ParseNS("pid", link[:max(n, 0)])
	return err == nil && ok && inode == container.InitialInode(container.PIDNS)
}

// A chunk has as many records as fit in what the kernel keeps for a reader, eight
// pages (kernel/bpf/bpf_iter.c); there are at most so many of them ahead.
const (
	recordSize = int(unsafe.Sizeof(record{}))
	chunk      = 8 * 4096 / recordSize
	ahead      = 16
)

// startTasks begins to read the table; if holding, of processes that hold nothing
// only that.
func startTasks(holding bool) *tasks {
	t := &tasks{read: make(chan []record, ahead), free: make(chan []record, ahead)}
	for range ahead {
		t.free <- nil
	}
	go t.run(holding)
	return t
}

// close waits for the end of what startTasks began.
func (t *tasks) close() {
	close(t.free)
	for range t.read {
	}
}

// run reads all records, as there is room for them.
func (t *tasks) run(holding bool) {
	defer close(t.read)
	var leaders, threads []uint64
	var function btf.ID
	withKernelTypes(func(data []byte) {
		types, id, err := btf.Parse(data, iterator)
		if err == nil && id != 0 {
			function, leaders, threads = id, leadersProgram(types, id, holding), threadsProgram(types, id)
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
			buf = make([]record, chunk)
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

// upTo appends to list the records of all processes up to one, in ascending order.
func (t *tasks) upTo(pid int, list []record) []record {
	for {
		n, found := slices.BinarySearchFunc(t.left, pid, record.compare)
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

// alike says that all threads of a process hold the same.
func (t *tasks) alike(pid int) bool {
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
