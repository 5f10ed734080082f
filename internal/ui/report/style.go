// Package report is the text of each command: what a person reads. It is pure: it
// prints nothing and decides no exit status.
package report

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// The styles, by what they mean in lists of processes.
const (
	styleFull      = term.Red    // everything
	styleStrong    = term.Yellow // enough to get everything
	styleContainer = term.Cyan
	styleForeign   = term.Magenta
	styleMark      = term.Yellow
	styleGain      = term.BoldRed
)

// hostMark is how a capability is marked, in two columns, by what it gives of the
// host, and in which style.
func hostMark(h catalog.Host) (mark string, style term.Style) {
	switch {
	case h == catalog.HostDirect:
		return "!!", term.Red
	case h > catalog.HostPart:
		return " !", term.Yellow
	}
	return "  ", term.Plain
}

// setsStyle is the style of the short form of sets. They count for less in a
// foreign user namespace.
func setsStyle(s *cred.Sets, all caps.Set, foreign bool) term.Style {
	usable := s.Effective | s.Permitted
	switch {
	case usable|s.Inheritable == 0:
		return term.Dim
	case foreign:
		return styleForeign
	case (all &^ usable).Len() <= 3:
		return styleFull
	}
	for c := range usable.All() {
		if e, ok := catalog.Of(c); ok && e.Host == catalog.HostDirect {
			return styleStrong
		}
	}
	return term.Plain
}
