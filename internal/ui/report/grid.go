package report

import (
	"bytes"
	"unicode/utf8"

	"capsh/internal/ui/term"
)

// gap stands between two columns.
const gap = "  "

// look is what a column looks like: its title, and the widest and narrowest that it is
// on a terminal, 0 for as wide as it needs.
type look struct {
	title       string
	right       bool
	most, least int
}

// grid is a table of which the cells are cut where a terminal has no room for them.
type grid struct {
	looks    []look
	rows     int
	noHeader bool
	// cell is the text of a cell, cut to a width; 0 is no limit.
	cell func(row, column, width int) string
	// width is that of the terminal; 0 is no limit.
	width int
	color term.Color
}

// append appends the table.
func (g *grid) append(b []byte) []byte {
	var t term.Table
	head := make([]string, len(g.looks))
	for i, look := range g.looks {
		head[i] = g.color.Paint(term.Bold, look.title)
		if look.right {
			t.Right |= 1 << i
		}
	}
	t.Row(head...)
	widths := g.widths()
	for row := range g.rows {
		cells := make([]string, len(widths))
		for i, width := range widths {
			cells[i] = g.cell(row, i, width)
		}
		t.Row(cells...)
	}
	text := t.Append(nil, 0)
	if g.noHeader {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return append(b, text...)
}

// widths is how wide each column is on a terminal, 0 for no limit. The widest give way
// to the others, and the last one has what is left.
func (g *grid) widths() []int {
	widths := make([]int, len(g.looks))
	if g.width <= 0 {
		return widths
	}
	last := len(g.looks) - 1
	fixed := len(gap) * last
	var flexible []cell
	for i, look := range g.looks {
		widths[i] = max(len(look.title), g.natural(i))
		if look.most > 0 {
			widths[i] = max(len(look.title), min(widths[i], look.most))
			flexible = append(flexible, cell{&widths[i], look.least})
		} else {
			fixed += widths[i]
		}
	}
	narrow(g.width-fixed, flexible)
	if look := g.looks[last]; look.most > 0 {
		widths[last] = g.width - len(gap)*last
		for _, w := range widths[:last] {
			widths[last] -= w
		}
		widths[last] = max(widths[last], look.least)
	}
	return widths
}

// natural is how wide the cells of a column want to be. The last column asks for no
// more than it may be cut to.
func (g *grid) natural(column int) (widest int) {
	enough := 1 << 30
	if least := g.looks[column].least; column == len(g.looks)-1 && least > 0 {
		enough = least
	}
	for row := 0; row < g.rows && widest < enough; row++ {
		widest = max(widest, term.Columns(g.cell(row, column, 0)))
	}
	return min(widest, enough)
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

// cutText is text with a ~ for what is too much of it. A width of 0 is no limit.
func cutText(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "~"
}
