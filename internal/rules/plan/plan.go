package plan

import (
	"errors"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Plan is how a command is to be started.
type Plan struct {
	// Steps are to be done in order; the execve follows.
	Steps []Step
	// Before is the state now, Want the one right before the execve.
	Before, Want cred.State
	// After is what the command will hold, by Rules; unknown where the kernel
	// would refuse the execve, or for the reason that Unforeseen gives.
	After      cred.Known[cred.State]
	Rules      execve.Rules
	Unforeseen string
	// Command is the file that After speaks of; without IDs where none was
	// foreseen.
	Command execve.File
	// Warnings are sentences without a full stop.
	Warnings []string

	keep    caps.Set // what of Request.Keep can be had
	asked   caps.Set // Request.Permitted
	loose   bool     // Request.AllowNewPrivs
	lenient bool     // Request.AllowMismatch
}

// Make plans how a thread that holds from starts a command as r asks; Foresee
// adds what the command will hold. The error says which step the kernel would
// refuse or which capability cannot be had.
func Make(from *cred.State, r *Request) (*Plan, error) {
	b := &builder{req: r, state: *from, want: r.target(), bits: r.securebits(from)}
	p := &b.plan
	*p = Plan{Steps: b.room[:0], Before: *from, keep: r.Keep, asked: r.Permitted.Value, loose: r.AllowNewPrivs, lenient: r.AllowMismatch}
	if err := b.reach(); err != nil {
		return nil, err
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	p.Want = b.state
	b.warn()
	return p, nil
}

// builder makes a plan: state is what the steps so far lead to.
type builder struct {
	plan Plan
	// room is for the steps of most plans: one piece of memory with the rest
	// costs a start less than two.
	room  [12]Step
	req   *Request
	state cred.State
	// want are the sets to have before the execve, cut to what can be had.
	want cred.Sets
	// bits are the securebits to set, those from before where they stay.
	bits cred.Known[cred.Securebits]
}

func (b *builder) warning(text string) { b.plan.warning(text) }

// do simulates a step and adds it.
func (b *builder) do(s Step) error {
	if err := s.Simulate(&b.state); err != nil {
		return err
	}
	b.plan.Steps = append(b.plan.Steps, s)
	return nil
}

// newUID are the user ids to have.
func (b *builder) newUID() cred.IDs { return newIDs(b.req.UID, b.state.UID) }

// lacking are capabilities that cannot be had, each group with its reason.
type lacking struct {
	reasons []string
	sets    []caps.Set
	all     caps.Set
}

// add notes those that were not noted yet.
func (l *lacking) add(set caps.Set, why string) {
	if set &^= l.all; set != 0 {
		l.sets, l.reasons, l.all = append(l.sets, set), append(l.reasons, why), l.all|set
	}
}

// err is one line for all.
func (l *lacking) err() error {
	text := "cannot be had: "
	for i, set := range l.sets {
		if i > 0 {
			text += "; "
		}
		text += set.String() + " " + l.reasons[i]
	}
	return errors.New(text)
}

// reach cuts what is wanted to what can be had. What is missing is an error, or
// with BestEffort a warning each.
func (b *builder) reach() error {
	var l lacking
	from, want := &b.state, &b.want
	l.add(want.Permitted&^from.Permitted, "(not in the permitted set)")
	l.add(want.Inheritable&^(from.Inheritable|from.Bounding),
		"(not in the bounding set, so it cannot become inheritable)")
	if !from.Permitted.Has(caps.Setpcap) {
		l.add(want.Inheritable&^(from.Inheritable|from.Permitted),
			"(neither permitted nor inheritable, and without CAP_SETPCAP nothing else becomes inheritable)")
	}
	l.add(want.Ambient&^(want.Permitted&want.Inheritable), "(ambient, but not permitted and inheritable as well)")
	if b.req.Bounding.OK {
		l.add(want.Bounding&^from.Bounding, "(not in the bounding set, which cannot grow)")
	}
	b.reachAmbient(&l)

	if l.all != 0 && !b.req.BestEffort {
		return l.err()
	}
	for i, set := range l.sets {
		for c := range set.All() {
			b.warning("going without " + c.String() + " " + l.reasons[i])
		}
	}
	b.plan.keep &^= l.all
	want.Permitted &^= l.all
	want.Effective &^= l.all
	want.Inheritable &^= l.all
	want.Ambient &^= l.all
	want.Bounding &= from.Bounding
	if !b.req.Bounding.OK {
		want.Bounding &^= l.all
	}
	return b.reachBounding()
}

// reachAmbient looks at whether anything can become ambient at all. Uid 0 may do
// without: it gets its bounding and inheritable sets at the execve.
func (b *builder) reachAmbient(l *lacking) {
	why := "(this kernel has no ambient set to keep it through the execve)"
	if b.state.AmbientSupported {
		if !b.state.Securebits.Value.Has(cred.NoCapAmbientRaise) {
			return
		}
		why = "(securebit no_cap_ambient_raise is set, so it cannot be kept through the execve)"
	}
	stays := b.state.Ambient
	if leavesRoot(b.state.UID, b.newUID()) && !b.state.Securebits.Value.Has(cred.NoSetuidFixup) {
		stays = 0
	}
	missing := b.want.Ambient &^ stays
	if !b.req.Ambient.OK && b.newUID().Effective == 0 && !b.bits.Value.Has(cred.NoRoot) {
		b.want.Ambient &^= missing
		return
	}
	l.add(missing, why)
}

// reachBounding looks at whether the bounding set can shrink as far as wanted.
// Without new privileges it matters to nobody: nothing comes out of it.
func (b *builder) reachBounding() error {
	open := b.state.Bounding &^ b.want.Bounding
	if open == 0 || b.state.Permitted.Has(caps.Setpcap) {
		return nil
	}
	const why = "the bounding set cannot shrink: CAP_SETPCAP is not in the permitted set"
	loose := b.req.AllowNewPrivs && !b.state.NoNewPrivs.Value
	if b.req.Bounding.OK || loose {
		return errors.New(why)
	}
	b.want.Bounding = b.state.Bounding
	b.warning(why + ", so it still has " + Names(open))
	return nil
}
