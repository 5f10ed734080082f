package procfs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// Thread is a thread's directory: a path before a file's name, below a directory
// that is open. What it reads is valid until it reads again.
type Thread struct {
	root     Root
	pid, tid int
	dir      int
	prefix   string
	held     bool         // dir is the thread's own, and stays with it
	own      bool         // see OwnThread
	ids      *cred.UserNS // decides which ids of status are known; nil: all
	text     []byte       // memory for what is read
}

// Path is the directory of a thread.
func (r Root) Path(pid, tid int) string {
	path := string(r) + "/" + strconv.Itoa(pid)
	if tid != pid {
		path += "/task/" + strconv.Itoa(tid)
	}
	return path
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

// ownThread is the path of this thread for [OpenOwn].
const ownThread = "thread-self/"

// Open opens a file or directory of the thread. O_NONBLOCK keeps a FIFO in a copy
// from blocking the reader.
func (t *Thread) Open(file string, flags int) (fd int, err error) {
	return unix.Openat(t.dir, t.prefix+file, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
}

// Read reads a file of the thread. The error wraps an errno, or [ErrNotOwn].
func (t *Thread) Read(file string) ([]byte, error) { return t.read(file, maxFile, false) }

// read reads a file; see readUpTo.
func (t *Thread) read(file string, most int, oneRecord bool) ([]byte, error) {
	if t.own {
		return ReadOwn(ownThread + file)
	}
	fd, err := t.Open(file, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := t.genuine(fd); err != nil {
		return nil, err
	}
	if t.text == nil {
		t.text = make([]byte, 4096)
	}
	text, err := readUpTo(most, fd, t.text[:0], oneRecord)
	if cap(text) > cap(t.text) {
		t.text = text
	}
	return text, err
}

// genuine is nil for a file that the kernel's procfs made, where that is what is read:
// another one may be mounted over it. A copy is believed.
func (t *Thread) genuine(fd int) error {
	if t.ids != nil && onProcfs(fd) != nil {
		return notOwn("another file is mounted over it")
	}
	return nil
}

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

// maxStatus is more than a status file has: most of it are the groups, 65536 of at
// most 10 digits.
const maxStatus = 1 << 20

// status reads and checks the thread's own status. The error is an [*Error] or
// the errno of a failed call, which explain explains.
func (t *Thread) status(p *cred.Process) error {
	text, err := t.read("status", maxStatus, true)
	if err == unix.EFBIG {
		return t.fail(Malformed, "status", errors.New("is not a status file: it has more than 1 MiB"))
	} else if errors.Is(err, ErrNotOwn) {
		return t.fail(Failed, "status", err)
	} else if err != nil {
		return err
	}
	if err := ParseStatus(text, p); err != nil {
		return t.fail(Malformed, "status", err)
	}
	switch {
	case p.PID == 0:
		// It was reaped between the open and the read: the kernel still has the
		// credentials but not the ids (task_tgid_nr_ns).
		return unix.ESRCH
	case p.TID != t.tid:
		return t.fail(Malformed, "status", fmt.Errorf("is that of thread %d", p.TID))
	case p.PID != t.pid: // /proc also has threads, unlisted
		return &Error{Reason: NotLeader, Root: t.root, PID: t.pid, TID: t.tid, Leader: p.PID}
	}
	if t.ids != nil {
		t.ids.Hide(&p.State)
	}
	if !p.KernelThread.OK {
		p.KernelThread = t.kernelThread()
	}
	return nil
}

// kernelThread reads what status does not say before Linux 6.4.
func (t *Thread) kernelThread() cred.Known[bool] {
	text, err := t.read("stat", maxStatus, true)
	if err != nil {
		return cred.Known[bool]{}
	}
	return parseKernelThread(text)
}

// threads reads the other threads of p, and adds those to p.Differing that have
// other credentials; one that ends meanwhile is left out. Where lacksCaps is not
// nil, so are those without capabilities, which it may find at a lower cost than
// reading status.
func (t *Thread) threads(p *cred.Process, lacksCaps func(tid int) bool) error {
	if p.ThreadsRead = p.Threads <= 1; p.ThreadsRead {
		return nil
	}
	name := "task"
	if t.tid != t.pid {
		name = ".."
	}
	dir, err := t.Open(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return t.unlisted(name, err)
	}
	defer unix.Close(dir)
	if err := t.genuine(dir); err != nil {
		return t.fail(Failed, name, err)
	}
	ids, err := NumberedEntries(dir)
	if err != nil {
		return t.unlisted(name, err)
	}
	slices.Sort(ids)
	other := Thread{root: t.root, pid: t.pid, dir: dir, ids: t.ids, text: t.text}
	var state cred.Process
	for _, id := range ids {
		if id == p.TID || lacksCaps != nil && lacksCaps(id) {
			continue
		}
		other.tid, other.prefix = id, strconv.Itoa(id)+"/"
		err := other.status(&state)
		if errno, failed := err.(syscall.Errno); failed && !gone(errno) {
			return other.fail(Failed, "status", errno)
		} else if err != nil && !failed {
			return err
		}
		if err == nil && !sameCredentials(p, &state) && !(lacksCaps != nil && state.Held() == 0) {
			p.Differing = append(p.Differing, state)
			state = cred.Process{}
		}
	}
	p.ThreadsRead = true
	return nil
}

// unlisted is why the threads could not be listed: nil, leaving them unknown, if
// the reader may not see them or a copy lacks them.
func (t *Thread) unlisted(name string, err error) error {
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
	return a.Sets == b.Sets && a.UID == b.UID && a.GID == b.GID &&
		slices.Equal(a.Groups, b.Groups) && a.GroupsUnknown == b.GroupsUnknown &&
		a.NoNewPrivs == b.NoNewPrivs && a.Seccomp == b.Seccomp
}

func (t *Thread) fail(why Reason, file string, err error) *Error {
	return &Error{Reason: why, Root: t.root, PID: t.pid, TID: t.tid, File: file, Err: err}
}

// explain makes an [*Error] of why the thread's directory, or a file that every
// thread has, could not be read. Only here are more calls made to find out.
func (t *Thread) explain(file string, err error) error {
	if _, done := err.(*Error); done {
		return err
	}
	e := t.fail(Failed, file, err)
	procfs := IsProcfs(string(t.root))
	if procfs {
		e.Hidepid = t.root.hidepid()
	}
	switch {
	case Denies(err):
		e.Reason = Denied
	case !gone(err) && err != unix.ENOTDIR:
	case err == unix.ESRCH: // it had been opened
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
		if own, err := t.root.Self(); err == nil && own == os.Getpid() { // ids are this process's
			e.Caps, err = capget(t.tid)
			if err == unix.ESRCH {
				e.Reason = NoProcess
			}
		}
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
