package term

import (
	"fmt"
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

// Message makes one harmless line of an error's text, whatever names are in it, and
// shortens long ones. A backslash stays single: texts that were quoted already have
// them.
func Message(text string) string {
	text = strings.ReplaceAll(Escape(text), `\\`, `\`)
	const quoted, bare, all = 200, 1024, 2048 // bare has room for a list of all capabilities
	if len(text) <= quoted {
		return text
	}
	var b strings.Builder
	for text != "" {
		most, end := bare, 1+strings.IndexAny(text[1:], ` "`)
		if text[0] == '"' {
			if n := closingQuote(text); n > 0 {
				most, end = quoted, n
			}
		}
		if end == 0 {
			end = len(text)
		}
		b.WriteString(shorten(text[:end], most))
		text = text[end:]
	}
	return shorten(b.String(), all)
}

// closingQuote is where a text that begins with a quote, as of %q, goes on behind the
// closing one; 0 if there is none.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// shorten leaves the beginning and the end of a word that has more than so many bytes.
func shorten(word string, most int) string {
	if len(word) <= most {
		return word
	}
	return strings.ToValidUTF8(word[:most/4*3], "") + "..." + strings.ToValidUTF8(word[len(word)-most/4:], "")
}

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
			b = fmt.Appendf(b, `\x%02x`, s[i])
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
			b = fmt.Appendf(b, `\x%02x`, r)
		case r > 0xffff:
			b = fmt.Appendf(b, `\U%08x`, r)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
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

// List is words with commas, and "and" before the last: "a, b and c".
func List(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
