package main

import (
	"errors"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// blame says why a step failed that the plan expected to be permitted. For a change
// of ids the reason is the user namespace, which is read only now: to read it at every
// start would cost more than all steps.
func blame(p *plan.Plan, err error) error {
	var failed *apply.Error
	if !errors.As(err, &failed) {
		return err
	}
	why := ""
	switch failed.Call {
	case "chdir":
		if failed.Errno == unix.EACCES {
			failed.Hint = denied(files.Here, failed.Object, "enter")
		}
		return failed
	case plan.Setgroups{}.Name():
		why = namespaceRule(p, failed)
		if why != "" {
			why += "; "
		}
		why += plan.KeepGroups
	case plan.Setresgid{}.Name(), plan.Setresuid{}.Name():
		why = namespaceRule(p, failed)
	case "fchown":
		why = "its owner may have no id in this user namespace, or its file system may be read-only; without --own-stdio its owner stays"
	case "prctl(PR_SET_SECUREBITS)":
		why = newBits(p)
	default:
		return err
	}
	// The step was planned with the capability that it needs, so that is not the reason.
	failed.Needs = 0
	if failed.Errno == unix.EPERM || failed.Errno == unix.EINVAL || failed.Call == "fchown" {
		failed.Hint = why
	}
	return failed
}

// namespaceRule is the rule of the user namespace that the plan breaks, or the one
// that it most likely breaks where /proc does not show that.
func namespaceRule(p *plan.Plan, failed *apply.Error) string {
	state := p.Before
	var err error
	if state.UserNS, err = procfs.IDMaps(); err != nil {
		return "whether the user namespace permits it is unknown: " + err.Error()
	}
	for _, s := range p.Changes() {
		var refused *plan.Failure
		if errors.As(s.Simulate(&state), &refused) {
			return refused.Why
		}
	}
	ns := &state.UserNS
	switch {
	case failed.Errno == unix.EPERM && failed.Call == plan.Setgroups{}.Name() && !ns.Setgroups.OK:
		return "most likely this user namespace denies setgroups; /proc does not show it"
	case failed.Errno == unix.EPERM && p.Before.Permitted&failed.Needs == 0:
		return "the ids look the same, but this user namespace does not map them"
	case failed.Errno == unix.EINVAL && !(ns.UIDMap.OK && ns.GIDMap.OK):
		return "most likely this user namespace has no such id; /proc does not show it"
	}
	return ""
}

// newBits are the securebits to be set that only Linux 6.14 and later have.
func newBits(p *plan.Plan) string {
	for _, s := range p.Steps {
		if set, ok := s.(plan.SetSecurebits); ok && set.Bits&plan.Securebits614 != 0 {
			return "this kernel may not know " + (set.Bits & plan.Securebits614).String()
		}
	}
	return ""
}
