package main

import (
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// choose decides which processes have a line: those that are wanted, with all their
// descendants if they were named, and all their ancestors.
func (f *forest) choose() {
	var wanted []*node
	for _, p := range f.nodes {
		if p.itself = f.wanted(&p.Process) && (f.container == "" || f.inContainer(&p.Listed)); p.itself {
			wanted = append(wanted, p)
		}
	}
	named := len(f.pids)+len(f.globs) > 0
	for at := 0; named && at < len(wanted); at++ {
		for _, c := range wanted[at].children {
			if !c.itself {
				c.itself = true
				wanted = append(wanted, c)
			}
		}
	}
	f.shown = len(wanted)
	for _, p := range wanted {
		for ; p != nil && !p.shows; p = p.parent {
			p.shows = true
		}
	}
	if f.filtered() {
		return
	}
	for _, p := range f.nodes {
		if f.hides(&p.Process) {
			f.tally.kernel.Add(1)
			continue
		}
		at := p
		for at != nil && !at.shows {
			at = at.parent
		}
		if at != nil && at != p {
			at.quiet++
		}
	}
}

// line is one that is still to be drawn, and whose children it brings.
type line struct {
	report.Branch
	at *node // nil for one that has no children
}

// walk calls draw for each line, from the top. Lines that are still to come are
// on a stack: trees are as deep as someone wants them to be.
func (f *forest) walk(draw func(*report.Branch)) {
	var stack []line
	push := func(lines []line) {
		if len(lines) > 0 {
			lines[len(lines)-1].Last = true
		}
		slices.Reverse(lines)
		stack = append(stack, lines...)
	}
	isChild := func(p *node) bool { return p.parent != nil }
	push(f.lines(slices.DeleteFunc(slices.Clone(f.nodes), isChild), nil, 0))
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		draw(&top.Branch)
		if top.at != nil {
			push(f.below(top.at, top.Depth+1))
		}
	}
}

// below is the lines below a process: threads, children, and what they leave out.
func (f *forest) below(p *node, depth int) (list []line) {
	for _, t := range p.Differing {
		if !p.itself {
			break // it only leads to those that were asked for
		}
		thread := p.Thread(t, f.names.User(t.UID.Effective))
		list = append(list, line{report.Branch{Listed: thread, Parent: &p.Listed, Depth: depth, Alike: 1}, nil})
	}
	list = append(list, f.lines(p.children, &p.Listed, depth)...)
	if p.quiet > 0 && !f.json() {
		list = append(list, line{report.Branch{Quiet: p.quiet, Depth: depth}, nil})
	}
	return list
}

// lines is one for each process that has one, or for a few that are alike and
// have no children.
func (f *forest) lines(processes []*node, parent *report.Listed, depth int) (list []line) {
	folds := !f.all && !f.json()
	for _, p := range processes {
		if !p.shows {
			continue
		}
		if last := len(list) - 1; folds && last >= 0 && p.childless() && list[last].at.childless() && report.Alike(list[last].Listed, &p.Listed) {
			list[last].Alike++
			continue
		}
		lost := parent == nil && p.PPID != 0
		list = append(list, line{report.Branch{Listed: &p.Listed, Parent: parent, Depth: depth, Alike: 1, Lost: lost}, p})
	}
	return list
}

// childless says that no line comes below a process.
func (n *node) childless() bool {
	shown := slices.ContainsFunc(n.children, func(c *node) bool { return c.shows })
	return !shown && n.quiet == 0 && len(n.Differing) == 0
}

// objects writes one object for each process.
func (f *forest) objects(out *term.Output) {
	f.walk(func(n *report.Branch) {
		if n.TID != n.PID {
			return // its process has it
		}
		gained := cred.Known[caps.Set]{OK: n.Parent != nil}
		if gained.OK {
			gained.Value = report.Gained(n.Parent, n.Listed)
		}
		out.Buf = schema.Append(out.Buf, schema.NewBranch(schema.NewListed(&n.Process, n.User, n.Container), n.Depth, gained))
		out.Relieve()
	})
}

// text draws the tree, in columns if these were asked for.
func (f *forest) text(env []string, out *term.Output) {
	tree := report.Tree{All: caps.First(kernelBits(f.proc)), First: f.caps, Color: out.Color(f.color, env), Width: f.width(out), Unicode: utf8Locale(env)}
	if !f.columns.asked() {
		f.walk(func(n *report.Branch) { out.Buf = tree.Append(out.Buf, n) })
		return
	}
	var rows []report.Row
	f.walk(func(n *report.Branch) { rows = append(rows, tree.Row(n)) })
	f.draw(rows, env, out)
}

// utf8Locale says whether text is in UTF-8, as setlocale(3) finds out.
func utf8Locale(env []string) bool {
	for _, name := range [...]string{"LC_ALL=", "LC_CTYPE=", "LANG="} {
		for _, v := range env {
			if value, ok := strings.CutPrefix(v, name); ok && value != "" {
				value = strings.ToLower(value)
				return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
			}
		}
	}
	return false
}
