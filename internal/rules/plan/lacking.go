package plan

import (
	"strings"

	"capsh/internal/rules/caps"
)

// Lacking is the error of a request that cannot be met: all that is missing, at
// once.
type Lacking struct {
	// Keep are capabilities that were asked for and are not permitted, Steps those
	// without which the kernel would refuse a step.
	Keep, Steps caps.Set

	goals []goal
	steps []*Failure
	hint  string // shown where setgroups is the only step that needs CAP_SETGID
}

// goal is a set that is unavailable: what was to be done with it, "keep %", and why
// that is impossible.
type goal struct {
	do, why string
	set     caps.Set
}

// Needs are all capabilities that would have to be permitted.
func (l *Lacking) Needs() caps.Set { return l.Keep | l.Steps }

func (l *Lacking) any() bool { return len(l.goals)+len(l.steps) > 0 }

// all are the capabilities of all goals.
func (l *Lacking) all() (set caps.Set) {
	for _, g := range l.goals {
		set |= g.set
	}
	return set
}

// add notes the capabilities of a goal that were not noted yet.
func (l *Lacking) add(set caps.Set, do, why string) {
	if set &^= l.all(); set != 0 {
		l.goals = append(l.goals, goal{do, why, set})
	}
}

// step notes a step for which a capability is missing.
func (l *Lacking) step(f *Failure) {
	l.steps = append(l.steps, f)
	l.Steps |= f.Needs
}

// Error is one line: first what cannot be kept, then what is not permitted.
func (l *Lacking) Error() string {
	var list []string
	for _, g := range l.goals {
		list = append(list, "cannot "+g.String())
	}
	said := "not permitted: "
	for c := range l.Steps.All() {
		list = append(list, said+strings.Join(l.takes(c), ", ")+" (needs "+c.OCI()+")")
		said = ""
	}
	if l.hint != "" && len(l.takes(caps.Setgid)) == 1 {
		list = append(list, l.hint)
	}
	return strings.Join(list, "; ")
}

// takes are the steps for which a capability is missing.
func (l *Lacking) takes(c caps.Cap) (steps []string) {
	for _, f := range l.steps {
		if f.Needs.Has(c) {
			steps = append(steps, f.What)
		}
	}
	return steps
}

// String is "keep cap_net_raw: it is not in capset's permitted set".
func (g *goal) String() string {
	name, object, _ := strings.Cut(g.do, "%")
	it := "it is "
	if g.set.Len() > 1 {
		it = "they are "
	}
	return name + g.set.String() + object + ": " + strings.Replace(g.why, "it is ", it, 1)
}
