package main

import (
	"errors"
	"fmt"
	"os"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/sandbox"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// containers assesses each container of the host by its process that is isolated worst.
func (c *assessCommand) containers(env []string, out *term.Output) error {
	l := listing{view: c.view, all: true, threads: true}
	if err := l.open(); err != nil {
		return err
	}
	defer l.scan.Close()
	list, unknown := c.worst(&l)
	failed := unknown > 0
	for i := range list {
		failed = failed || c.fails(&list[i].Assessment)
		if c.json() {
			out.Buf = schema.Append(out.Buf, schema.NewAssessment(&list[i].Process, &list[i].Assessment))
		}
	}
	if !c.json() && len(list) > 0 {
		all := caps.First(kernelBits(c.proc))
		out.Buf = report.Containers(out.Buf, list, all, l.width(out), out.Color(c.color, env))
	}
	switch {
	case unknown > 0:
		text := fmt.Sprintf("assess: processes of which it is unknown whether they are in a container: %d", unknown)
		if own, err := self.State(); err == nil && !own.Effective.Has(caps.SysPtrace) {
			text += " (needs CAP_SYS_PTRACE)"
		}
		out.Message(text)
	case len(list) == 0:
		out.Message("assess: no process is in a container")
	}
	err := l.finish("assess", len(list), out)
	if err == nil && failed {
		err = exit.Silent(exit.No)
	}
	return err
}

// worst is the assessment of each container, in the order of their first processes, and
// of how many processes it is unknown whether they are in one. The verdict of a container
// is unknown if none of its processes could be assessed.
func (c *assessCommand) worst(l *listing) (list []report.Assessed, unknown int) {
	at := map[string]int{}
	seen := map[string]bool{}
	var unread []contained
	procfs.Batches(l.scan, l.contained, func(found []contained) {
		for _, p := range found {
			if p.box == "" {
				unknown++
			}
			if p.box == "" || seen[p.kind] {
				continue
			}
			facts, err := sandbox.Read(c.proc, p.pid, p.pid)
			if err != nil {
				if !ended(err) {
					l.tally.lose(err)
					unread = append(unread, p)
				}
				continue
			}
			seen[p.kind] = true
			a := report.Assessed{Process: facts.Process, Assessment: container.Assess(&facts)}
			a.Container = p.Container
			i, known := at[p.box]
			switch {
			case !known:
				at[p.box] = len(list)
				list = append(list, a)
			case a.WorseThan(&list[i]):
				list[i] = a
			}
		}
	})
	for _, p := range unread {
		if _, known := at[p.box]; known {
			continue
		}
		if process, err := c.proc.Process(p.pid, p.pid, procfs.Options{}); !ended(err) {
			process.PID, process.TID, at[p.box] = p.pid, p.pid, len(list)
			list = append(list, report.Assessed{Process: process, Assessment: container.Assessment{
				Identity: container.Identity{Container: p.Container, Contained: cred.Is(true)}}})
		}
	}
	return list, unknown
}

// ended says that a process could not be read because it was there no longer.
func ended(err error) bool {
	var e *procfs.Error
	return errors.As(err, &e) && (e.Reason == procfs.NoProcess || e.Reason == procfs.MaybeHidden || e.Reason == procfs.Vanished)
}

// contained is a process that is in a container or, without a box, may be in one.
type contained struct {
	container.Container
	// box is the same for all processes of a container, kind for those of them of which
	// the assessment is the same: the first one stands for the others.
	box, kind string
	pid       int
}

// contained lists those of a batch.
func (l *listing) contained(r *procfs.Reader) func(pids []int) []contained {
	one := l.lister(r)
	return func(pids []int) (list []contained) {
		for _, pid := range pids {
			p := &one.p
			switch there := one.list(pid) && !(p.Zombie() && p.Threads <= 1); {
			case there && !p.Container.OK:
				if !l.gone(pid) {
					list = append(list, contained{pid: pid})
				}
			case there && p.Container.Value != container.Container{}:
				list = append(list, l.member(r, p))
			}
		}
		return list
	}
}

// member is a process in a container. One without an id is known by its PID namespace.
func (l *listing) member(r *procfs.Reader, p *report.Listed) contained {
	m := contained{Container: p.Container.Value, pid: p.PID}
	m.box = fmt.Sprint(m.Container)
	if m.ID == "" {
		pids, _ := l.proc.Thread(p.PID, p.PID).Namespace("pid")
		m.box += fmt.Sprint(pids)
	}
	t := l.proc.Thread(p.PID, p.PID)
	label, _ := t.Label()
	cgroup, _ := r.Cgroup(p.PID)
	root, _ := os.Readlink(l.proc.Path(p.PID, p.PID) + "/root")
	m.kind = fmt.Sprintf("%s %s %q %q %q", m.box, credentials(&p.Process), label.Value, cgroup, root) + fmt.Sprint(label.OK, p.ThreadsRead)
	for k := range container.NamespaceKinds {
		ns, _ := t.Namespace(k.String())
		m.kind += fmt.Sprint(ns)
	}
	for i := range p.Differing {
		m.kind += credentials(&p.Differing[i])
	}
	return m
}

// credentials is a text of all that a thread's status says of what it may do.
func credentials(t *cred.Process) string {
	return fmt.Sprint(t.Sets, t.UID, t.GID, t.FSUnknown, t.Groups, t.GroupsUnknown, t.NoNewPrivs, t.Seccomp)
}

// gone reports whether a process that was listed has ended meanwhile.
func (l *listing) gone(pid int) bool {
	p, err := l.proc.Process(pid, pid, procfs.Options{})
	return ended(err) || err == nil && p.Zombie() && p.Threads <= 1
}
