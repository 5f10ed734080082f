// Package schema is the JSON documents, as capsh(1) and capset(1) describe them.
package schema

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// JSON writes one JSON text (RFC 8259), compact, into memory; commas are put
// where they belong. The zero value is ready to use. The caller keeps Begin and
// End balanced and gives each object member a Key; nothing here checks that.
type JSON struct {
	buf []byte
	// more says that a value has been written at this level, so that the next
	// one needs a comma. One bit is enough: whatever ends a level is itself a
	// value of the level around it.
	more bool
	// written remembers how sets are written: in a long list few differ.
	written map[caps.Set][]byte
}

// Bytes is what has been written so far, without a newline at its end. It is
// valid until the next write.
func (j *JSON) Bytes() []byte { return j.buf }

// Line appends one JSON text on a line of its own.
func Line(b []byte, write func(j *JSON)) []byte {
	var j JSON
	write(&j)
	return append(append(b, j.Bytes()...), '\n')
}

// value makes room for the next value: a comma if there was one before.
func (j *JSON) value() {
	if j.more {
		j.buf = append(j.buf, ',')
	}
	j.more = true
}

func (j *JSON) begin(c byte) {
	j.value()
	j.buf = append(j.buf, c)
	j.more = false
}

func (j *JSON) end(c byte) {
	j.buf = append(j.buf, c)
	j.more = true
}

// BeginObject writes "{".
func (j *JSON) BeginObject() { j.begin('{') }

// EndObject writes "}".
func (j *JSON) EndObject() { j.end('}') }

// BeginArray writes "[".
func (j *JSON) BeginArray() { j.begin('[') }

// EndArray writes "]".
func (j *JSON) EndArray() { j.end(']') }

// Key writes the name of an object's member and returns j: its value must
// follow.
func (j *JSON) Key(name string) *JSON {
	j.String(name)
	j.buf = append(j.buf, ':')
	j.more = false
	return j
}

// String writes s. The text is pure of anything that a terminal would act on;
// what is not UTF-8 in s becomes U+FFFD, one for each bad byte.
func (j *JSON) String(s string) {
	j.value()
	j.buf = append(j.buf, '"')
	j.buf = appendJSONText(j.buf, s)
	j.buf = append(j.buf, '"')
}

// Uint writes n in decimal.
func (j *JSON) Uint(n uint64) {
	j.value()
	j.buf = strconv.AppendUint(j.buf, n, 10)
}

// Int writes n in decimal.
func (j *JSON) Int(n int64) {
	j.value()
	j.buf = strconv.AppendInt(j.buf, n, 10)
}

// Bool writes true or false.
func (j *JSON) Bool(v bool) {
	j.value()
	j.buf = strconv.AppendBool(j.buf, v)
}

// Null writes null: the value of what is not known.
func (j *JSON) Null() {
	j.value()
	j.buf = append(j.buf, "null"...)
}

// Set writes an array of names in bit order as the OCI runtime spec has them,
// "CAP_NET_RAW"; a bit without a name is its number as a string, "41".
func (j *JSON) Set(s caps.Set) {
	text, ok := j.written[s]
	if !ok {
		text = setText(s)
		if j.written == nil || len(j.written) > manySets {
			j.written = map[caps.Set][]byte{}
		}
		j.written[s] = text
	}
	j.value()
	j.buf = append(j.buf, text...)
}

// manySets is how many sets are remembered, about 100 kB.
const manySets = 256

// setText is a set as an array.
func setText(s caps.Set) []byte {
	var j JSON
	j.BeginArray()
	for c := range s.All() {
		j.String(c.OCI())
	}
	j.EndArray()
	return j.buf
}

// Hex writes a set as a string of the 16 hex digits that /proc/PID/status
// shows.
func (j *JSON) Hex(s caps.Set) { j.String(s.Mask()) }

// KnownBool writes null for what is not known.
func (j *JSON) KnownBool(v cred.Known[bool]) {
	if !v.OK {
		j.Null()
		return
	}
	j.Bool(v.Value)
}

// KnownUint writes null for what is not known.
func (j *JSON) KnownUint(v cred.Known[uint64]) {
	if !v.OK {
		j.Null()
		return
	}
	j.Uint(v.Value)
}

// KnownString writes null for what is not known.
func (j *JSON) KnownString(v cred.Known[string]) {
	if !v.OK {
		j.Null()
		return
	}
	j.String(v.Value)
}

// appendJSONText appends s as the inside of a JSON string.
func appendJSONText(b []byte, s string) []byte {
	if term.Harmless(s) && strings.IndexByte(s, '"') < 0 {
		return append(b, s...)
	}
	for _, r := range s { // yields U+FFFD for each byte that is not UTF-8
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r > 0xffff && term.Hidden(r): // JSON escapes are UTF-16
			r -= 0x10000
			b = term.AppendHex(b, `\u`, 0xd800+r>>10, 4)
			b = term.AppendHex(b, `\u`, 0xdc00+r&0x3ff, 4)
		case term.Hidden(r):
			b = term.AppendHex(b, `\u`, r, 4)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
