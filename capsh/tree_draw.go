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
	n := len(f.processes)
	f.shows, f.itself, f.quiet = make([]bool, n), make([]bool, n), make([]int32, n)
	var wanted []int32
	for i, p := range f.processes {
		if f.wanted(&p.Process) && (f.container == "" || f.inContainer(p)) {
			wanted = append(wanted, int32(i))
		}
	}
	if len(f.pids)+len(f.globs) > 0 {
		wanted = f.descendants(wanted)
	}
	f.shown = len(wanted)
	for _, i := range wanted {
		f.itself[i] = true
		for ; i != none && !f.shows[i]; i = f.parent[i] {
			f.shows[i] = true
		}
	}
	if f.filtered() {
		return
	}
	for i, p := range f.processes {
		if f.hides(&p.Process) {
			f.tally.kernel.Add(1)
			continue
		}
		at := int32(i)
		for at != none && !f.shows[at] {
			at = f.parent[at]
		}
		if at != none && at != int32(i) {
			f.quiet[at]++
		}
	}
}

// descendants are the given processes and all their descendants.
func (f *forest) descendants(list []int32) []int32 {
	seen := make([]bool, len(f.processes))
	list = slices.DeleteFunc(list, func(i int32) bool { again := seen[i]; seen[i] = true; return again })
	for at := 0; at < len(list); at++ {
		for c := f.first[list[at]]; c != none; c = f.next[c] {
			if !seen[c] {
				seen[c] = true
				list = append(list, c)
			}
		}
	}
	return list
}

// line is one that is still to be drawn, and whose children it brings.
type line struct {
	report.Branch
	at int32 // none for one that has no children
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
	push(f.lines(f.roots, nil, 0))
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		draw(&top.Branch)
		if top.at != none {
			push(f.below(top))
		}
	}
}

// below is the lines below one: threads, children, and what they leave out.
func (f *forest) below(l line) []line {
	p, depth := l.Listed, l.Depth+1
	var list []line
	for _, t := range p.Differing {
		if !f.itself[l.at] {
			break // it only leads to those that were asked for
		}
		thread := p.Thread(t, f.names.User(t.UID.Effective))
		list = append(list, line{report.Branch{Listed: thread, Parent: p, Depth: depth, Alike: 1}, none})
	}
	var children []int32
	for c := f.first[l.at]; c != none; c = f.next[c] {
		children = append(children, c)
	}
	list = append(list, f.lines(children, p, depth)...)
	if n := f.quiet[l.at]; n > 0 && !f.json() {
		list = append(list, line{report.Branch{Quiet: int(n), Depth: depth}, none})
	}
	return list
}

// lines is one for each process that has one, or for a few that are alike and
// have no children.
func (f *forest) lines(processes []int32, parent *report.Listed, depth int) (list []line) {
	folds := !f.all && !f.json()
	for _, i := range processes {
		if !f.shows[i] {
			continue
		}
		p := f.processes[i]
		if last := len(list) - 1; folds && last >= 0 && f.childless(i) && f.childless(list[last].at) && report.Alike(list[last].Listed, p) {
			list[last].Alike++
			continue
		}
		lost := parent == nil && p.PPID != 0
		list = append(list, line{report.Branch{Listed: p, Parent: parent, Depth: depth, Alike: 1, Lost: lost}, i})
	}
	return list
}

// childless says that no line comes below a process.
func (f *forest) childless(i int32) bool {
	for c := f.first[i]; c != none; c = f.next[c] {
		if f.shows[c] {
			return false
		}
	}
	return f.quiet[i] == 0 && len(f.processes[i].Differing) == 0
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
