package expect

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// capSet is one of the five sets.
type capSet struct {
	name string
	of   func(s *cred.Sets) caps.Set
}

// setOf finds a set by its name.
func setOf(name string) (capSet, bool) {
	switch name {
	case "eff", "effective":
		return capSet{"effective", func(s *cred.Sets) caps.Set { return s.Effective }}, true
	case "prm", "permitted":
		return capSet{"permitted", func(s *cred.Sets) caps.Set { return s.Permitted }}, true
	case "inh", "inheritable":
		return capSet{"inheritable", func(s *cred.Sets) caps.Set { return s.Inheritable }}, true
	case "bnd", "bounding":
		return capSet{"bounding", func(s *cred.Sets) caps.Set { return s.Bounding }}, true
	case "amb", "ambient": // empty where the kernel has none
		return capSet{"ambient", func(s *cred.Sets) caps.Set { return s.Ambient }}, true
	}
	return capSet{}, false
}

func (w *World) capSet(s capSet, op operator, value string) (judge, error) {
	if value == "0" { // a mask in /proc/PID/status, a number here
		return nil, errors.New(`0 is the number of cap_chown; the empty set is "none"`)
	}
	want, err := w.capList(value)
	if err != nil {
		return nil, err
	}
	if want == 0 {
		value = ""
	}
	return func(p *cred.Process) Verdict {
		is, all := s.of(&p.Sets), caps.First(w.Bits)
		d := difference{subject: s.name, extra: brief(is&^want, all), missing: brief(want&^is, all), common: brief(is&want, all), value: value}
		d.shorten(op, is, want, all)
		return d.compare(op)
	}, nil
}

// brief is the names of capabilities or, where these are less than half as many, of those
// that are missing to all.
func brief(s, all caps.Set) string {
	rest := all &^ s
	if s&^all != 0 || 2*rest.Len() >= s.Len() {
		return list(s)
	}
	return strings.TrimSuffix("all but "+list(rest), " but ")
}

// shorten counts the capabilities of a long list and says in few words what the set
// has instead, where that is possible: "has all capabilities, 40 beyond kill".
func (d *difference) shorten(op operator, is, want, all caps.Set) {
	const many, few = 6, 3
	var words string
	switch rest := all &^ is; {
	case is == 0:
		words = "is empty"
	case is.Len() <= few:
		words = "has only " + list(is)
	case is == all:
		words = "has all capabilities"
	case is&^all == 0 && rest.Len() <= few:
		words = "has all capabilities but " + list(rest)
	default:
		return
	}
	if n := (is &^ want).Len(); n > many && op.limits() {
		d.extra, d.is = "", words
		if d.value != "" {
			d.is += fmt.Sprintf(", %d beyond %s", n, d.value)
		}
	}
	if n := (want &^ is).Len(); n > many && op.demands() {
		d.missing, d.is = fmt.Sprintf("%d capabilities", n), cmp.Or(d.is, words)
	}
}

// capList reads a list of capabilities in which the names of runtimes stand for
// their defaults.
func (w *World) capList(text string) (caps.Set, error) {
	var set caps.Set
	var rest []string
	for item := range strings.SplitSeq(text, ",") {
		if of, ok := catalog.Default(item); ok {
			set |= of
		} else {
			rest = append(rest, item)
		}
	}
	if len(rest) == 0 {
		return set, nil
	}
	more, err := caps.ParseList(strings.Join(rest, ","), caps.First(w.Bits))
	if err == nil && more == 0 && strings.Contains(text, ",") {
		err = errors.New(`"none" must stand alone`)
	}
	return set | more, err
}
