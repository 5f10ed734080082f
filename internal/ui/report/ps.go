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
	r := Row{PID: p.PID, TID: p.TID, User: p.shownUser(), Name: p.shownName(),
		Container: ContainerName(p.Container), Sets: p.Sets, Kernel: p.KernelThread.Value}
	appendMarks(r.Marks[:0], p)
	return r
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
// what is held until that has minHolding.
const (
	maxUser, minUser           = 12, 6
	maxName, minName           = 20, 8
	maxContainer, minContainer = 24, len("CONTAINER")

	minHolding = 24
)

// Append appends the table.
func (l *List) Append(b []byte, rows []Row) []byte {
	pid, user, name, where := len("PID"), len("USER"), len("NAME"), len("CONTAINER")
	for i := range rows {
		r := &rows[i]
		pid = max(pid, r.idLen())
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
	b = slices.Grow(b, (len(rows)+1)*(before+minHolding))

	head := fmt.Sprintf("%*s  %-*s  %-*s  %-*s  MARK  HOLDS", pid, "PID", user, "USER", name, "NAME", where, "CONTAINER")
	b = append(b, l.Color.Paint(term.Bold, head)...)
	b = append(b, '\n')
	for i := range rows {
		r := &rows[i]
		b = append(r.appendID(term.AppendBlanks(b, pid-r.idLen())), gap...)
		b = append(l.appendCell(b, r.User, user), gap...)
		b = append(l.appendCell(b, r.Name, name), gap...)
		b = append(l.appendContainer(b, r.Container, where), gap...)
		b = append(l.appendMarks(b, r.Marks), gap...)
		b = append(l.appendHolding(b, listed{r.Sets, r.Marks[2] == 'u'}, before), '\n')
	}
	return b
}

// needed is how wide what is held has to be: minHolding, unless all need less.
func (l *List) needed(rows []Row) int {
	seen, widest := map[cred.Sets]bool{}, 0
	var b []byte
	for i := 0; i < len(rows) && widest < minHolding; i++ {
		s := &rows[i].Sets
		if !seen[*s] {
			seen[*s] = true
			b = AppendHolding(b[:0], s, l.All, l.First, 0)
			widest = max(widest, len(b))
		}
	}
	return min(widest, minHolding)
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

func (r *Row) appendID(b []byte) []byte {
	b = strconv.AppendInt(b, int64(r.PID), 10)
	if r.TID != r.PID {
		b = strconv.AppendInt(append(b, '/'), int64(r.TID), 10)
	}
	return b
}

func (r *Row) idLen() int {
	var text [32]byte
	return len(r.appendID(text[:0]))
}

// width is that of a cell's text.
func (l *List) width(text string, most int) int {
	n := utf8.RuneCountInString(text)
	if l.Width > 0 {
		return min(n, most)
	}
	return n
}

// appendCell appends text in a cell, which it may be too wide for.
func (l *List) appendCell(b []byte, text string, width int) []byte {
	return term.AppendBlanks(appendCut(b, text, width), width-utf8.RuneCountInString(text))
}

// appendCut appends text, with a ~ for what is too much of it. A width of 0 is no
// limit.
func appendCut(b []byte, text string, width int) []byte {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return append(b, text...)
	}
	return append(append(b, firstRunes(text, width-1)...), '~')
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

func (l *List) appendContainer(b []byte, text string, width int) []byte {
	cell := string(l.appendCell(nil, text, width))
	if text != "-" && text != "?" {
		cell = l.Color.Paint(styleContainer, cell)
	}
	return append(b, cell...)
}

func (l *List) appendMarks(b []byte, marks [4]byte) []byte {
	if !l.Color {
		return append(b, marks[:]...)
	}
	for _, m := range marks {
		style := styleMark
		switch m {
		case '-', 'b', 'n':
			style = term.Plain
		case 'u', '?':
			style = styleForeign
		}
		b = append(b, l.Color.Paint(style, string(m))...)
	}
	return b
}

func (l *List) appendHolding(b []byte, h listed, before int) []byte {
	text, ok := l.texts[h]
	if !ok {
		width := 0
		if l.Width > 0 {
			width = max(l.Width-before, minHolding)
		}
		text = string(appendCut(nil, string(AppendHolding(nil, &h.Sets, l.All, l.First, width)), width))
		text = l.Color.Paint(setsStyle(&h.Sets, l.All, h.foreign), text)
		l.texts[h] = text
	}
	return append(b, text...)
}
