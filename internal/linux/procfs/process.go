package procfs

import (
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
	t.ids = r.shownIDs()
	if o == (Options{}) {
		return t.process(o)
	}
	// The descriptor stays with the process: its id may be given away.
	fd, err := unix.Open(r.Path(pid, tid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cred.Process{}, t.explain("", err)
	}
	defer unix.Close(fd)
	t.dir, t.prefix, t.held = fd, "", true
	return t.process(o)
}

// process reads status last but for the threads: that it can be read proves
// that the process was there all along, and what was not readable before
// was so for another reason.
func (t *Thread) process(o Options) (p cred.Process, err error) {
	if o.UserNS {
		if p.UserNS, err = t.UserNS(); err != nil {
			return cred.Process{}, err
		}
	}
	if o.Label {
		if p.Label, err = t.Label(); err != nil {
			return cred.Process{}, err
		}
	}
	if err := t.status(&p); err != nil {
		return cred.Process{}, t.explain("status", err)
	}
	if o.Threads {
		if err := t.threads(&p, nil); err != nil {
			return cred.Process{}, err
		}
	}
	return p, nil
}
