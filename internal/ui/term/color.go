package term

import (
	"strings"
	"unicode/utf8"
)

// Color says whether text may be coloured. What is coloured says the same without.
type Color bool

// Style is how a piece of text looks on a terminal: the parameter of an SGR
// sequence (console_codes(4)).
type Style string

// The styles. Colours are of the eight that every terminal has, with its own
// background.
const (
	Plain   Style = ""
	Bold    Style = "1"
	Dim     Style = "2"
	Red     Style = "31"
	Green   Style = "32"
	Yellow  Style = "33"
	Magenta Style = "35"
	Cyan    Style = "36"
	BoldRed Style = "1;31"
)

// Clear empties the screen of a terminal and goes to its first line.
const Clear = "\x1b[H\x1b[2J"

// Paint is text in a style; text itself must be escaped already.
func (c Color) Paint(s Style, text string) string {
	if !c || text == "" || s == Plain {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Columns is how many columns text takes: its characters, without the colours
// of [Color.Paint].
func Columns(text string) int {
	n := utf8.RuneCountInString(text)
	for {
		start := strings.IndexByte(text, '\x1b')
		if start < 0 {
			return n
		}
		end := strings.IndexByte(text[start:], 'm')
		if end < 0 {
			return n
		}
		n -= end + 1
		text = text[start+end+1:]
	}
}
