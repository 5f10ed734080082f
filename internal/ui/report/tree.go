package report

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Tree is how tree prints processes.
type Tree struct {
	// All is what the kernel has, First what is named before others.
	All, First caps.Set
	// Width is that of the terminal: what is held is cut to fit. 0 is no limit.
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
	// Quiet is how many children, grandchildren and so on hold nothing and are
	// not shown; the line has no process then.
	Quiet int
	// Lost says that the parent exists but was not seen.
	Lost bool
}

// maxLevels is how many levels are indented; deeper ones say their number.
const maxLevels = 16

// Append appends a line.
func (t *Tree) Append(b []byte, n *Branch) []byte {
	start := len(b)
	if n.Listed == nil {
		b = t.indent(term.AppendBlanks(b, idWidth+1+t.userWidth()+1), n)
		return append(append(b, t.Color.Paint(term.Dim, fmt.Sprintf("%d more, holding nothing", n.Quiet))...), '\n')
	}
	b = t.id(b, n)
	b = t.indent(b, n)
	indented := len(b)
	b = append(t.name(b, n, n.shownName(), ContainerName(n.Container)), gap...)
	used := term.Columns(string(b[start:]))
	holding := func(b []byte, width int) []byte { return AppendHolding(b, &n.Sets, t.All, t.First, width) }
	changes, width := t.changes(nil, n, fewNames), 0
	if full := len(holding(nil, 0)); t.Width > 0 && used+full+term.Columns(string(changes)) > t.Width {
		least := min(full, minHolding)
		for _, few := range [...]int{0, noNumber} {
			if used+least+term.Columns(string(changes)) > t.Width {
				changes = t.changes(nil, n, few)
			}
		}
		if excess := used + least + term.Columns(string(changes)) - t.Width; excess > 0 {
			b = append(t.shortName(b[:indented], n, excess), gap...)
			used = term.Columns(string(b[start:]))
		}
		width = max(t.Width-used-term.Columns(string(changes)), 1)
	}
	style := setsStyle(&n.Sets, t.All, n.Foreign.Value)
	if n.Parent != nil && n.Parent.Sets == n.Sets {
		style = term.Dim // what changes is to catch the eye
	}
	b = append(b, t.Color.Paint(style, string(holding(nil, width)))...)
	return append(append(b, changes...), '\n')
}

// idWidth has room for the longest process id, 4194304.
const idWidth = 7

// minTag is the least that is shown of a container: enough to tell which runtime's
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

// id appends the columns of the id and the user.
func (t *Tree) id(b []byte, n *Branch) []byte {
	var text [20]byte
	id := strconv.AppendInt(text[:0], int64(n.TID), 10)
	b = append(append(term.AppendBlanks(b, idWidth-len(id)), id...), ' ')
	user := string(appendCut(nil, n.shownUser(), t.userWidth()))
	return append(term.AppendPadded(b, user, t.userWidth(), false), ' ')
}

// indent appends the lines that lead to a name.
func (t *Tree) indent(b []byte, n *Branch) []byte {
	bar, tee, corner := "|  ", "|- ", "`- "
	if t.Unicode {
		bar, tee, corner = "│  ", "├─ ", "└─ "
	}
	for len(t.more) <= n.Depth {
		t.more = append(t.more, false)
	}
	t.more[n.Depth] = !n.Last
	if n.Depth == 0 {
		return b
	}
	for level := 1; level < min(n.Depth, maxLevels); level++ {
		if t.more[level] {
			b = append(b, bar...)
		} else {
			b = append(b, "   "...)
		}
	}
	if n.Last {
		b = append(b, corner...)
	} else {
		b = append(b, tee...)
	}
	if n.Depth > maxLevels {
		b = strconv.AppendInt(append(b, '('), int64(n.Depth), 10)
		b = append(b, ") "...)
	}
	return b
}

// shortName is name with so many columns less, as far as that can be.
func (t *Tree) shortName(b []byte, n *Branch, excess int) []byte {
	name, where := n.shownName(), ContainerName(n.Container)
	widths := [2]int{utf8.RuneCountInString(name), utf8.RuneCountInString(where)}
	narrow(widths[0]+widths[1]-excess, []cell{{&widths[0], minName}, {&widths[1], minTag}})
	return t.name(b, n, string(appendCut(nil, name, widths[0])), string(appendCut(nil, where, widths[1])))
}

