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
		About: `Shows, as a tree, the processes that have a capability. In parentheses are
the differences: what a child has more (+) and less (-) than its parent, by name
or number, and other sets and flags. For processes named by PID or pattern (such
as 'nginx*'), all their descendants are shown. Exit status 1 if none matches.
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
		Refused: func(name string) string {
			if name == "threads" || name == "T" {
				return "threads that differ are always shown"
			}
			return refusedByPs(name)
		},
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

// forest is the processes by where they come from.
type forest struct {
	listing
	nodes []*node // in ascending order of ids
	shown int
}

// node is a process with its parent, nil for a root, and its children, in ascending
// order of ids.
type node struct {
	report.Listed
	parent   *node
	children []*node
	// shows says that it has a line, itself that it has that for its own sake; quiet is
	// how many of its descendants have none.
	shows, itself bool
	quiet         int
}

// read reads all processes.
func (f *forest) read() {
	procfs.Batches(f.scan, func(r *procfs.Reader) func([]int) []*node {
		l := f.lister(r)
		return func(pids []int) (list []*node) {
			for _, pid := range pids {
				if l.list(pid) {
					list = append(list, &node{Listed: l.p})
				}
			}
			return list
		}
	}, func(list []*node) { f.nodes = append(f.nodes, list...) })
}

// grow finds each process's parent and children. A parent may be hidden, or its id may
// belong to another process by now: a process that would be its own ancestor becomes a
// root. Most parents have lower ids: from the highest on, they are not placed yet, and
// have no ancestors to search.
func (f *forest) grow() {
	for _, p := range slices.Backward(f.nodes) {
		at, ok := slices.BinarySearchFunc(f.nodes, p.PPID, func(n *node, pid int) int { return n.PID - pid })
		if ok && !f.nodes[at].within(p) {
			p.parent = f.nodes[at]
		}
	}
	for _, p := range f.nodes {
		if p.parent != nil {
			p.parent.children = append(p.parent.children, p)
		}
	}
}

// within reports whether a process is top or a descendant of it, as far as parents are
// known already.
func (n *node) within(top *node) bool {
	for ; n != nil; n = n.parent {
		if n == top {
			return true
		}
	}
	return false
}
