package caps

import "fmt"

// EPI is what libcap's set text writes ("cap_net_raw=ep"): the three sets that
// capget(2) reports.
type EPI struct{ Effective, Permitted, Inheritable Set }

// flags name some of the three sets of an EPI; of a capability, those it is in.
// Their numbers decide the order in which [EPI.AppendText] writes its clauses.
type flags uint8

const (
	flagE flags = 1 << iota
	flagP
	flagI

	flagsAll = flagE | flagP | flagI
)

// ParseText reads set text as libcap's cap_from_text does: clauses with blanks
// between, each a list, operators and flags ("all=ep cap_kill-e"), applied
// from left to right to empty sets. kernelBits, 0 to [MaxBits], is how many
// capabilities the kernel has: those that "all", or no list, stands for.
func ParseText(text string, kernelBits int) (EPI, error) {
	p := textParser{text: text, known: First(kernelBits)}
	for {
		for isBlank(p.peek()) {
			p.pos++
		}
		if p.pos == len(text) {
			return p.epi, nil
		}
		if why := p.clause(); why != "" {
			return EPI{}, textError("capability text", text, p.pos, why)
		}
	}
}

// ParseTextList reads a list as one clause of set text has it, and nothing else of
// that text: names, numbers and "all" with commas between.
func ParseTextList(text string, kernelBits int) (Set, error) {
	p := textParser{text: text, known: First(kernelBits)}
	list, why := p.list()
	if why == "" && p.pos < len(text) {
		why = "a comma must stand here"
	}
	if why != "" {
		return 0, textError("capability list", text, p.pos, why)
	}
	return list, nil
}

// textError says what is wrong in a text and where, as an offset in bytes.
func textError(what, text string, pos int, why string) error {
	return fmt.Errorf("%s %q, byte %d: %s", what, text, pos, why)
}

// noCap says that a text does not begin with a capability, and which was meant.
func noCap(text string) string {
	n := wordLen(text)
	switch {
	case text != "" && isDigit(text[0]):
		return "no capability has this number"
	case n == 0:
		return "a capability is missing here"
	}
	return unknownName(text[:n]).Error()
}

// textParser is how far ParseText has come. Its methods read on from pos and
// return what is wrong there, or "".
type textParser struct {
	text  string
	pos   int
	known Set
	epi   EPI
}

