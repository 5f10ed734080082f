package render

import (
	"strings"
	"unicode/utf8"

	"capsh/internal/rules/catalog"
)

// Color is whether text may be coloured. What is coloured says the same without.
type Color bool

// The colours, by what they mean.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	plain  = "\x1b[0m"
)

// hostMark is how a capability is marked, in two columns, by what it gives of the
// machine, and in which colour.
func hostMark(h catalog.Host) (mark, color string) {
	switch {
	case h == catalog.HostDirect:
		return "!!", red
	case h > catalog.HostPart:
		return " !", yellow
	}
	return "  ", ""
}

// paint is text in a colour, "" for none; text itself must be escaped already.
func (c Color) paint(color, text string) string {
	if !c || text == "" || color == "" {
		return text
	}
	return color + text + plain
}

// columns is how many columns text takes: its characters, without the colours
// of [Color.paint].
func columns(text string) int {
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
