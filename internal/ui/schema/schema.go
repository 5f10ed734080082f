// Package schema is the JSON documents as Go types, as capsh(1) and capset(1)
// describe them. What is not known is null.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Version is the member "version" of every document; it changes when a member goes
// or changes its meaning, not when one is added.
const Version = 1

// Append appends a document on a line of its own. Nothing in it acts on a terminal:
// what cannot be seen is escaped, and what is not UTF-8 becomes U+FFFD.
func Append(b []byte, document any) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		panic(err) // no type of this package fails to encode
	}
	return appendVisible(b, text.Bytes())
}

// appendVisible appends JSON and escapes hidden characters, which stand in strings
// only. encoding/json has escaped the ASCII ones but DEL.
func appendVisible(b, text []byte) []byte {
	for len(text) > 0 {
		n := plainPrefix(text)
		b, text = append(b, text[:n]...), text[n:]
		r, size := utf8.DecodeRune(text)
		switch {
		case size == 0:
		case !term.Hidden(r):
			b = append(b, text[:size]...)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		}
		text = text[size:]
	}
	return b
}

// plainPrefix is how many bytes text begins with that are visible ASCII or the
// newline behind a document.
func plainPrefix(text []byte) int {
	for i, c := range text {
		if c >= 0x7f {
			return i
		}
	}
	return len(text)
}

// list is a list that is [] in JSON where it is empty, and not null.
func list[T any](items []T) []T { return append([]T{}, items...) }

// text is what a known value is called.
func text[T fmt.Stringer](v cred.Known[T]) cred.Known[string] {
	return cred.Known[string]{Value: v.Value.String(), OK: v.OK}
}

// nonEmpty is a text that is not known where it is empty.
func nonEmpty(s string) cred.Known[string] { return cred.Known[string]{Value: s, OK: s != ""} }

// positive is a number that is not known where it is 0.
func positive(n int) cred.Known[int] { return cred.Known[int]{Value: n, OK: n > 0} }
