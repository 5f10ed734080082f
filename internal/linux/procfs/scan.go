package procfs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// Scan goes through all processes of a root, by as few calls as it can: one open
// and one read for most. Its readers share the list of processes between them.
type Scan struct {
	root Root
	dir  int
	// own says that ids in root are those of this process's own PID namespace,
	// so that capget(2) speaks of the same processes.
	own bool
	// tasks is the table, from the first batch on; nil if there is none, and at
	// first only whether the reader may have it is known.
	tasks     *tasks
	mayHaveIt bool
	holding   bool

	mu   sync.Mutex
	next int // the number of the next batch
	// The list: of the kernel's procfs, which is in ascending order, it is read
	// on demand; of a copy it is read and sorted first.
	live   bool
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
func (r Root) Scan() (*Scan, error) {
	dir, err := unix.Open(string(r), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", string(r), err)
	}
	s := &Scan{root: r, dir: dir, live: IsProcfs(string(r)), buf: make([]byte, listBytes)}
	if !s.live {
		list, err := r.PIDs()
		if err != nil {
			unix.Close(dir)
			return nil, err
		}
		s.Only(list)
		return s, nil
	}
	// self leads to this process by its id in the PID namespace of the procfs.
	// Of a namespace further out status shows the ids in those within, too.
	var self cred.Process
	if text, _, err := readStatus(dir, "self/status", s.buf[:0]); err == nil && ParseStatus(text, &self) == nil {
		s.own = len(self.NSPID) == 1 && self.PID == unix.Getpid()
		s.mayHaveIt = s.own && mayHaveTasks(&self)
	}
	return s, nil
}

// Only makes it a scan of these processes, which are in ascending order.
func (s *Scan) Only(pids []int) { s.rest, s.listed = pids, true }

// Holding says, before the first batch, that processes of which [Reader.NoneHolds]
// are not asked for more.
func (s *Scan) Holding() { s.holding = true }

// Live says that the root is the kernel's procfs, not a copy of one.
func (s *Scan) Live() bool { return s.live }

// Close closes the root.
func (s *Scan) Close() {
	if s.tasks != nil {
		s.tasks.close()
	}
	unix.Close(s.dir)
}

// Err is why the list of processes ended early; nil if it did not.
func (s *Scan) Err() error { return s.err }

// Batch is some processes that follow each other. Number counts the batches.
type Batch struct {
	Number int
	PIDs   []int
	// records are what the table has of these processes.
	records []record
}

// Next takes the next batch into b, whose memory it uses again; false when there
// is none left. All batches together are in ascending order. Any goroutine may
// call it.
func (s *Scan) Next(b *Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.PIDs, b.records = b.PIDs[:0], b.records[:0]
	if s.next == 0 && !s.listed && s.mayHaveIt && s.worthTasks() && s.seesAll() {
		s.begin()
	}
	if s.listed || s.tasks != nil {
		n := min(len(s.rest), batchSize)
		b.PIDs = append(b.PIDs, s.rest[:n]...)
		s.rest = s.rest[n:]
	} else {
		b.PIDs = s.list(b.PIDs)
	}
	if s.tasks != nil && len(b.PIDs) > 0 {
		b.records = s.tasks.upTo(b.PIDs[len(b.PIDs)-1], b.records)
	}
	if s.next == 0 && len(b.PIDs) > 0 {
		s.lowest = b.PIDs[0]
	}
	b.Number = s.next
	s.next++
	return len(b.PIDs) > 0
}

// begin has the table read while the directory is.
func (s *Scan) begin() {
	s.tasks = startTasks(s.holding)
	for before := -1; len(s.rest) > before; {
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

// Reader is what one goroutine reads with: it uses its memory again and again.
type Reader struct {
	s    *Scan
	path []byte
	text []byte
	// records are those of the batch, at is the one that was asked for last.
	records []record
	at      int
	// asked and empty count what HoldsNothing did.
	asked, empty int
}

// Reader makes one.
func (s *Scan) Reader() *Reader {
	return &Reader{s: s, path: make([]byte, 0, 64), text: make([]byte, 0, 4096)}
}

// record is what the table says of a process; nil if that is not all.
func (r *Reader) record(pid int) *record {
	if t := r.any(pid); t != nil && t.plain() {
		return t
	}
	return nil
}

// any is what the table says of a process, at least its sets; nil if nothing.
func (r *Reader) any(pid int) *record {
	if r.at >= len(r.records) || int(r.records[r.at].pid) != pid {
		at, found := slices.BinarySearchFunc(r.records, pid, record.compare)
		if !found {
			return nil
		}
		r.at = at
	}
	return &r.records[r.at]
}

// Status reads the status of a process; false if it has ended. The error is an
// [*Error].
func (r *Reader) Status(pid int, p *cred.Process) (there bool, err error) {
	if t := r.record(pid); t != nil {
		t.process(p)
		return true, nil
	}
	text, errno := r.read(r.s.dir, pid, "/status")
	switch {
	case gone(errno) && r.s.live:
		return false, nil
	case errno != 0:
		return false, r.task(pid).notThere("status", errno, false)
	}
	if err := ParseStatus(text, p); err != nil {
		return false, r.task(pid).fail(Malformed, "status", err)
	}
	switch {
	case p.PID == 0: // it was reaped since the open
		return false, nil
	case p.TID != pid:
		return false, r.task(pid).fail(Malformed, "status", errors.New("is that of thread "+strconv.Itoa(p.TID)))
	case p.PID != pid: // /proc also has threads, unlisted
		return false, &Error{Reason: NotLeader, Root: r.s.root, PID: pid, TID: pid, Leader: p.PID}
	}
	return true, nil
}

func (r *Reader) task(pid int) *Thread { return r.s.root.Thread(pid, pid) }

// Threads reads the other threads of p into p.Differing, as [Root.Process]
// does. If holding, those that hold nothing are left out where p holds nothing
// either: capget(2) may tell that for less.
func (r *Reader) Threads(p *cred.Process, holding bool) error {
	p.Differing = nil
	p.ThreadsRead = p.Threads <= 1 || r.record(p.PID) != nil && r.s.tasks.alike(p.PID)
	if p.ThreadsRead {
		return nil
	}
	t := r.task(p.PID)
	dir, err := r.open(r.s.dir, p.PID, "/task", unix.O_DIRECTORY)
	if err != 0 {
		return r.unlisted(t, err)
	}
	defer closeFD(dir)
	ids, listErr := numberedEntries(dir)
	if listErr != nil {
		return r.unlisted(t, listErr)
	}
	slices.Sort(ids)
	idle := holding && p.Held() == 0
	var other cred.Process
	for _, id := range ids {
		if id == p.TID || idle && r.HoldsNothing(id) {
			continue
		}
		there, err := r.thread(dir, p.PID, id, &other)
		if err != nil {
			return err
		}
		if there && !sameCredentials(p, &other) && !(idle && other.Held() == 0) {
			p.Differing = append(p.Differing, other)
			other = cred.Process{}
		}
	}
	p.ThreadsRead = true
	return nil
}

// unlisted is why the threads could not be listed; nil if the process has ended:
// status was its last word.
func (r *Reader) unlisted(t *Thread, err error) error {
	if gone(err) && r.s.live {
		return nil
	}
	return t.unread("task", err)
}

// thread reads a thread below an open task directory.
func (r *Reader) thread(dir, pid, tid int, p *cred.Process) (there bool, err error) {
	text, errno := r.read(dir, tid, "/status")
	t := Thread{root: r.s.root, pid: pid, tid: tid}
	switch {
	case gone(errno):
		return false, nil
	case errno != 0:
		return false, t.fail(Failed, "status", errno)
	}
	if err := ParseStatus(text, p); err != nil {
		return false, t.fail(Malformed, "status", err)
	}
	return p.PID != 0, nil // 0: it ended since the open
}

// HoldsNothing reports that the effective, permitted and inheritable sets of a
// thread are empty, and so its ambient set (what is ambient is permitted and
// inheritable, capabilities(7)). False also says that this can't be told for
// less than status costs.
func (r *Reader) HoldsNothing(tid int) bool {
	if t := r.any(tid); t != nil {
		return t.holdsNothing()
	}
	// A call costs a seventh of what it spares.
	const trial, least = 128, 16
	if !r.s.own || r.asked >= trial && r.empty < r.asked/least {
		return false
	}
	r.asked++
	if !holdsNothing(tid) {
		return false
	}
	r.empty++
	return true
}

// UserNS is a process's user namespace by its inode or, without the right to look
// at that, by its uid_map. All threads of a process share it (user_namespaces(7)).
func (r *Reader) UserNS(pid int) (ns cred.UserNS) {
	if t := r.record(pid); t != nil {
		return cred.UserNS{Inode: cred.Is(uint64(t.userNS))}
	}
	if ns.Inode = r.namespace(pid, "user"); !ns.Inode.OK {
		if text, errno := r.read(r.s.dir, pid, "/uid_map"); errno == 0 {
			ns.UIDMap.Value, ns.UIDMap.OK = ParseIDMap(text)
		}
	}
	return ns
}

// MountNS is the inode of a process's mount namespace.
func (r *Reader) MountNS(pid int) cred.Known[uint64] {
	if t := r.record(pid); t != nil {
		return cred.Is(uint64(t.mountNS))
	}
	return r.namespace(pid, "mnt")
}

func (r *Reader) namespace(pid int, kind string) cred.Known[uint64] {
	var link [64]byte
	n, errno := r.readlink(r.s.dir, pid, "/ns/"+kind, link[:])
	if errno == unix.EINVAL && !r.s.live { // a copy may have the text in a file
		inode, _ := r.task(pid).Namespace(kind)
		return inode
	}
	if errno != 0 {
		return cred.Known[uint64]{}
	}
	inode, ok := ParseNS(kind, link[:n])
	return cred.Known[uint64]{Value: inode, OK: ok}
}

// Cgroup is the text of a process's cgroup file, valid until the next read;
// false if it can't be read.
func (r *Reader) Cgroup(pid int) ([]byte, bool) {
	text, errno := r.read(r.s.dir, pid, "/cgroup")
	return text, errno == 0
}

// Hidden says, after the scan, how processes of others are kept from sight,
// "hidepid=invisible"; empty if they are not, not from this reader, or not all
// were looked for. Who sees process 1, which is root's, sees all.
func (s *Scan) Hidden() string {
	if s.lowest == 1 || s.listed {
		return ""
	}
	return s.root.hidepid()
}

// appendPath makes the path of a file of a process or thread, below the
// directory of all of them.
func (r *Reader) appendPath(id int, file string) {
	r.path = append(strconv.AppendInt(r.path[:0], int64(id), 10), file...)
	r.path = append(r.path, 0)
}
