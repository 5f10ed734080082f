package main

import (
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/sandbox"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
)

// known is a container as far as it is known.
type known = cred.Known[container.Container]

func (l *listing) lister(r *procfs.Reader) *lister {
	return &lister{listing: l, r: r, users: map[uint32]string{}, containers: map[place]known{}}
}

// look finds out of the process in l.p what is not in its status.
func (l *lister) look() {
	p := &l.p
	p.User = l.userName(p.UID.Effective)
	if p.KernelThread.Value {
		// They are in the initial namespaces.
		p.UserNS, p.Container = cred.UserNS{Inode: cred.Is[uint64](cred.InitialUserNS)}, known{OK: true}
	} else {
		p.UserNS = l.r.UserNS(p.PID)
		p.Container = l.containerOf(p)
	}
	if p.CommandLine = ""; l.columns.commands() {
		p.CommandLine = string(l.r.CommandLine(p.PID))
	}
	own := p.UserNS.Same(&l.ownNS)
	p.Foreign = cred.Known[bool]{Value: own.OK && !own.Value, OK: own.OK}
}

func (l *lister) userName(uid uint32) string {
	name, ok := l.users[uid]
	if !ok {
		name = l.names.User(uid)
		l.users[uid] = name
	}
	return name
}

// place is what the processes of one container share: the mount and the user
// namespace, and whether their PID namespace is the reader's.
type place struct {
	mounts, users uint64
	nested        bool
}

// containerOf looks up the container of a process. A container has a mount
// namespace of its own, so that the first process in one speaks for all, unless
// containers are what is asked for and cgroups say which.
func (l *lister) containerOf(p *report.Listed) known {
	at := place{users: p.UserNS.Inode.Value, nested: len(p.NSPID) > 1}
	var mounts cred.Known[uint64]
	if l.container == "" || !l.cgroups {
		mounts = l.r.MountNS(p.PID)
		at.mounts = mounts.Value
	}
	if c, ok := l.containers[at]; ok && mounts.OK {
		return c
	}
	c, conclusive := l.fromCgroup(p.PID)
	if !conclusive && mounts.OK || l.apart(p, mounts) && c.Value == (container.Container{}) {
		c = l.identify(p.PID)
	}
	c.Value.Name = l.engines.Name(c.Value)
	if c.OK && mounts.OK {
		l.containers[at] = c
	}
	return c
}

// apart reports whether a process is in other namespaces than the host's, or than the
// reader, so that it may be in a container although no cgroup names one.
func (l *lister) apart(p *report.Listed, mounts cred.Known[uint64]) bool {
	initial := p.UserNS.Initial()
	return l.nested || len(p.NSPID) > 1 || initial.OK && !initial.Value || mounts.OK && l.ownMounts.OK && mounts != l.ownMounts
}

// fromCgroup is the container that the path of a process's cgroup names. It is not
// conclusive where the path names none and this process does not see all of the path.
func (l *lister) fromCgroup(pid int) (c known, conclusive bool) {
	text, ok := l.r.Cgroup(pid)
	found, is := container.FromCgroup(string(text))
	conclusive = is || l.cgroups
	return known{Value: found, OK: ok && conclusive}, conclusive
}

// identify finds out as assess does whose container a process is in.
func (l *lister) identify(pid int) known {
	facts, err := sandbox.Identity(l.proc, pid)
	if err != nil {
		return known{} // it has ended, or may not be looked at
	}
	id := container.Identify(&facts)
	if id.Contained.Value && id.Runtime == "" {
		id.Runtime = container.Unknown
	}
	return known{Value: id.Container, OK: id.Contained.OK}
}

// inContainer says whether a process is in the container asked for: by its
// runtime, or by the beginning of its id, name or pod.
func (l *listing) inContainer(p *report.Listed) bool {
	c := p.Container.Value
	if !p.Container.OK || c == (container.Container{}) {
		return false
	}
	runtime, id, both := strings.Cut(l.container, ":")
	if both && runtime == c.Runtime { // as ps shows it
		return strings.HasPrefix(c.ID, id) || id != "" && id == c.Name
	}
	return c.Runtime == l.container || c.Name == l.container || c.ID != "" && strings.HasPrefix(c.ID, l.container) ||
		c.PodUID != "" && strings.HasPrefix(c.PodUID, l.container)
}

// newRows makes the rows of a process: its own, and those of threads that differ;
// unless these were asked for, only of the ones for whose sake they were read.
func (l *lister) newRows(rows []report.Row) []report.Row {
	p := &l.p
	rows = append(rows, report.NewRow(p))
	for _, t := range p.Differing {
		if !l.threads && !(l.fits(&t) && (t.Held() != 0 || !l.fits(&p.Process))) {
			continue
		}
		rows = append(rows, report.NewRow(p.Thread(t, l.userName(t.UID.Effective))))
	}
	return rows
}
