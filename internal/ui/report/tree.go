package report

import (
	"fmt"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/ui/term"
)

// Tree is how tree prints processes.
type Tree struct {
	// All is what the kernel has, First what is named before others.
	All, First caps.Set
	// Width is that of the terminal: the capabilities are cut to fit. 0 is no limit.
	Width int
	Color term.Color
	// Unicode draws lines with box characters.
	Unicode bool

	more []bool // for each level whether a sibling follows
}

// Branch is a line of the tree: a process, a thread, or several processes that
// are alike.
type Branch struct {
	*Listed
	// Parent is the line above that it comes from; nil for none.
	Parent *Listed
	// Depth counts the levels above it; Last says that no sibling follows.
	Depth int
	Last  bool
	// Alike is how many processes the line stands for, this one among them.
	Alike int
	// Quiet is how many children, grandchildren and so on have none and are
	// not shown; the line has no process then.
	Quiet int
	// Lost says that the parent exists but was not seen.
	Lost bool
}

// maxLevels is how many levels are indented; deeper ones say their number.
const maxLevels = 16

// Append appends a line.
func (t *Tree) Append(b []byte, n *Branch) []byte {
	indent := t.indent(n)
	if n.Listed == nil {
		rest := t.Color.Paint(term.Dim, quietText(n))
		return fmt.Appendf(b, "%*s%s%s\n", idWidth+1+t.userWidth()+1, "", indent, rest)
	}
	line := fmt.Sprintf("%*d %-*s %s", idWidth, n.TID, t.userWidth(), cutText(n.shownUser(), t.userWidth()), indent)
	name, sets, changes := t.fit(n, term.Columns(line))
	style := setsStyle(&n.Sets, t.All, n.Foreign.Value)
	if n.Parent != nil && n.Parent.Sets == n.Sets {
		style = term.Dim // what changes is to catch the eye
	}
	return fmt.Appendf(b, "%s%s  %s%s\n", line, name, t.Color.Paint(style, sets), changes)
}

// Row is a line as a row of columns: the tree is drawn in those of the name and of the
// command line, and where a container has a column its processes do not name it.
func (t *Tree) Row(n *Branch) Row {
	indent := t.indent(n)
	if n.Listed == nil {
		text := indent + quietText(n)
		return Row{Name: text, Command: text}
	}
	row := NewRow(n.Listed)
	row.Name, row.Command = indent+t.kind(n, row.Name), indent+row.Command
	return row
}

func quietText(n *Branch) string { return fmt.Sprintf("%d more, with no capability", n.Quiet) }

// fit is the three parts of a line that follow its first columns, so that it is no
// wider than the terminal: the name, the sets, and what changes.
func (t *Tree) fit(n *Branch, before int) (name, sets, changes string) {
	name = t.name(n, n.shownName(), containerName(n.Container))
	sets = ShortSets(&n.Sets, t.All, t.First, 0)
	changes = t.changes(n, fewNames)
	used := func() int { return before + term.Columns(name) + len(gap) + term.Columns(changes) }
	if t.Width <= 0 || used()+len(sets) <= t.Width {
		return name, sets, changes
	}
	least := min(len(sets), minSets)
	for _, few := range [...]int{0, noNumber} {
		if used()+least > t.Width {
			changes = t.changes(n, few)
		}
	}
	if excess := used() + least - t.Width; excess > 0 {
		name = t.shortName(n, excess)
	}
	return name, ShortSets(&n.Sets, t.All, t.First, max(t.Width-used(), 1)), changes
}

// idWidth has room for the longest process id, 4194304.
const idWidth = 7

// minTag is the least that is shown of a container: enough to see which runtime's
// it is, "po~".
const minTag = 3

// userWidth is how wide a user's name may be. On a narrow terminal what comes behind
// it is in more need of room.
func (t *Tree) userWidth() int {
	const narrow, few = 100, 8
	if 0 < t.Width && t.Width < narrow {
		return few
	}
	return maxUser
}

// indent is the lines that lead to a name.
func (t *Tree) indent(n *Branch) (text string) {
	bar, tee, corner := "|  ", "|- ", "`- "
	if t.Unicode {
		bar, tee, corner = "│  ", "├─ ", "└─ "
	}
	for len(t.more) <= n.Depth {
		t.more = append(t.more, false)
	}
	t.more[n.Depth] = !n.Last
	if n.Depth == 0 {
		return ""
	}
	for level := 1; level < min(n.Depth, maxLevels); level++ {
		if t.more[level] {
			text += bar
		} else {
			text += "   "
		}
	}
	if n.Last {
		text += corner
	} else {
		text += tee
	}
	if n.Depth > maxLevels {
		text += fmt.Sprintf("(%d) ", n.Depth)
	}
	return text
}

// shortName is name with so many columns less, as far as it can be cut.
func (t *Tree) shortName(n *Branch, excess int) string {
	name, where := n.shownName(), containerName(n.Container)
	widths := [2]int{utf8.RuneCountInString(name), utf8.RuneCountInString(where)}
	narrow(widths[0]+widths[1]-excess, []cell{{&widths[0], minName}, {&widths[1], minTag}})
	return t.name(n, cutText(name, widths[0]), cutText(where, widths[1]))
}

// name is what a process is called, and the container that it is the first in.
func (t *Tree) name(n *Branch, name, where string) string {
	name = t.kind(n, name)
	if n.Container.Value.Runtime != "" && (n.Parent == nil || n.Parent.Container != n.Container) {
		name += " " + t.Color.Paint(styleContainer, "["+where+"]")
	}
	if n.Lost {
		name += fmt.Sprintf(" (parent %d not seen)", n.PPID)
	}
	return name
}

// kind is a name as that of a thread, or of several processes.
func (t *Tree) kind(n *Branch, name string) string {
	switch {
	case n.Alike > 1 && n.KernelThread.Value:
		name = "kernel threads"
	case n.TID != n.PID:
		name = "{" + name + "}"
	}
	if n.Alike > 1 {
		name += fmt.Sprintf(" x%d", n.Alike)
	}
	return name
}
