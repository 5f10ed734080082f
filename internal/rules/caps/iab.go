package caps

// IAB is what libcap's IAB text writes ("!cap_chown,^cap_net_raw"): the
// inheritable and ambient sets and, as Dropped, what the bounding set lacks.
type IAB struct{ Inheritable, Ambient, Dropped Set }

// ParseIAB reads IAB text as libcap's cap_iab_from_text does: names and numbers
// with commas between, each after any of the prefixes ! (dropped), ^ (ambient
// and inheritable) and % (inheritable, as without a prefix). Prefixes without
// a name, or nothing, may end the text.
func ParseIAB(text string) (IAB, error) {
	var iab IAB
	for pos := 0; pos < len(text); {
		prefixes := text[pos:]
		for pos < len(text) && isIABPrefix(text[pos]) {
			pos++
		}
		if pos == len(text) {
			break
		}
		prefixes = prefixes[:len(prefixes)-len(text[pos:])]
		c, n, ok := lookup(text[pos:])
		if !ok {
			return IAB{}, textError("IAB text", text, pos, noCap(text[pos:]))
		}
		iab.add(c, prefixes)
		if pos += n; pos == len(text) {
			break
		}
		if text[pos] != ',' {
			return IAB{}, textError("IAB text", text, pos, "a comma must stand here")
		}
		pos++
	}
	return iab, nil
}

func isIABPrefix(ch byte) bool { return ch == '!' || ch == '^' || ch == '%' }

// add puts c where the prefixes say.
func (s *IAB) add(c Cap, prefixes string) {
	if prefixes == "" {
		s.Inheritable |= c.Set()
	}
	for i := range len(prefixes) {
		switch prefixes[i] {
		case '!':
			s.Dropped |= c.Set()
		case '^':
			s.Ambient |= c.Set()
			s.Inheritable |= c.Set()
		case '%':
			s.Inheritable |= c.Set()
		}
	}
}

// AppendText appends s as libcap's cap_iab_to_text writes it. As there, what
// the kernel doesn't have is left out: kernelBits, 0 to [MaxBits], is how many
// capabilities it has.
func (s IAB) AppendText(b []byte, kernelBits int) []byte {
	sep := false
	for c := range ((s.Inheritable | s.Ambient | s.Dropped) & First(kernelBits)).All() {
		if sep {
			b = append(b, ',')
		}
		sep = true
		if s.Dropped.Has(c) {
			b = append(b, '!')
		}
		if s.Ambient.Has(c) {
			b = append(b, '^')
		} else if s.Dropped.Has(c) && s.Inheritable.Has(c) {
			b = append(b, '%')
		}
		b = c.Set().AppendNames(b)
	}
	return b
}
