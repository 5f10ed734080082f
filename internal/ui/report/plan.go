package report

import (
	"strconv"

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
		b = appendNumber(b, i+1)
		b = term.AppendEscaped(b, p.Steps[i].String())
		b = append(b, '\n')
	}
	b = appendNumber(b, len(p.Steps)+1)
	b = term.AppendEscaped(append(b, "execve "...), c.Path)
	b = appendState(append(b, "\nbefore the execve\n"...), &p.Want)
	b = append(b, "after the execve\n"...)
	switch {
	case p.After.OK:
		b = appendState(b, &p.After.Value)
		for r := range p.Rules.All() {
			b = append(append(append(b, "  by          "...), r.String()...), '\n')
		}
	case p.Unforeseen != "":
		b = append(append(append(b, "  not known: "...), term.Escape(p.Unforeseen)...), '\n')
	default:
		b = append(b, "  nothing: it would be refused\n"...)
	}
	for _, w := range p.Warnings {
		b = append(append(b, "warning: "...), term.Escape(w)...)
		b = append(b, '\n')
	}
	return b
}

// appendNumber appends a step's number in four columns.
func appendNumber(b []byte, n int) []byte {
	if n < 10 {
		b = append(b, ' ')
	}
	return append(strconv.AppendInt(append(b, ' '), int64(n), 10), ' ')
}

// appendState appends the lines of one state.
func appendState(b []byte, s *cred.State) []byte {
	line := func(name, text string) {
		b = append(append(b, "  "...), name...)
		for range 12 - len(name) {
			b = append(b, ' ')
		}
		b = append(append(b, text...), '\n')
	}
	line("user", plan.IDText(s.UID))
	line("group", plan.IDText(s.GID))
	line("groups", plan.IDList(s.Groups))
	line("effective", plan.Names(s.Effective))
	line("permitted", plan.Names(s.Permitted))
	line("inheritable", plan.Names(s.Inheritable))
	line("bounding", plan.Names(s.Bounding))
	if s.AmbientSupported {
		line("ambient", plan.Names(s.Ambient))
	} else {
		line("ambient", "unsupported")
	}
	line("securebits", knownText(s.Securebits, cred.Securebits.String))
	line("new privs", knownText(s.NoNewPrivs, func(off bool) string {
		if off {
			return "off (no_new_privs)"
		}
		return "allowed"
	}))
	return b
}

func knownText[T any](v cred.Known[T], text func(T) string) string {
	if !v.OK {
		return "unknown"
	}
	return text(v.Value)
}
