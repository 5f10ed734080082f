package main

import (
	"errors"
	"os"

	"capsh/internal/cred"
	"capsh/internal/probe"
)

// target is the one process, or thread, that a command speaks of: that of
// --pid, else this one.
type target struct {
	given  bool
	thread thread
}

// set reads the value of --pid.
func (t *target) set(value string) error {
	var v view
	if err := v.addThreads(value); err != nil {
		return err
	}
	if len(v.threads) != 1 {
		return errors.New("only one process, not " + quote(value))
	}
	t.given, t.thread = true, v.threads[0]
	return nil
}

// read reads the process with its other threads and its user namespace.
func (t *target) read(root probe.Root) (cred.Process, error) {
	if !t.given && root == probe.Proc {
		return readSelf()
	}
	which := t.thread
	if !t.given {
		self, err := root.Self()
		if err != nil {
			return cred.Process{}, err
		}
		which = thread{self, self}
	}
	return root.Process(which.pid, which.tid, probe.Options{Threads: which.pid == which.tid, UserNS: true})
}

// readSelf reads this process. Without a /proc only its credentials are known.
func readSelf() (p cred.Process, err error) {
	id := os.Getpid()
	if more, err := probe.Proc.Process(id, id, probe.Options{UserNS: true}); err == nil {
		p = more
	}
	// The threads of the runtime have what this one has: nothing was changed.
	p.PID, p.TID, p.ThreadsRead = id, id, true
	ns := p.UserNS
	p.State, err = probe.Self()
	p.UserNS = ns
	return p, err
}
