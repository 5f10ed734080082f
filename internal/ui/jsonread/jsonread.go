// Package jsonread reads a JSON text (RFC 8259) into a tree. It is here because
// encoding/json, once linked, costs every start of a program; it is pure.
package jsonread

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is what a value is.
type Kind uint8

// The kinds of values; the zero Kind is that of a value that is not there.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Value is one value. Text is that of a string, or a number or a boolean as it
// is written; Items are those of an array and of an object, where Key is the
// name of each.
type Value struct {
	Kind  Kind
	Key   string
	Text  string
	Items []Value
}

// Get follows names into objects; the result is Missing where one is not there.
func (v Value) Get(names ...string) Value {
	for _, name := range names {
		next := Value{}
		if v.Kind == Object {
			for _, m := range v.Items {
				if m.Key == name {
					next = m
				}
			}
		}
		v = next
	}
	return v
}

// Strings are the items of an array of strings; false for anything else.
func (v Value) Strings() ([]string, bool) {
	list := make([]string, 0, len(v.Items))
	for _, item := range v.Items {
		if item.Kind != String {
			return nil, false
		}
		list = append(list, item.Text)
	}
	return list, v.Kind == Array
}

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 1000

// Parse reads one value with nothing but blanks around it. An object that has a
// name twice is refused: readers differ in which they take. The error gives the
// line.
func Parse(text []byte) (Value, error) {
	p := parser{text: text}
	v, ok := p.value(0)
	p.blanks()
	if ok && p.at == len(text) {
		return v, nil
	}
	line := 1
	for _, c := range text[:min(p.at, len(text))] {
		if c == '\n' {
			line++
		}
	}
	why := "not JSON"
	if p.twice {
		why = "the name " + strconv.Quote(p.name) + " is there twice"
	}
	return Value{}, errors.New("line " + strconv.Itoa(line) + ": " + why)
}

// parser reads text from at on. Its methods report whether it went well; at is
// then behind what they read.
type parser struct {
	text []byte
	at   int
	// twice is set where an object has name for the second time.
	twice bool
	name  string
}

func (p *parser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

// next takes c if it comes next, behind blanks.
func (p *parser) next(c byte) bool {
	p.blanks()
	return p.take(c)
}

// take takes c if it comes next.
func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (v Value, ok bool) {
	p.blanks()
	if p.at == len(p.text) || depth > maxDepth {
		return v, false
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.items(Object, '{', '}', depth)
	case c == '[':
		return p.items(Array, '[', ']', depth)
	case c == '"':
		v.Kind = String
		v.Text, ok = p.string()
		return v, ok
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, w := range [...]struct {
		word string
		kind Kind
	}{{"null", Null}, {"true", Bool}, {"false", Bool}} {
		if end := p.at + len(w.word); end <= len(p.text) && string(p.text[p.at:end]) == w.word {
			p.at = end
			return Value{Kind: w.kind, Text: w.word}, true
		}
	}
	return v, false
}

// items reads an array or an object.
func (p *parser) items(kind Kind, open, end byte, depth int) (Value, bool) {
	v := Value{Kind: kind}
	p.take(open)
	if p.next(end) {
		return v, true
	}
	seen := map[string]bool{}
	for {
		key := ""
		if kind == Object {
			var ok bool
			if key, ok = p.key(seen); !ok {
				return v, false
			}
		}
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		item.Key = key
		v.Items = append(v.Items, item)
		if p.next(end) {
			return v, true
		}
		if !p.next(',') {
			return v, false
		}
	}
}

// key reads a name that is not among those seen, and the colon.
func (p *parser) key(seen map[string]bool) (string, bool) {
	p.blanks()
	name, ok := p.string()
	if ok && seen[name] {
		p.twice, p.name = true, name
		return "", false
	}
	seen[name] = true
	return name, ok && p.next(':')
}

func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *parser) number() (Value, bool) {
	start := p.at
	p.take('-')
	if !p.take('0') && !p.digits() {
		return Value{}, false
	}
	if p.take('.') && !p.digits() {
		return Value{}, false
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return Value{}, false
		}
	}
	return Value{Kind: Number, Text: string(p.text[start:p.at])}, true
}

// string reads a string; what is not UTF-8 in it becomes U+FFFD.
func (p *parser) string() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var b []byte
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(b), true
		case c < ' ':
			return "", false
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			b = utf8.AppendRune(b, r)
		default:
			r, size := utf8.DecodeRune(p.text[p.at:])
			b = utf8.AppendRune(b, r)
			p.at += size
		}
	}
	return "", false
}

// escape reads what begins with a backslash; half a surrogate pair is U+FFFD.
func (p *parser) escape() (rune, bool) {
	p.at++
	if p.at == len(p.text) {
		return 0, false
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return p.utf16()
	}
	return 0, false
}

func (p *parser) utf16() (rune, bool) {
	first, ok := p.hex()
	if !ok || !utf16.IsSurrogate(first) {
		return first, ok
	}
	after := p.at
	if p.take('\\') && p.take('u') {
		if second, ok := p.hex(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, true
			}
		}
	}
	p.at = after
	return utf8.RuneError, true
}

func (p *parser) hex() (rune, bool) {
	if p.at+4 > len(p.text) {
		return 0, false
	}
	for _, c := range p.text[p.at : p.at+4] {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(n), err == nil
}
