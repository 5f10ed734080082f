package main

import (
	"slices"

	"capsh/internal/linux/procfs"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// treeCommand is capsh tree.
type treeCommand struct{ forest }

func (c *treeCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh tree [option ...] [PID|NAME ...]",
		About: `Shows processes that have a capability below their parents. In brackets are the
differences: what a child has more (+) and less (-) than its parent, by name or
number, and other sets and flags. For processes named by PID or pattern (such as
'nginx*'), all their descendants are shown. Exit status 1 if none matches.
`,
		Options: func(o *flags.Options) {
			c.filters(o.Group("which"))
			flags.Switch(o, "--all", "also those without capabilities, not collapsed", &c.all)
			c.outputs(o)
		},
		After: `Names are without cap_; "=" and letters show the sets: e effective, p permitted,
i inheritable, a ambient; without letters ep. +N: N more. {NAME} is a thread
that differs from its process. NAME xN stands for N. Changes: inh, bnd, amb the
other sets; nnp no_new_privs; userns another user namespace.
JSON is one object per line.
`,
		Operand: flags.CompletePIDs,
	}
}

func (c *treeCommand) run(operands, env []string, out *term.Output) error {
	if err := c.name(operands); err != nil {
		return err
	}
	return c.listing.show(out, func() error { return c.once(env, out) })
}

// once draws the tree.
func (c *treeCommand) once(env []string, out *term.Output) error {
	c.forest = forest{listing: c.listing}
	if err := c.open(); err != nil {
		return err
	}
	defer c.scan.Close()
	c.forest.read()
	c.grow()
	c.choose()
	if c.json() {
		c.objects(out)
	} else {
		c.text(env, out)
		c.foot(out)
	}
	return c.finish("tree", c.shown, out)
}

// forest is the processes by where they come from. Its lists have an item for
// each process, its number being the place in processes.
type forest struct {
	listing
	processes []*report.Listed // in ascending order of ids
	// parent is a process's parent, or none. first is its first child, next its
	// next sibling.
	parent, first, next []int32
	roots               []int32
	// shows says of each process whether it has a line, itself whether for its own
	// sake; quiet is how many below it have none.
	shows, itself []bool
	quiet         []int32
	shown         int
}

const none = -1

// read reads all processes.
func (f *forest) read() {
	procfs.Batches(f.scan, func(r *procfs.Reader) func([]int) []report.Listed {
		l := f.lister(r)
		return func(pids []int) []report.Listed {
			list := make([]report.Listed, 0, len(pids))
			for _, pid := range pids {
				if l.list(pid) {
					list = append(list, l.p)
				}
			}
			return list
		}
	}, func(list []report.Listed) {
		for i := range list {
			f.processes = append(f.processes, &list[i])
		}
	})
}

// grow finds each process's parent and children. A parent may be hidden, or its id may
// belong to another process by now: a process that would be its own ancestor becomes a
// root.
func (f *forest) grow() {
	n := len(f.processes)
	f.parent, f.first, f.next = filled(n), filled(n), filled(n)
	for i := n - 1; i >= 0; i-- {
		if at, ok := f.find(f.processes[i].PPID); ok && !f.descends(at, i) {
			f.parent[i] = int32(at)
			f.next[i], f.first[at] = f.first[at], int32(i)
		}
	}
	for i := range f.processes {
		if f.parent[i] == none {
			f.roots = append(f.roots, int32(i))
		}
	}
}

func filled(n int) []int32 { return slices.Repeat([]int32{none}, n) }

func (f *forest) find(pid int) (int, bool) {
	return slices.BinarySearchFunc(f.processes, pid, func(p *report.Listed, pid int) int { return p.PID - pid })
}

// descends reports whether i is ancestor or a descendant of it, as far as parents are
// known already. Most parents have lower ids and are not placed yet.
func (f *forest) descends(i, ancestor int) bool {
	for i != none {
		if i == ancestor {
			return true
		}
		i = int(f.parent[i])
	}
	return false
}
