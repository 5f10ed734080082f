package procfs

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Reader is what one goroutine of a scan reads with: it uses its memory again and
// again.
type Reader struct {
	s *Scan
	t Thread // of the process that was asked for last
	// records are those of the batch, at is the one that was asked for last.
	records []Record
	at      int
	// asked and lacking count the calls of capget, and those that spared a read.
	asked, lacking int
}

// Reader makes one.
func (s *Scan) Reader() *Reader { return &Reader{s: s} }

// thread is the directory of a process.
func (r *Reader) thread(pid int) *Thread {
	if r.t.pid != pid {
		r.t = Thread{root: r.s.root, pid: pid, tid: pid, dir: r.s.dir, prefix: strconv.Itoa(pid) + "/", ids: r.s.ids, text: r.t.text}
	}
	return &r.t
}

// whole is what the table says of a process; nil if that is not all.
func (r *Reader) whole(pid int) *Record {
	if t := r.record(pid); t != nil && t.Whole() {
		return t
	}
	return nil
}

// record is what the table says of a process, at least its sets; nil if nothing.
func (r *Reader) record(pid int) *Record {
	if r.at >= len(r.records) || int(r.records[r.at].PID) != pid {
		at, found := slices.BinarySearchFunc(r.records, pid, Record.Compare)
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
	if t := r.whole(pid); t != nil {
		t.Process(p)
		return true, nil
	}
	t := r.thread(pid)
	switch err = t.status(p); {
	case err == nil:
		return true, nil
	case gone(err) && r.s.live:
		return false, nil
	}
	return false, t.explain("status", err)
}

// Threads reads the other threads of p into p.Differing, as [Root.Process] does.
// If capsOnly, those without capabilities are left out where p has none either.
func (r *Reader) Threads(p *cred.Process, capsOnly bool) error {
	p.Differing = nil
	if p.ThreadsRead = r.whole(p.PID) != nil && r.s.table.ThreadsAlike(p.PID); p.ThreadsRead {
		return nil
	}
	var lacksCaps func(tid int) bool
	if capsOnly && p.Held() == 0 {
		lacksCaps = r.LacksCaps
	}
	err := r.thread(p.PID).threads(p, lacksCaps)
	if e, ok := err.(*Error); ok && e.Reason == Vanished {
		return nil // status was its last word
	}
	return err
}

// LacksCaps reports that the effective, permitted and inheritable sets of a thread
// are empty, and so its ambient set (what is ambient is permitted and inheritable,
// capabilities(7)). It is false, too, where finding out would cost as much as reading
// status.
func (r *Reader) LacksCaps(tid int) bool {
	if t := r.record(tid); t != nil {
		return t.lacksCaps()
	}
	// A call costs a seventh of what it spares.
	const trial, least = 128, 16
	if !r.s.own || r.asked >= trial && r.lacking < r.asked/least {
		return false
	}
	r.asked++
	if !lacksCaps(tid) {
		return false
	}
	r.lacking++
	return true
}

func lacksCaps(tid int) bool {
	has, err := capget(tid)
	return err == nil && has.Value == caps.EPI{}
}

// capget reads the sets of a thread by its id here. The kernel lets anyone.
func capget(tid int) (sets cred.Known[caps.EPI], err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(tid)}
	var d [2]unix.CapUserData
	if err := unix.Capget(&header, &d[0]); err != nil {
		return sets, err
	}
	both := func(low, high uint32) caps.Set { return caps.Set(high)<<32 | caps.Set(low) }
	return cred.Is(caps.EPI{
		Effective: both(d[0].Effective, d[1].Effective), Permitted: both(d[0].Permitted, d[1].Permitted),
		Inheritable: both(d[0].Inheritable, d[1].Inheritable),
	}), nil
}

// ProcessLacksCaps reports that all threads of a process lack capabilities, as
// [Reader.LacksCaps] does of one.
func (r *Reader) ProcessLacksCaps(pid int) bool {
	if !r.LacksCaps(pid) {
		return false
	}
	switch r.threadCount(pid) {
	case 0: // it has ended, or may not be looked at: status says more
		return false
	case 1:
		return true
	}
	if r.record(pid) != nil && r.s.table.ThreadsAlike(pid) {
		return true
	}
	dir, err := r.thread(pid).Open("task", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	ids, err := NumberedEntries(dir)
	return err == nil && !slices.ContainsFunc(ids, func(id int) bool {
		return !lacksCaps(id) // one that has ended gets another look, too
	})
}

// threadCount is how many threads a process has, 0 if finding out would cost as much as
// reading status: each thread is a link of the task directory, beside the two that every
// directory has (fs/proc/base.c, proc_task_getattr).
func (r *Reader) threadCount(pid int) int {
	if t := r.record(pid); t != nil {
		return int(t.Threads)
	}
	var st unix.Statx_t
	err := unix.Statx(r.s.dir, r.thread(pid).prefix+"task", unix.AT_STATX_DONT_SYNC, unix.STATX_NLINK, &st)
	if err != nil || st.Mask&unix.STATX_NLINK == 0 {
		return 0
	}
	return max(int(st.Nlink)-2, 0)
}

// UserNS is a process's user namespace by its inode or, without the right to look
// at that, by its uid_map. All threads of a process share it (user_namespaces(7)).
func (r *Reader) UserNS(pid int) (ns cred.UserNS) {
	if t := r.whole(pid); t != nil {
		return cred.UserNS{Inode: cred.Is(uint64(t.UserNS))}
	}
	t := r.thread(pid)
	if ns.Inode, _ = t.Namespace("user"); !ns.Inode.OK {
		if text, ok, _ := t.Optional("uid_map"); ok {
			ns.UIDMap.Value, ns.UIDMap.OK = ParseIDMap(text)
		}
	}
	return ns
}

// MountNS is the inode of a process's mount namespace.
func (r *Reader) MountNS(pid int) cred.Known[uint64] {
	if t := r.whole(pid); t != nil {
		return cred.Is(uint64(t.MountNS))
	}
	ns, _ := r.thread(pid).Namespace("mnt")
	return ns
}

// Cgroup is the text of a process's cgroup file, valid until the next read;
// false if it can't be read.
func (r *Reader) Cgroup(pid int) ([]byte, bool) {
	text, err := r.thread(pid).read("cgroup", maxFile, true)
	return text, err == nil
}

// CommandLine is a process's arguments, each with a NUL behind it, valid until the
// next read: the first 64 KiB. It is empty for kernel threads, zombies and what may
// not be read.
func (r *Reader) CommandLine(pid int) []byte {
	const most = 64 << 10
	text, _ := r.thread(pid).read("cmdline", most, false)
	return text
}
