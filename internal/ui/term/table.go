package term

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// Table lays rows out in columns that are as wide as their widest cell, with
// two blanks between. A character counts as one column, whatever a terminal
// makes of it; cells must not contain control characters ([Escape]) but for the
// colours of [Color]. The zero value is an empty table with all columns to the left.
type Table struct {
	// Right has bit i set where column i is aligned to the right.
	Right uint
	rows  [][]string
}

// gap stands between two columns.
const gap = "  "

// Row adds a row. Rows may differ in length.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Append appends the rows, one line each and without blanks at the end. Where
// width is more than 0 the last cell of a row is broken at blanks so that lines
// stay within width; a word that is longer stands alone on its line, and so does a
// first cell that would leave the others no room.
func (t *Table) Append(b []byte, width int) []byte {
	first := t.first(width)
	widths := t.widths(first)
	for _, row := range t.rows {
		column := 0
		for i, cell := range row {
			if i > 0 {
				b = append(b, gap...)
				column += len(gap)
			}
			if i == 0 && len(row) > 1 && Columns(cell) > first {
				b = append(append(b, cell...), '\n')
				b = AppendBlanks(b, widths[0])
				column += widths[0]
				continue
			}
			if i == len(row)-1 && t.Right>>i&1 == 0 {
				b = AppendWrapped(b, cell, column, width)
				break
			}
			b = AppendPadded(b, cell, widths[i], t.Right>>i&1 != 0)
			column += widths[i]
		}
		b = append(TrimBlanks(b), '\n')
	}
	return b
}

// first is the widest that a first cell may be beside others: what these leave of
// width, and half of it.
func (t *Table) first(width int) int {
	if width <= 0 {
		return math.MaxInt
	}
	others := 0
	for _, row := range t.rows {
		n := 0
		for _, cell := range row[min(1, len(row)):] {
			n += len(gap) + Columns(cell)
		}
		others = max(others, n)
	}
	return max(width-others, width/2)
}

// widths is the number of columns that each column needs. A last cell needs
// none: nothing stands behind it. Neither does a first one that is wider than first.
func (t *Table) widths(first int) []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if (i < len(row)-1 || t.Right>>i&1 != 0) && (i > 0 || Columns(cell) <= first) {
				widths[i] = max(widths[i], Columns(cell))
			}
		}
	}
	return widths
}

// AppendPadded appends cell with blanks before or behind it.
func AppendPadded(b []byte, cell string, width int, right bool) []byte {
	blanks := width - Columns(cell)
	if right {
		return append(AppendBlanks(b, blanks), cell...)
	}
	return AppendBlanks(append(b, cell...), blanks)
}

// AppendHung appends a line: a prefix and text, which goes on below its own beginning
// where a line has no room for it.
func AppendHung(b []byte, prefix, text string, width int) []byte {
	return append(TrimBlanks(AppendWrapped(append(b, prefix...), text, Columns(prefix), width)), '\n')
}

// AppendWrapped appends text, which begins at the given column, and breaks it
// at blanks so that no line goes beyond width; further lines begin at the same
// column. It does not end in a newline. A width of 0 is no limit.
func AppendWrapped(b []byte, text string, column, width int) []byte {
	if width <= 0 {
		return append(b, text...)
	}
	at := column
	for word := range strings.FieldsSeq(text) {
		n := Columns(word)
		switch {
		case at == column: // the first of a line
		case at+1+n > width:
			b = AppendBlanks(append(b, '\n'), column)
			at = column
		default:
			b = append(b, ' ')
			at++
		}
		b = append(b, word...)
		at += n
	}
	return b
}

// AppendBlanks appends n blanks, or none.
func AppendBlanks(b []byte, n int) []byte { return fmt.Appendf(b, "%*s", max(n, 0), "") }

// TrimBlanks removes the blanks at the end of b.
func TrimBlanks(b []byte) []byte { return bytes.TrimRight(b, " ") }
