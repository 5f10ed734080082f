package main

import (
	"errors"

	"capsh/internal/apply"
	"capsh/internal/cred"
	"capsh/internal/plan"
	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// blame says why a step failed that the plan holds for permitted. For a change of
// ids that is the user namespace, which is read only now: at every start it would
// cost more than all steps.
func blame(p *plan.Plan, err error) error {
	var failed *apply.Error
	if !errors.As(err, &failed) {
		return err
	}
	why := ""
	switch failed.Call {
	case plan.Setgroups.String(), plan.Setresgid.String(), plan.Setresuid.String():
		why = namespaceRule(p)
	case "prctl(PR_SET_SECUREBITS)":
		why = newBits(p)
	default:
		return err
	}
	// The step was planned with the capability that it needs.
	failed.Needs = 0
	if why == "" || failed.Errno != unix.EPERM && failed.Errno != unix.EINVAL {
		return failed
	}
	return errors.New(failed.Error() + " (" + why + ")")
}

// namespaceRule is the rule of the user namespace that the plan breaks.
func namespaceRule(p *plan.Plan) string {
	state := p.Before
	var err error
	if state.UserNS, err = probe.SelfUserNS(); err != nil {
		return "whether the user namespace permits it is unknown: " + err.Error()
	}
	for i := range p.Steps {
		var refused *plan.Failure
		if errors.As(p.Steps[i].Simulate(&state), &refused) {
			return refused.Why
		}
	}
	return ""
}

// newBits are the securebits to be set that only Linux 6.14 and later have.
func newBits(p *plan.Plan) string {
	const since614 = cred.ExecRestrictFile | cred.ExecRestrictFileLocked | cred.ExecDenyInteractive | cred.ExecDenyInteractiveLocked
	for i := range p.Steps {
		if bits := cred.Securebits(p.Steps[i].Number) & since614; p.Steps[i].Op == plan.SetSecurebits && bits != 0 {
			return "this kernel may not know " + bits.String()
		}
	}
	return ""
}
