package main

import (
	"errors"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
)

// target is the one process, or thread, that a command speaks of: that of
// --pid, else this one.
type target struct {
	given  bool
	thread cred.ThreadID
	alone  bool // the thread was named, PID/TID: no other counts
}

// set reads the value of --pid.
func (t *target) set(value string) (err error) {
	if strings.Contains(value, ",") {
		return errors.New("only one process, not " + quote(value))
	}
	t.given, t.alone = true, strings.Contains(value, "/")
	t.thread, err = cred.ParseThreadID(value)
	return err
}

// read reads the process with its other threads, if these count, and its user
// namespace.
func (t *target) read(root procfs.Root) (cred.Process, error) {
	if !t.given && root == procfs.Proc {
		return readSelf()
	}
	which := t.thread
	if !t.given {
		var err error
		if which, err = selfIn(root); err != nil {
			return cred.Process{}, err
		}
	}
	p, err := root.Process(which.PID, which.TID, procfs.Options{Threads: !t.alone, UserNS: true})
	p.ThreadsRead = p.ThreadsRead || t.alone
	return p, err
}

// readSelf reads this process. The threads of the runtime have what this one
// has: nothing was changed.
func readSelf() (cred.Process, error) {
	p, err := self.Process(procfs.Options{UserNS: true})
	p.ThreadsRead = true
	return p, err
}

// selfIn is this process, as a procfs knows it.
func selfIn(r procfs.Root) (cred.ThreadID, error) {
	pid, err := r.Self()
	return cred.ThreadID{PID: pid, TID: pid}, err
}
