package procfs

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// ScanOptions say what a scan is of and how it reads.
type ScanOptions struct {
	// Only are the processes, in ascending order; nil is all.
	Only []int
	// CapsOnly says that nothing is asked of processes that lack capabilities, as
	// [Reader.ProcessLacksCaps] has it, but that they do.
	CapsOnly bool
	// OpenTable opens the kernel's table of processes: nil for none, and so may be
	// what it returns. It is asked only where this process sees all that is in it.
	OpenTable func(TableRequest) Table
}

// Scan goes through the processes of a root, by as few calls as it can: one open
// and one read for most. Its readers share the list of processes between them.
type Scan struct {
	ScanOptions
	root  Root
	dir   int
	live  bool         // root is the kernel's procfs, not a copy
	self  cred.Process // this process, as root shows it
	own   bool         // its ids are those of this process's PID namespace
	ids   *cred.UserNS // see Thread
	table Table        // from the first batch on; nil if there is none

	mu   sync.Mutex
	next int // the number of the next batch
	// The list: of the kernel's procfs, which is in ascending order, it is read
	// on demand; of a copy it is read and sorted first.
	listed bool // rest is the list
	buf    []byte
	rest   []int
	lowest int // the first process of the list
	err    error
}

// batchSize is how many ids of a given list make a batch. Of a procfs those that
// one read of the directory gives do: with listBytes of memory about as many.
const (
	batchSize = 64
	listBytes = 2048
)

// Scan opens the root. The caller closes the result.
func (r Root) Scan(o ScanOptions) (*Scan, error) {
	dir, err := unix.Open(string(r), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", string(r), err)
	}
	s := &Scan{ScanOptions: o, root: r, dir: dir, live: IsProcfs(string(r)), buf: make([]byte, listBytes)}
	if !s.live {
		if s.rest, err = r.PIDs(); err != nil {
			unix.Close(dir)
			return nil, err
		}
		s.listed = true
	}
	if o.Only != nil {
		s.rest, s.listed = o.Only, true
	}
	s.self, s.own = r.ownProcess()
	s.ids = r.shownIDs()
	return s, nil
}

// ownProcess is this process as r shows it; ok says that r has the ids of its own
// PID namespace, so that system calls speak of the same processes.
func (r Root) ownProcess() (self cred.Process, ok bool) {
	// self leads to this process by its id in the PID namespace of the procfs. Of a
	// namespace further out status shows the ids in those within, too.
	text, err := r.Own("self").read("status", maxStatus, true)
	ok = err == nil && IsProcfs(string(r)) && ParseStatus(text, &self) == nil &&
		len(self.NSPID) == 1 && self.PID == unix.Getpid()
	return self, ok
}

// SeesAll says that r shows this process, which it returns, all processes of the
// kernel, as and by the ids by which the kernel has them: it sees the namespaces of
// process 2, the kernel's own. That takes CAP_SYS_PTRACE in the initial user
// namespace, from which hidepid hides nothing and in whose ids the kernel counts,
// and that no security module keeps it from others, as Landlock does. And that
// process is in the initial PID namespace only to who is there, too.
func (r Root) SeesAll() (self cred.Process, ok bool) {
	self, ok = r.ownProcess()
	return self, ok && r.showsKernel()
}

func (r Root) showsKernel() bool {
	ns, err := r.Thread(2, 2).Namespace("pid")
	return err == nil && ns.OK && ns.Value == container.InitialInode(container.PIDNS)
}

// Live says that the root is the kernel's procfs, not a copy of one.
func (s *Scan) Live() bool { return s.live }

// Close closes the root.
func (s *Scan) Close() {
	if s.table != nil {
		s.table.Close()
	}
	unix.Close(s.dir)
}

// Err is why the list of processes ended early; nil if it did not.
func (s *Scan) Err() error { return s.err }

// Hidden says, after the scan, how processes of others are kept from sight,
// "hidepid=invisible"; empty if they are not, not from this reader, or not all
// were looked for. Who sees process 1, which is root's, sees all.
func (s *Scan) Hidden() string {
	if s.lowest == 1 || s.listed {
		return ""
	}
	return s.root.hidepid()
}

// batch is some processes that follow each other. Number counts the batches.
type batch struct {
	number  int
	pids    []int
	records []Record // what the table has of them
}

// take takes the next batch into b, whose memory it uses again; false when there
// is none left. All batches together are in ascending order. Any goroutine may
// call it.
func (s *Scan) take(b *batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.pids, b.records = b.pids[:0], b.records[:0]
	if s.next == 0 && !s.listed && s.own && s.OpenTable != nil {
		s.openTable()
	}
	if s.listed || s.table != nil {
		n := min(len(s.rest), batchSize)
		b.pids = append(b.pids, s.rest[:n]...)
		s.rest = s.rest[n:]
	} else {
		b.pids = s.list(b.pids)
	}
	if s.table != nil && len(b.pids) > 0 {
		b.records = s.table.UpTo(b.pids[len(b.pids)-1], b.records)
	}
	if s.next == 0 && len(b.pids) > 0 {
		s.lowest = b.pids[0]
	}
	b.number = s.next
	s.next++
	return len(b.pids) > 0
}

// openTable has the table read while the directory is. How many processes there are
// the root's directory says: each is a link of it (fs/proc/root.c, proc_root_getattr).
func (s *Scan) openTable() {
	var st unix.Stat_t
	if unix.Fstat(s.dir, &st) != nil || !s.root.showsKernel() {
		return
	}
	s.table = s.OpenTable(TableRequest{Self: s.self, Processes: int(st.Nlink), CapsOnly: s.CapsOnly})
	for before := -1; s.table != nil && len(s.rest) > before; {
		before = len(s.rest)
		s.rest = s.list(s.rest)
	}
}

// list reads on in the directory until there is a process.
func (s *Scan) list(pids []int) []int {
	for had := len(pids); len(pids) == had && s.err == nil; {
		n, err := unix.Getdents(s.dir, s.buf)
		if err != nil {
			s.err = fmt.Errorf("read %s: %w", string(s.root), err)
		}
		if n <= 0 {
			break
		}
		pids = appendNumbered(pids, s.buf[:n])
	}
	return pids
}
