package procfs

import (
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// Options say what to read beside the thread's status. Each costs more calls.
type Options struct {
	// Threads reads the status of each other thread of the process.
	Threads bool
	// UserNS reads the user namespace: its inode, maps and setgroups.
	UserNS bool
	// Label reads the LSM's label.
	Label bool
}

// Process reads one thread; tid 0 or pid is the leader. All that is read is of
// the same process, though not of one moment: only status is. What the reader
// may not see is unknown; the error is an [*Error].
func (r Root) Process(pid, tid int, o Options) (cred.Process, error) {
	if tid == 0 {
		tid = pid
	}
	t := r.Thread(pid, tid)
	if o == (Options{}) {
		return t.process(o)
	}
	// The descriptor stays with the process: its id may be given away.
	fd, err := unix.Open(r.Path(pid, tid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cred.Process{}, t.notThere("", err, false)
	}
	defer unix.Close(fd)
	t.dir, t.prefix, t.held = fd, "", true
	return t.process(o)
}

// Path is the directory of a thread.
func (r Root) Path(pid, tid int) string {
	path := string(r) + "/" + strconv.Itoa(pid)
	if tid != pid {
		path += "/task/" + strconv.Itoa(tid)
	}
	return path
}

// Thread is a thread's directory: a path before a file's name, or an open
// directory, which is held.
type Thread struct {
	root     Root
	pid, tid int
	dir      int
	prefix   string
	held     bool
	own      bool // see OwnThread
}

// Thread is the directory of a thread, which may not be there.
func (r Root) Thread(pid, tid int) *Thread {
	return &Thread{root: r, pid: pid, tid: tid, dir: unix.AT_FDCWD, prefix: r.Path(pid, tid) + "/"}
}

// Own is the directory of this thread, by a link of r: "self" is the leader of
// this process, "thread-self" the calling thread.
func (r Root) Own(link string) *Thread {
	return &Thread{root: r, pid: unix.Getpid(), tid: unix.Gettid(), dir: unix.AT_FDCWD, prefix: string(r) + "/" + link + "/"}
}

// OwnThread is this thread for what is decided by it: only what [OpenOwn] opens
// counts.
func OwnThread() *Thread {
	return &Thread{root: Proc, pid: unix.Getpid(), tid: unix.Gettid(), own: true}
}

// Open opens a file or directory of the thread.
func (t *Thread) Open(file string, flags int) (fd int, err error) {
	return unix.Openat(t.dir, t.prefix+file, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
}

// Read reads a file of the thread. The error wraps an errno, or [ErrNotOwn].
func (t *Thread) Read(file string) ([]byte, error) {
	if t.own {
		return ReadOwn(ownThread + file)
	}
	return ReadFile(t.dir, t.prefix+file, nil)
}

// ownThread is the path of this thread for [OpenOwn].
const ownThread = "thread-self/"

// readlink reads the text of a link into buf.
func (t *Thread) readlink(file string, buf []byte) ([]byte, error) {
	if t.own {
		return ReadOwnLink(ownThread+file, buf)
	}
	n, err := unix.Readlinkat(t.dir, t.prefix+file, buf)
	return buf[:max(n, 0)], err
}

// Live says that the thread is there, in the kernel's procfs.
func (t *Thread) Live() bool { return IsProcfs(string(t.root)) && exists(t.prefix+"status") }

// process reads status last but for the threads: that it can be read proves
// that the process was there all along, and what was not readable before
// was so for another reason.
func (t *Thread) process(o Options) (cred.Process, error) {
	var p cred.Process
	if o.UserNS {
		ns, err := t.UserNS()
		if err != nil {
			return p, err
		}
		p.UserNS = ns
	}
	if o.Label {
		label, err := t.Label()
		if err != nil {
			return p, err
		}
		p.Label = label
	}
	if err := t.status(&p); err != nil {
		return cred.Process{}, err
	}
	if o.Threads {
		if err := t.threads(&p); err != nil {
			return cred.Process{}, err
		}
	}
	return p, nil
}

// status reads and checks the thread's own status.
func (t *Thread) status(p *cred.Process) error {
	var buf [4096]byte
	text, opened, err := readStatus(t.dir, t.prefix+"status", buf[:0])
	if err != nil {
		return t.notThere("status", err, opened)
	}
	if err := ParseStatus(text, p); err != nil {
		return t.fail(Malformed, "status", err)
	}
	switch {
	case p.PID == 0:
		// It was reaped between the open and the read: the kernel still holds
		// the credentials but not the ids (task_tgid_nr_ns).
		return t.fail(Vanished, "status", unix.ESRCH)
	case p.TID != t.tid:
		return t.fail(Malformed, "status", errors.New("is that of thread "+strconv.Itoa(p.TID)))
	case p.PID != t.pid:
		return &Error{Reason: NotLeader, Root: t.root, PID: t.pid, TID: t.tid, Leader: p.PID}
	}
	return nil
}

// readStatus reads a status file by one open and, if it fits in buf, one read.
// The error is an errno, of the read if the file was opened.
func readStatus(dir int, name string, buf []byte) (text []byte, opened bool, err error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(fd)
	text, err = ReadAll(fd, buf, true)
	return text, true, err
}

// threads looks for the other threads of p that hold something else. A thread
// that ends while they are read is left out.
func (t *Thread) threads(p *cred.Process) error {
	p.ThreadsRead = p.Threads <= 1
	if p.ThreadsRead {
		return nil
	}
	name := "task"
	if t.tid != t.pid {
		name = ".."
	}
	dir, err := unix.Openat(t.dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return t.unread(name, err)
	}
	defer unix.Close(dir)
	ids, err := numberedEntries(dir)
	if err != nil {
		return t.unread(name, err)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if id == p.TID {
			continue
		}
		var other cred.Process
		if there, err := t.sibling(dir, id, &other); err != nil {
			return err
		} else if there && !sameCredentials(p, &other) {
			p.Differing = append(p.Differing, other)
		}
	}
	p.ThreadsRead = true
	return nil
}

// sibling reads another thread below the open task directory.
func (t *Thread) sibling(taskDir, id int, p *cred.Process) (there bool, err error) {
	s := Thread{root: t.root, pid: t.pid, tid: id}
	var buf [4096]byte
	text, _, err := readStatus(taskDir, strconv.Itoa(id)+"/status", buf[:0])
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, s.fail(Failed, "status", err)
	}
	if err := ParseStatus(text, p); err != nil {
		return false, s.fail(Malformed, "status", err)
	}
	return p.PID != 0, nil // 0: it ended since the open
}

// unread is why the threads could not be listed: nil, leaving them unknown, if
// the reader may not see them or a copy lacks them.
func (t *Thread) unread(name string, err error) error {
	switch {
	case Denies(err):
		return nil
	case !gone(err):
		return t.fail(Failed, name, err)
	case IsProcfs(string(t.root)):
		return t.fail(Vanished, name, err)
	}
	return nil
}

// sameCredentials compares what threads of one process may differ in.
func sameCredentials(a, b *cred.Process) bool {
	return a.Sets == b.Sets && a.UID == b.UID && a.GID == b.GID && slices.Equal(a.Groups, b.Groups) &&
		a.NoNewPrivs == b.NoNewPrivs && a.Seccomp == b.Seccomp
}

func (t *Thread) fail(why Reason, file string, err error) *Error {
	return &Error{Reason: why, Root: t.root, PID: t.pid, TID: t.tid, File: file, Err: err}
}

// notThere says why the thread's directory or its status could not be opened,
// or, if it was opened, not be read. Only here are more calls made to find out.
func (t *Thread) notThere(file string, err error, opened bool) *Error {
	e := t.fail(Failed, file, err)
	procfs := IsProcfs(string(t.root))
	if procfs {
		e.Hidepid = t.root.hidepid()
	}
	switch {
	case Denies(err):
		e.Reason = Denied
	case !gone(err) && err != unix.ENOTDIR:
	case opened:
		e.Reason = Vanished
	case !procfs && exists(t.root.Path(t.pid, t.tid)):
		// A copy without this file: Failed, with ENOENT.
	case t.tid != t.pid && exists(t.root.Path(t.pid, t.pid)+"/status"):
		e.Reason = NoThread
	case !procfs && !hasProcesses(t.root):
		e.Reason = NotProcfs
	case e.Hidepid != "":
		// A hidden process's directory can be held, though nothing in it opened.
		e.Reason = MaybeHidden
	case t.held:
		e.Reason = Vanished
	default:
		e.Reason = NoProcess
	}
	return e
}

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

func hasProcesses(r Root) bool {
	list, _ := r.PIDs()
	return len(list) > 0
}
