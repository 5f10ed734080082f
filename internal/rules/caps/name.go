package caps

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"capsh/internal/rules/suggest"
)

// prefix is what libcap's names begin with.
const prefix = "cap_"

// ParseName reads one capability as libcap's cap_from_name does: its full name
// in any case ("cap_net_raw"), or a number below [MaxBits] as C writes it (13,
// 0xd, 015). Other than there, nothing may follow it.
func ParseName(text string) (Cap, error) {
	c, n, ok := lookup(text)
	switch {
	case ok && n == len(text):
		return c, nil
	case text == "":
		return 0, errors.New("capability name is empty")
	case !ok && n == len(text):
		return 0, fmt.Errorf("capability %q is out of range, the highest is %d", text, MaxBits-1)
	}
	return 0, unknownName(text)
}

// UnknownName is the error of a text that names no capability.
type UnknownName struct {
	Text string
	// Near is the name that Text may have meant, empty for none.
	Near string
}

func (e *UnknownName) Error() string {
	if e.Near == "" {
		return fmt.Sprintf("capability %q is unknown", e.Text)
	}
	return fmt.Sprintf("capability %q is unknown, did you mean %s?", e.Text, e.Near)
}

func unknownName(text string) error {
	e := &UnknownName{Text: text}
	short := strings.TrimPrefix(strings.ToLower(text), prefix)
	if near := cmp.Or(suggest.Nearest(short, shortNames()), byPart(short)); near != "" {
		e.Near = prefix + near
	}
	return e
}

// byPart is the name that ends in a word, as "sys_ptrace" does in "ptrace", or begins so,
// in at least five letters; "" where there is none or several.
func byPart(word string) (found string) {
	const some = 5
	for name := range shortNames() {
		if strings.HasSuffix(name, "_"+word) || len(word) >= some && strings.HasPrefix(name, word) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// ParseUint reads a number of at most bits bits as C writes it: decimal, octal
// after 0, hex after 0x. Signs, blanks and what follows the digits are errors.
func ParseUint(text string, bits int) (uint64, error) {
	v, n, fits := number(text)
	switch {
	case text == "":
		return 0, errors.New("number is empty")
	case n == 0:
		return 0, fmt.Errorf("not a number: %q", text)
	case n < len(text):
		return 0, fmt.Errorf("not a number: %q has %q after its digits", text, text[n:])
	case !fits || bits < 64 && v>>bits != 0:
		return 0, fmt.Errorf("number %q does not fit %d bits", text, bits)
	}
	return v, nil
}

// ParseMask reads a set as /proc/PID/status writes it: hex digits, with or
// without 0x before them, at most 64 bits.
func ParseMask(text string) (Set, error) {
	hex := text
	if isHex(text) {
		hex = text[len("0x"):]
	}
	v, n, fits := digits(hex, 16)
	switch {
	case text == "":
		return 0, errors.New("hex mask is empty")
	case n == 0 || n < len(hex):
		return 0, fmt.Errorf("not a hex mask: %q", text)
	case !fits:
		return 0, fmt.Errorf("hex mask %q does not fit 64 bits", text)
	}
	return Set(v), nil
}

// lookup reads the name or number that text begins with, as libcap does
// everywhere, and n, its length in bytes. It is not ok if there is none (n is
// 0) or if the number is that of no bit.
func lookup(text string) (c Cap, n int, ok bool) {
	if text != "" && isDigit(text[0]) {
		v, n, fits := number(text)
		if !fits || v >= MaxBits {
			return 0, n, false
		}
		return Cap(v), n, true
	}
	n = wordLen(text)
	if !hasPrefixFold(text[:n], prefix) {
		return 0, 0, false
	}
	if c, ok = named(text[len(prefix):n]); !ok {
		return 0, 0, false
	}
	return c, n, true
}

// wordLen is how many letters and underscores text begins with.
func wordLen(text string) int {
	for i := range len(text) {
		if !isLetter(text[i]) && text[i] != '_' {
			return i
		}
	}
	return len(text)
}

// named finds the capability with the given name without its prefix, in any
// case.
func named(short string) (Cap, bool) {
	for c := range Cap(Named) {
		if equalFold(short, c.Short()) {
			return c, true
		}
	}
	return 0, false
}

// shortNames yields the names without their prefix.
func shortNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for c := range Cap(Named) {
			if !yield(c.Short()) {
				return
			}
		}
	}
}

// number reads the digits that text begins with as strtoul with base 0 does,
// but no blanks or sign before them. See [digits] for the results.
func number(text string) (v uint64, n int, fits bool) {
	switch {
	case isHex(text):
		v, n, fits = digits(text[len("0x"):], 16)
		return v, n + len("0x"), fits
	case text != "" && text[0] == '0':
		return digits(text, 8)
	}
	return digits(text, 10)
}

// digits reads the digits that text begins with; n is how many there are, and
// fits is false where they are too many for v.
func digits(text string, base uint64) (v uint64, n int, fits bool) {
	fits = true
	for ; n < len(text); n++ {
		d := digit(text[n])
		if d >= base {
			break
		}
		if v > (math.MaxUint64-d)/base {
			fits = false
		}
		v = v*base + d
	}
	return v, n, fits
}

// isHex reports whether text begins with 0x and a hex digit; C reads "0x"
// alone as 0 and an x that follows it.
func isHex(text string) bool {
	return len(text) > 2 && text[0] == '0' && lower(text[1]) == 'x' && digit(text[2]) < 16
}

// digit is the value of a digit of any base up to 16; of another byte it is
// larger than in any base.
func digit(ch byte) uint64 {
	switch ch = lower(ch); {
	case isDigit(ch):
		return uint64(ch - '0')
	case 'a' <= ch && ch <= 'f':
		return uint64(ch-'a') + 10
	}
	return 16
}

// The classes of bytes are C's in the C locale: ASCII and nothing else.

func isDigit(ch byte) bool  { return '0' <= ch && ch <= '9' }
func isLetter(ch byte) bool { return 'a' <= lower(ch) && lower(ch) <= 'z' }
func isBlank(ch byte) bool  { return ch == ' ' || '\t' <= ch && ch <= '\r' }

func lower(ch byte) byte {
	if 'A' <= ch && ch <= 'Z' {
		return ch + ('a' - 'A')
	}
	return ch
}

// hasPrefixFold reports whether text begins with want, which is lower case, in
// any case.
func hasPrefixFold(text, want string) bool {
	if len(text) < len(want) {
		return false
	}
	for i := range len(want) {
		if lower(text[i]) != want[i] {
			return false
		}
	}
	return true
}

// equalFold reports whether text is want, which is lower case, in any case.
func equalFold(text, want string) bool {
	return len(text) == len(want) && hasPrefixFold(text, want)
}