// peek is the next byte, 0 at the end.
func (p *textParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// operator consumes the next byte if it is an operator, else it is 0.
func (p *textParser) operator() byte {
	switch ch := p.peek(); ch {
	case '=', '+', '-':
		p.pos++
		return ch
	}
	return 0
}

// clause reads [list] operator flags [operator flags]... up to a blank.
// "=" clears the listed capabilities everywhere and then raises; it may be
// followed by no flags, and as first operator directly by another one.
// Without a list there is but a single "=".
func (p *textParser) clause() (why string) {
	list, listed := p.known, false
	if ch := p.peek(); isLetter(ch) || isDigit(ch) || ch == '_' {
		if list, why = p.list(); why != "" {
			return why
		}
		listed = true
	}
	op := p.operator()
	if op == 0 {
		return "one of = + - must stand here"
	}
	if op == '=' {
		p.epi.lower(flagsAll, list)
		if next := p.peek(); listed && (next == '+' || next == '-') {
			op = p.operator()
		}
	}
	for first := true; ; first = false {
		if !listed && op != '=' {
			p.pos--
			return "this operator needs a list before it"
		}
		if op == '=' && !first {
			p.pos--
			return "= must be the first operator"
		}
		if why := p.apply(op, list); why != "" {
			return why
		}
		if ch := p.peek(); ch == 0 || isBlank(ch) {
			return ""
		}
		if op = p.operator(); op == 0 {
			return "no flag (e, i, p), operator or blank"
		}
	}
}

// list reads names, numbers and "all" with commas between. As in libcap, "all"
// also takes back the numbers before it that the kernel doesn't have.
func (p *textParser) list() (list Set, why string) {
	for {
		rest := p.text[p.pos:]
		if n := wordLen(rest); equalFold(rest[:n], "all") {
			list = p.known
			p.pos += n
		} else {
			c, n, ok := lookup(rest)
			if !ok {
				return 0, noCap(rest)
			}
			list |= c.Set()
			p.pos += n
		}
		if p.peek() != ',' {
			return list, ""
		}
		p.pos++
	}
}

// apply reads flags and raises or lowers the list in the sets they name.
func (p *textParser) apply(op byte, list Set) (why string) {
	var f flags
	for {
		switch p.peek() {
		case 'e':
			f |= flagE
		case 'p':
			f |= flagP
		case 'i':
			f |= flagI
		default:
			if f == 0 && op != '=' {
				return "one of e i p must stand here"
			}
			if op == '-' {
				p.epi.lower(f, list)
			} else {
				p.epi.raise(f, list)
			}
			return ""
		}
		p.pos++
	}
}

func (e *EPI) raise(f flags, list Set) {
	e.Effective |= list & f.mask(flagE)
	e.Permitted |= list & f.mask(flagP)
	e.Inheritable |= list & f.mask(flagI)
}

func (e *EPI) lower(f flags, list Set) {
	e.Effective &^= list & f.mask(flagE)
	e.Permitted &^= list & f.mask(flagP)
	e.Inheritable &^= list & f.mask(flagI)
}

// mask is every capability if f has the flag, else none.
func (f flags) mask(flag flags) Set {
	if f&flag != 0 {
		return ^Set(0)
	}
	return 0
}

// AppendText appends e as libcap's cap_to_text writes it: the flags that most
// of the kernel's capabilities have, then those that differ, then the bits
// that the kernel doesn't have ("=ep cap_kill-e 63+p"). kernelBits is as in
// [ParseText].
func (e EPI) AppendText(b []byte, kernelBits int) []byte {
	known := First(kernelBits)
	most := e.mostCommon(known)
	start := len(b)
	b = append(b, '=')
	b = most.append(b)
	for f := flagsAll; ; f-- {
		if list := e.having(f) & known; list != 0 && f != most {
			b = appendClause(b, start, list, f, most)
		}
		if f == 0 {
			break
		}
	}
	for f := flagsAll; f > 0; f-- {
		if list := e.having(f) &^ known; list != 0 {
			b = append(b, ' ')
			b = list.AppendNames(b)
			b = append(b, '+')
			b = f.append(b)
		}
	}
	return b
}

// appendClause appends " list+raised-lowered", what leads from the flags that
// most have to f. The first clause after a bare "=", which begins at start,
// takes its place: "= x+p" is written "x=p".
func appendClause(b []byte, start int, list Set, f, most flags) []byte {
	raise := byte('+')
	if len(b) == start+1 {
		b, raise = b[:start], '='
	} else {
		b = append(b, ' ')
	}
	b = list.AppendNames(b)
	if up := f &^ most; up != 0 {
		b = append(b, raise)
		b = up.append(b)
	}
	if down := most &^ f; down != 0 {
		b = append(b, '-')
		b = down.append(b)
	}
	return b
}

// Text is e as libcap's cap_to_text writes it, see [EPI.AppendText].
func (e EPI) Text(kernelBits int) string {
	var buf [128]byte
	return string(e.AppendText(buf[:0], kernelBits))
}

// having is the capabilities that are in the sets that f names and in no other.
func (e EPI) having(f flags) Set {
	return ^((e.Effective ^ f.mask(flagE)) | (e.Permitted ^ f.mask(flagP)) | (e.Inheritable ^ f.mask(flagI)))
}

// mostCommon is the flags that most of the known capabilities have; of equally
// common ones, the smallest number.
func (e EPI) mostCommon(known Set) flags {
	most, count := flags(0), -1
	for f := range flagsAll + 1 {
		if n := (e.having(f) & known).Len(); n > count {
			most, count = f, n
		}
	}
	return most
}

// append appends the letters of f, in libcap's order.
func (f flags) append(b []byte) []byte {
	if f&flagE != 0 {
		b = append(b, 'e')
	}
	if f&flagI != 0 {
		b = append(b, 'i')
	}
	if f&flagP != 0 {
		b = append(b, 'p')
	}
	return b
}
