package report

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// gap stands between two columns.
const gap = "  "

// Row is a process or thread in the table of ps: its cells as they are shown,
// and what the rows may be sorted by.
type Row struct {
	PID, TID              int
	User, Name, Container string
	Marks                 [4]byte
	Sets                  cred.Sets
	Kernel                bool // a kernel thread
}

// NewRow makes the row of p.
func NewRow(p *Listed) Row {
	return Row{PID: p.PID, TID: p.TID, User: p.shownUser(), Name: p.shownName(), Container: ContainerName(p.Container),
		Marks: marks(p), Sets: p.Sets, Kernel: p.KernelThread.Value}
}

// List is how ps prints its rows.
type List struct {
	// All is what the kernel has, First what is named before others.
	All, First caps.Set
	// Width is that of the terminal: lines are cut to fit. 0 is no limit.
	Width int
	Color term.Color
	// texts remembers the short form of sets: few differ.
	texts map[listed]string
}

// listed is what the look of a thread's sets depends on.
type listed struct {
	cred.Sets
	foreign bool
}

// The widest that a cell may be on a terminal, and the narrowest: cells give way to
// the capabilities until these have minSets.
const (
	maxUser, minUser           = 12, 6
	maxName, minName           = 20, 8
	maxContainer, minContainer = 24, len("CONTAINER")

	minSets = 24
)

// Append appends the table.
func (l *List) Append(b []byte, rows []Row) []byte {
	pid, user, name, where := len("PID"), len("USER"), len("NAME"), len("CONTAINER")
	for i := range rows {
		r := &rows[i]
		pid = max(pid, len(r.id()))
		user = max(user, l.width(r.User, maxUser))
		name = max(name, l.width(r.Name, maxName))
		where = max(where, l.width(r.Container, maxContainer))
	}
	fixed := pid + len("MARK") + 5*len(gap)
	if l.Width > 0 {
		narrow(l.Width-fixed-l.needed(rows), []cell{{&name, minName}, {&where, minContainer}, {&user, minUser}})
	}
	before := fixed + user + name + where
	l.texts = map[listed]string{}
	b = slices.Grow(b, (len(rows)+1)*(before+minSets))

	head := fmt.Sprintf("%*s  %-*s  %-*s  %-*s  MARK  HAS", pid, "PID", user, "USER", name, "NAME", where, "CONTAINER")
	b = append(b, l.Color.Paint(term.Bold, head)...)
	b = append(b, '\n')
	for i := range rows {
		r := &rows[i]
		b = fmt.Appendf(b, "%*s  %-*s  %-*s  %s  %s  %s\n", pid, r.id(), user, cutText(r.User, user), name, cutText(r.Name, name),
			l.container(r.Container, where), l.marks(r.Marks), l.sets(listed{r.Sets, r.Marks[2] == 'u'}, before))
	}
	return b
}

// needed is how wide the capabilities have to be: minSets, unless all need less.
func (l *List) needed(rows []Row) int {
	seen, widest := map[cred.Sets]bool{}, 0
	for i := 0; i < len(rows) && widest < minSets; i++ {
		s := &rows[i].Sets
		if !seen[*s] {
			seen[*s] = true
			widest = max(widest, len(ShortSets(s, l.All, l.First, 0)))
		}
	}
	return min(widest, minSets)
}

// cell is the width of a column, and the least that it may become.
type cell struct {
	width *int
	least int
}

// narrow takes from the widest cell that has something to give until all fit.
func narrow(room int, cells []cell) {
	for {
		widest, sum := cell{width: new(int)}, 0
		for _, c := range cells {
			sum += *c.width
			if *c.width > c.least && *c.width > *widest.width {
				widest = c
			}
		}
		if sum <= room || *widest.width == 0 {
			return
		}
		*widest.width--
	}
}

func (r *Row) id() string { return cred.ThreadID{PID: r.PID, TID: r.TID}.String() }

// width is that of a cell's text.
func (l *List) width(text string, most int) int {
	n := utf8.RuneCountInString(text)
	if l.Width > 0 {
		return min(n, most)
	}
	return n
}

// cutText is text with a ~ for what is too much of it. A width of 0 is no limit.
func cutText(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return firstRunes(text, width-1) + "~"
}

// firstRunes is what text begins with.
func firstRunes(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

func (l *List) container(text string, width int) string {
	cell := fmt.Sprintf("%-*s", width, cutText(text, width))
	if text == "-" || text == "?" {
		return cell
	}
	return l.Color.Paint(styleContainer, cell)
}

func (l *List) marks(marks [4]byte) (text string) {
	for _, m := range marks {
		style := styleMark
		switch m {
		case '-', 'b', 'n':
			style = term.Plain
		case 'u', '?':
			style = styleForeign
		}
		text += l.Color.Paint(style, string(m))
	}
	return text
}

// sets is the short form of sets, behind so many columns.
func (l *List) sets(s listed, before int) string {
	text, ok := l.texts[s]
	if !ok {
		width := 0
		if l.Width > 0 {
			width = max(l.Width-before, minSets)
		}
		text = cutText(ShortSets(&s.Sets, l.All, l.First, width), width)
		text = l.Color.Paint(setsStyle(&s.Sets, l.All, s.foreign), text)
		l.texts[s] = text
	}
	return text
}
