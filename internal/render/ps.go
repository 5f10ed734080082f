package render

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

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
	Color bool
	// texts remembers the short form of sets: few differ.
	texts map[listed]string
}

// listed is what the look of a thread's sets depends on.
type listed struct {
	cred.Sets
	foreign bool
}

// The widest that a cell may be on a terminal, and the narrowest that what is
// held may become before the line is longer than the terminal.
const (
	maxUser      = 12
	maxName      = 20
	maxContainer = 24
	minHolding   = 24
)

// Append appends the table.
func (l *List) Append(b []byte, rows []Row) []byte {
	pid, user, name, where := len("PID"), len("USER"), len("NAME"), len("CONTAINER")
	for i := range rows {
		r := &rows[i]
		pid = max(pid, r.idLen())
		user = max(user, l.cell(r.User, maxUser))
		name = max(name, l.cell(r.Name, maxName))
		where = max(where, l.cell(r.Container, maxContainer))
	}
	before := pid + user + name + where + len("MARK") + 5*len(gap)
	l.texts = map[listed]string{}
	b = slices.Grow(b, (len(rows)+1)*(before+minHolding))

	b = paint(b, l.Color, styleHead, func(b []byte) []byte {
		b = append(appendBlanks(b, pid-len("PID")), "PID"+gap...)
		b = append(appendPadded(b, "USER", user, false), gap...)
		b = append(appendPadded(b, "NAME", name, false), gap...)
		b = append(appendPadded(b, "CONTAINER", where, false), gap...)
		return append(b, "MARK"+gap+"HOLDS"...)
	})
	b = append(b, '\n')
	for i := range rows {
		r := &rows[i]
		b = append(r.appendID(appendBlanks(b, pid-r.idLen())), gap...)
		b = append(l.appendCell(b, r.User, user), gap...)
		b = append(l.appendCell(b, r.Name, name), gap...)
		b = append(l.appendContainer(b, r.Container, where), gap...)
		b = append(l.appendMarks(b, r.Marks), gap...)
		b = append(l.appendHolding(b, listed{r.Sets, r.Marks[2] == 'u'}, before), '\n')
	}
	return b
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

// cell is the width of a cell's text.
func (l *List) cell(text string, most int) int {
	n := utf8.RuneCountInString(text)
	if l.Width > 0 {
		return min(n, most)
	}
	return n
}

// appendCell appends text in a cell, which it may be too wide for.
func (l *List) appendCell(b []byte, text string, width int) []byte {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return appendBlanks(append(b, text...), width-n)
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
	if text == "-" || text == "?" {
		return l.appendCell(b, text, width)
	}
	return paint(b, l.Color, styleContainer, func(b []byte) []byte { return l.appendCell(b, text, width) })
}

func (l *List) appendMarks(b []byte, marks [4]byte) []byte {
	if !l.Color {
		return append(b, marks[:]...)
	}
	for _, m := range marks {
		style := styleMark
		switch m {
		case '-', 'b', 'n':
			style = stylePlain
		case 'u', '?':
			style = styleForeign
		}
		b = paint(b, l.Color, style, func(b []byte) []byte { return append(b, m) })
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
		text = string(paint(nil, l.Color, holdingStyle(&h.Sets, l.All, h.foreign), func(b []byte) []byte {
			return AppendHolding(b, &h.Sets, l.All, l.First, width)
		}))
		l.texts[h] = text
	}
	return append(b, text...)
}
