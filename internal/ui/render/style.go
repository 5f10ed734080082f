package render

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// style is how a piece of text looks on a terminal: the parameter of an SGR
// sequence (console_codes(4)).
type style string

// Colours are of the eight that every terminal has, with its own background.
const (
	stylePlain     style = ""
	styleHead      style = "1"  // bold
	styleDim       style = "2"  // faint
	styleFull      style = "31" // red: everything
	styleStrong    style = "33" // yellow: enough to get everything
	styleContainer style = "36"
	styleForeign   style = "35"
	styleMark      style = "33"
	styleGain      style = "1;31"
)

// holdingStyle is how the short form of sets looks. They count for less in a
// foreign user namespace.
func holdingStyle(s *cred.Sets, all caps.Set, foreign bool) style {
	held := s.Effective | s.Permitted
	switch {
	case held|s.Inheritable == 0:
		return styleDim
	case foreign:
		return styleForeign
	case (all &^ held).Len() <= 3:
		return styleFull
	}
	for c := range held.All() {
		if e, ok := catalog.Of(c); ok && e.Host == catalog.HostDirect {
			return styleStrong
		}
	}
	return stylePlain
}

// paint appends what text appends, in colour if there is any.
func paint(b []byte, color bool, s style, text func([]byte) []byte) []byte {
	if !color || s == stylePlain {
		return text(b)
	}
	b = append(append(append(b, "\x1b["...), s...), 'm')
	return append(text(b), "\x1b[0m"...)
}
