package term

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape is [AppendEscaped] to a string.
func Escape(s string) string {
	if Harmless(s) {
		return s
	}
	return string(AppendEscaped(nil, s))
}

// Message makes one harmless line of an error's text, whatever names are in it. A
// backslash stays single: texts that were quoted already have them.
func Message(text string) string { return strings.ReplaceAll(Escape(text), `\\`, `\`) }

// Harmless reports that s is printable ASCII without a backslash: there is nothing
// to escape.
func Harmless(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '\\' {
			return false
		}
	}
	return true
}

// AppendEscaped appends s, which another process may have chosen, so that it
// shows as it is and can do nothing to a terminal or to the reader: a backslash
// is \\, control characters are \n, \t, \r or \x1b, bytes that are not UTF-8
// \xff, and characters that cannot be seen (bidirectional overrides, zero-width
// ones, odd blanks) \u202e or \U000e0001. Different texts stay different.
func AppendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = AppendHex(b, `\x`, rune(s[i]), 2)
		case r == '\\':
			b = append(b, `\\`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\r':
			b = append(b, `\r`...)
		case !Hidden(r):
			b = append(b, s[i:i+size]...)
		case r < utf8.RuneSelf:
			b = AppendHex(b, `\x`, r, 2)
		case r > 0xffff:
			b = AppendHex(b, `\U`, r, 8)
		default:
			b = AppendHex(b, `\u`, r, 4)
		}
		i += size
	}
	return b
}

// Hidden reports whether r leaves no mark of its own on a screen, or acts on
// it: controls, format characters, blanks other than the space, private and
// unassigned code points, fillers and variation selectors.
func Hidden(r rune) bool {
	switch {
	case r == 0x034f, // combining grapheme joiner
		r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, // Hangul fillers
		r == 0x17b4, r == 0x17b5, // Khmer inherent vowels
		0x180b <= r && r <= 0x180f,   // Mongolian selectors
		0xfe00 <= r && r <= 0xfe0f,   // variation selectors
		0xe0100 <= r && r <= 0xe01ef: // and their supplement
		return true
	}
	return !strconv.IsPrint(r)
}

// AppendHex appends prefix and the lowest hex digits of r.
func AppendHex(b []byte, prefix string, r rune, digits int) []byte {
	b = append(b, prefix...)
	for i := digits - 1; i >= 0; i-- {
		b = append(b, "0123456789abcdef"[r>>(4*i)&0xf])
	}
	return b
}

// List is words with commas, and "and" before the last: "a, b and c".
func List(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
