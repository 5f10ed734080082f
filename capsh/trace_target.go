package main

import (
	"fmt"
	"slices"
	"strconv"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/watch"

	"golang.org/x/sys/unix"
)

// target is what --pid, --container or --user names.
func (c *traceCommand) target() (watch.Target, error) {
	c.proc, c.all = procfs.Proc, true
	if len(c.subjects.threads) == 0 {
		return c.members()
	}
	var threads []int
	for _, t := range c.subjects.threads {
		if t.Alone {
			threads = append(threads, t.TID)
			continue
		}
		if _, err := procfs.Proc.Process(t.PID, t.TID, procfs.Options{}); err != nil {
			return watch.Target{}, err
		}
		below, err := procfs.Proc.Descendants(t.PID)
		if err != nil {
			return watch.Target{}, err
		}
		threads = append(threads, threadsOf(t.PID)...)
		for _, p := range below {
			threads = append(threads, threadsOf(p.PID)...)
		}
	}
	slices.Sort(threads)
	return watch.Target{Threads: slices.Compact(threads)}, nil
}

// members watches the host for processes that are of a user or in a container, of which
// there must be one.
func (c *traceCommand) members() (watch.Target, error) {
	if err := c.open(); err != nil {
		return watch.Target{}, err
	}
	l := c.lister(c.scan.Reader())
	isMember := func(pid int) (member, known bool) {
		p := &l.p.Process
		if there, err := l.r.Status(pid, p); !there || err != nil {
			return false, false
		}
		if !c.fits(p) {
			return false, true
		}
		l.look()
		return c.container == "" || c.inContainer(&l.p), true
	}
	if c.container != "" {
		pids, err := procfs.Proc.PIDs()
		if err != nil {
			return watch.Target{}, err
		}
		if !slices.ContainsFunc(pids, func(pid int) bool { member, _ := isMember(pid); return member }) {
			return watch.Target{}, fmt.Errorf("no process is in a container %q; capsh assess --all-containers lists them", c.container)
		}
	}
	return watch.Target{Host: isMember}, nil
}

// threadsOf are the threads of a process, none where it has ended.
func threadsOf(pid int) []int {
	fd, err := procfs.OpenOwn(strconv.Itoa(pid)+"/task", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	list, _ := procfs.NumberedEntries(fd)
	return list
}
