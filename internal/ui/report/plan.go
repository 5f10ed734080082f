package report

import (
	"fmt"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Plan appends a plan as text: the states and the steps between them, then the
// warnings.
func Plan(b []byte, p *plan.Plan, c *schema.Command) []byte {
	b = appendState(append(b, "before\n"...), &p.Before)
	b = append(b, "steps\n"...)
	for i := range p.Steps {
		b = fmt.Appendf(b, " %2d %s\n", i+1, term.Escape(p.Steps[i].String()))
	}
	b = fmt.Appendf(b, " %2d execve %s\n", len(p.Steps)+1, term.Escape(c.Path))
	b = appendState(append(b, "before the execve\n"...), &p.Want)
	b = append(b, "after the execve\n"...)
	switch {
	case p.After.OK:
		b = appendState(b, &p.After.Value)
		for r := range p.Rules.All() {
			b = fmt.Appendf(b, "  by          %s\n", r)
		}
	case p.Unforeseen != "":
		b = fmt.Appendf(b, "  not known: %s\n", term.Escape(p.Unforeseen))
	default:
		b = append(b, "  nothing: it would be refused\n"...)
	}
	for _, n := range p.Notes {
		b = fmt.Appendf(b, "note: %s\n", term.Escape(n))
	}
	for _, w := range p.Warnings {
		b = fmt.Appendf(b, "warning: %s\n", term.Escape(w))
	}
	return b
}

// appendState appends the lines of one state.
func appendState(b []byte, s *cred.State) []byte {
	ambient := "unsupported"
	if s.AmbientSupported {
		ambient = plan.Names(s.Ambient)
	}
	for _, line := range [...]struct{ name, text string }{
		{"user", s.UID.Text(cred.IDText)},
		{"group", s.GID.Text(cred.IDText)},
		{"groups", plan.IDList(s.Groups)},
		{"effective", plan.Names(s.Effective)},
		{"permitted", plan.Names(s.Permitted)},
		{"inheritable", plan.Names(s.Inheritable)},
		{"bounding", plan.Names(s.Bounding)},
		{"ambient", ambient},
		{"securebits", knownText(s.Securebits, cred.Securebits.String)},
		{"new privs", knownText(s.NoNewPrivs, newPrivsText)},
	} {
		b = fmt.Appendf(b, "  %-12s%s\n", line.name, line.text)
	}
	return b
}

func newPrivsText(off bool) string {
	if off {
		return "off (no_new_privs)"
	}
	return "allowed"
}

func knownText[T any](v cred.Known[T], text func(T) string) string {
	if !v.OK {
		return "unknown"
	}
	return text(v.Value)
}
