package plan

import (
	"errors"
	"slices"

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
	// After is the command's state after the execve, by Rules; unknown where the
	// kernel would refuse the execve, or for the reason that Unforeseen gives.
	After      cred.Known[cred.State]
	Rules      execve.Rules
	Unforeseen string
	// Command is the file that After is about; without IDs where Foresee was not
	// called for one.
	Command execve.File
	// Warnings are sentences without a full stop, and so are Notes, which are about
	// differences without an effect.
	Warnings, Notes []string

	req  *Request
	keep caps.Set // the part of Request.Keep that is available
}

// Make plans how a thread in the state from starts a command as r asks; Foresee
// adds what the command will have. The error is a *[Lacking], or says which step the
// kernel would refuse for another reason.
func Make(from *cred.State, r *Request) (*Plan, error) {
	steps := make([]Step, 0, 16) // as many as most plans have
	b := &builder{Plan: Plan{Steps: steps, Before: *from, keep: r.Keep, req: r}, state: *from, want: r.target(), bits: r.securebits(from)}
	b.reach()
	b.build()
	switch {
	case b.err != nil:
		return nil, b.err
	case b.lacks.any():
		return nil, &b.lacks
	}
	b.Want = b.state
	b.warn()
	return &b.Plan, nil
}

// Changes are the steps to show: those that change something.
func (p *Plan) Changes() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool {
		_, again := s.(Again)
		return again
	})
}

// builder makes a plan: state is the state after the steps so far.
type builder struct {
	Plan
	state cred.State
	// want are the sets to have before the execve, cut to what is available.
	want cred.Sets
	// bits are the securebits to set, those from before where they stay.
	bits cred.Known[cred.Securebits]
	// lacks is what is missing so far, err why a step is impossible for another reason.
	lacks Lacking
	err   error
}

// do simulates a step and adds it. A capability that is missing is noted, and the
// step is simulated as if it were there: so all that is missing is found. After a step
// that fails nothing is added.
func (b *builder) do(s Step) {
	if b.err != nil {
		return
	}
	err := s.Simulate(&b.state)
	var f *Failure
	if errors.As(err, &f) && f.Needs != 0 {
		b.lacks.step(f)
		b.state.Effective |= f.Needs
		err = s.Simulate(&b.state)
		b.state.Effective &^= f.Needs
	}
	if b.err = err; err == nil {
		b.Steps = append(b.Steps, s)
	}
}

// newUID are the user ids that the command will have.
func (b *builder) newUID() cred.IDs { return newIDs(b.req.UID, b.state.UID) }

// reach cuts what is wanted to what is available. What is missing is noted, or with
// BestEffort is a warning for each reason.
func (b *builder) reach() {
	l := &b.lacks
	from, want := &b.state, &b.want
	l.add(want.Permitted&^from.Permitted, "keep %", "it is not in capset's permitted set")
	l.Keep = l.all()
	l.add(want.Inheritable&^(from.Inheritable|from.Bounding), "make % inheritable", "it is not in the bounding set")
	if !from.Permitted.Has(caps.Setpcap) {
		l.add(want.Inheritable&^(from.Inheritable|from.Permitted), "make % inheritable",
			"it is neither permitted nor inheritable now, so that needs CAP_SETPCAP")
	}
	l.add(want.Ambient&^(want.Permitted&want.Inheritable), "make % ambient", "it is not both permitted and inheritable")
	if b.req.Bounding.OK {
		l.add(want.Bounding&^from.Bounding, "add % to the bounding set", "it is not in the set now, and the set cannot grow")
	}
	b.reachAmbient(l)

	missing := l.all()
	if b.req.BestEffort {
		for _, g := range l.goals {
			b.warning("best effort: cannot " + g.String())
		}
		*l = Lacking{}
	}
	b.keep &^= missing
	want.Permitted &^= missing
	want.Effective &^= missing
	want.Inheritable &^= missing
	want.Ambient &^= missing
	want.Bounding &= from.Bounding
	if !b.req.Bounding.OK {
		want.Bounding &^= missing
	}
	b.reachBounding()
}

// reachAmbient checks whether anything can become ambient at all. Uid 0 may not
// need it: it gets its bounding and inheritable sets at the execve.
func (b *builder) reachAmbient(l *Lacking) {
	why := "this kernel has no ambient set"
	if b.state.AmbientSupported {
		if !b.state.Securebits.Value.Has(cred.NoCapAmbientRaise) {
			return
		}
		why = "securebit no_cap_ambient_raise is set"
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
	l.add(missing, "keep % through the execve", why)
}

// reachBounding checks whether the bounding set can shrink as far as wanted.
// Under no_new_privs it does not matter: no execve gains capabilities from it.
func (b *builder) reachBounding() {
	open := b.state.Bounding &^ b.want.Bounding
	if open == 0 || b.state.Permitted.Has(caps.Setpcap) {
		return
	}
	b.want.Bounding = b.state.Bounding
	if loose := b.req.AllowNewPrivs && !b.state.NoNewPrivs.Value; b.req.Bounding.OK || loose {
		b.lacks.step(&Failure{What: DropBounding{Set: open}.String(), Needs: caps.Setpcap.Set()})
		return
	}
	b.Notes = append(b.Notes, "the bounding set still has "+some(open)+
		": without CAP_SETPCAP it cannot shrink; no_new_privs makes that harmless")
}