// name appends what a process is called, and what is to be said of it as one of
// its kind.
func (t *Tree) name(b []byte, n *Branch, name, where string) []byte {
	switch {
	case n.Alike > 1 && n.KernelThread.Value:
		b = append(b, "kernel threads"...)
	case n.TID != n.PID:
		b = append(append(append(b, '{'), name...), '}')
	default:
		b = append(b, name...)
	}
	if n.Alike > 1 {
		b = strconv.AppendInt(append(b, " x"...), int64(n.Alike), 10)
	}
	if n.Container.Value.Runtime != "" && (n.Parent == nil || n.Parent.Container != n.Container) {
		b = append(append(b, ' '), t.Color.Paint(styleContainer, "["+where+"]")...)
	}
	if n.Lost {
		b = strconv.AppendInt(append(b, " (parent "...), int64(n.PPID), 10)
		b = append(b, " not seen)"...)
	}
	return b
}

// fewNames is how many capabilities of a change are named, rather than counted.
const fewNames = 3

// noNumber is to name no capability, and no user namespace by its number either.
const noNumber = -1

// changes appends in what a process differs from its parent: what it holds more
// and less, and which other sets and flags are not the same. Of at most few
// capabilities it has the names.
func (t *Tree) changes(b []byte, n *Branch, few int) []byte {
	if n.Parent == nil {
		return b
	}
	from, to := n.Parent, n.Listed
	sep := gap + "("
	say := func(s term.Style, text string) {
		b = append(append(b, sep...), t.Color.Paint(s, text)...)
		sep = ", "
	}
	some := func(s term.Style, label string, set caps.Set, few int) {
		if set != 0 {
			say(s, label+string(t.appendSome(nil, set, few)))
		}
	}
	gain := styleGain
	if to.Foreign.Value {
		gain = styleForeign
	}
	some(gain, "+", Gained(from, to), few)
	some(term.Dim, "-", Gained(to, from), few)
	few = min(few, 1)
	some(styleMark, "inh +", to.Inheritable&^from.Inheritable, few)
	some(term.Dim, "inh -", from.Inheritable&^to.Inheritable, few)
	some(styleMark, "amb +", to.Ambient&^from.Ambient, few)
	some(term.Dim, "amb -", from.Ambient&^to.Ambient, few)
	some(styleMark, "bnd +", to.Bounding&^from.Bounding, few)
	some(term.Dim, "bnd -", from.Bounding&^to.Bounding, few)
	if from.NoNewPrivs != to.NoNewPrivs && to.NoNewPrivs.OK {
		word := "nnp"
		if !to.NoNewPrivs.Value {
			word = "not nnp"
		}
		say(term.Dim, word)
	}
	if to.UserNS.Same(&from.UserNS) == cred.Is(false) {
		text := "userns"
		if to.UserNS.Inode.OK && few > noNumber {
			text = fmt.Sprintf("userns %d", to.UserNS.Inode.Value)
		}
		say(styleForeign, text)
	}
	if sep == ", " {
		b = append(b, ')')
	}
	return b
}

// Gained is what a process may use or raise that its parent may not.
func Gained(from, to *Listed) caps.Set {
	return (to.Effective | to.Permitted) &^ (from.Effective | from.Permitted)
}

// appendSome appends the names of at most few, else how many they are.
func (t *Tree) appendSome(b []byte, set caps.Set, few int) []byte {
	if n := set.Len(); n > few {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return appendShort(b, set, t.First, few)
}

// Alike reports that two processes can share a line.
func Alike(a, b *Listed) bool {
	return (a.KernelThread.Value && b.KernelThread.Value || a.Name == b.Name && a.KernelThread == b.KernelThread) &&
		a.Sets == b.Sets && a.UID.Effective == b.UID.Effective && a.NoNewPrivs == b.NoNewPrivs &&
		a.UserNS.Inode == b.UserNS.Inode && slices.Equal(a.UserNS.UIDMap.Value, b.UserNS.UIDMap.Value) && a.Foreign == b.Foreign &&
		a.Container == b.Container && a.Zombie() == b.Zombie() &&
		len(a.Differing)+len(b.Differing) == 0
}
