package main

import (
	"errors"
	"fmt"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/sandbox"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
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
		out.Message(fmt.Sprintf("assess: processes of which it is unknown whether they are in a container: %d (needs CAP_SYS_PTRACE)", unknown))
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
// of how many processes it is unknown whether they are in one.
func (c *assessCommand) worst(l *listing) (list []report.Assessed, unknown int) {
	at := map[string]int{}
	seen := map[string]bool{}
	procfs.Batches(l.scan, l.contained, func(found []contained) {
		for _, p := range found {
			if p.box == "" {
				unknown++
			}
			if p.box == "" || seen[p.kind] {
				continue
			}
			seen[p.kind] = true
			facts, err := sandbox.Read(c.proc, p.pid, p.pid)
			if err != nil {
				if !ended(err) {
					l.tally.lose(err)
				}
				continue
			}
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
				list = append(list, contained{pid: pid})
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
	m.kind = m.box + fmt.Sprint(p.Sets, p.UID, p.NoNewPrivs, p.Seccomp, p.UserNS.Inode, r.MountNS(p.PID), len(p.Differing))
	return m
}
