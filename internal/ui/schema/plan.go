package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
)

// Plan is what capset would do: --dry-run --json.
type Plan struct {
	Version    int                `json:"version"`
	Command    Command            `json:"command"`
	Steps      []any              `json:"steps"`
	Before     State              `json:"before"`
	BeforeExec State              `json:"before_exec"`
	After      cred.Known[State]  `json:"after"`
	Rules      []string           `json:"rules"`
	Unforeseen cred.Known[string] `json:"unforeseen"`
	Warnings   []string           `json:"warnings"`
}

// Command is what is to be started.
type Command struct {
	Path string   `json:"path"`
	Argv []string `json:"argv"`
}

// NewPlan is the document of a plan to start a command.
func NewPlan(p *plan.Plan, c Command) Plan {
	d := Plan{
		Version: Version, Command: Command{c.Path, list(c.Argv)}, Steps: []any{},
		Before: newState(&p.Before), BeforeExec: newState(&p.Want),
		After: cred.Known[State]{Value: newState(&p.After.Value), OK: p.After.OK},
		Rules: ruleTexts(p.Rules), Unforeseen: nonEmpty(p.Unforeseen), Warnings: list(p.Warnings),
	}
	for i := range p.Steps {
		d.Steps = append(d.Steps, newStep(&p.Steps[i]))
	}
	return d
}

func ruleTexts(rules execve.Rules) []string {
	texts := []string{}
	for r := range rules.All() {
		texts = append(texts, r.String())
	}
	return texts
}

// Step is what every step has; its operands follow.
type Step struct {
	Step string `json:"step"`
	Text string `json:"text"`
}

// newStep is a step with the operands of its kind.
func newStep(s *plan.Step) any {
	step := Step{s.Op.String(), s.String()}
	switch s.Op {
	case plan.Capset:
		return struct {
			Step
			Effective   []string `json:"effective"`
			Permitted   []string `json:"permitted"`
			Inheritable []string `json:"inheritable"`
		}{step, Names(s.Sets.Effective), Names(s.Sets.Permitted), Names(s.Sets.Inheritable)}
	case plan.DropBounding, plan.RaiseAmbient:
		return struct {
			Step
			Capabilities []string `json:"capabilities"`
		}{step, Names(s.Set)}
	case plan.Setgroups:
		return struct {
			Step
			Groups []uint32 `json:"groups"`
		}{step, list(s.Groups)}
	case plan.Setresuid, plan.Setresgid:
		return struct {
			Step
			Real      cred.Known[uint32] `json:"real"`
			Effective cred.Known[uint32] `json:"effective"`
			Saved     cred.Known[uint32] `json:"saved"`
		}{step, newID(s.IDs.Real), newID(s.IDs.Effective), newID(s.IDs.Saved)}
	case plan.SetSecurebits, plan.SetUmask, plan.SetDeathSignal, plan.SetPtracer:
		return struct {
			Step
			Value uint64 `json:"value"`
		}{step, s.Number}
	case plan.SetRlimit:
		return struct {
			Step
			Name string `json:"name"`
			Soft uint64 `json:"soft"`
			Hard uint64 `json:"hard"`
		}{step, s.Rlimit.Name, s.Rlimit.Soft, s.Rlimit.Hard}
	case plan.Chroot, plan.Chdir:
		return struct {
			Step
			Path string `json:"path"`
		}{step, s.Text}
	}
	return newConfinement(step, s)
}

// newID is unknown where the id stays.
func newID(id uint32) cred.Known[uint32] {
	return cred.Known[uint32]{Value: id, OK: id != cred.Unchanged}
}

// Right is what Landlock allows beneath a path.
type Right struct {
	Path   string   `json:"path"`
	Rights []string `json:"rights"`
}

// newConfinement is a step of those that come last.
func newConfinement(step Step, s *plan.Step) any {
	switch s.Op {
	case plan.SetAppArmor, plan.SetSELinux:
		return struct {
			Step
			Label string `json:"label"`
		}{step, s.Text}
	case plan.RestrictLandlock:
		rules := []Right{}
		for _, r := range s.Landlock.Rules {
			rules = append(rules, Right{r.Path, list(plan.RightNames(r.Access))})
		}
		return struct {
			Step
			Rights []string `json:"rights"`
			Rules  []Right  `json:"rules"`
		}{step, list(plan.RightNames(s.Landlock.Access)), rules}
	case plan.SetSignals:
		return struct {
			Step
			Ignore  []string `json:"ignore"`
			Default []string `json:"default"`
			Block   []string `json:"block"`
		}{step, list(plan.SignalNames(s.Signals.Ignore)), list(plan.SignalNames(s.Signals.Default)), list(plan.SignalNames(s.Signals.Block))}
	case plan.FilterSeccomp:
		return struct {
			Step
			Path         string `json:"path"`
			Instructions int    `json:"instructions"`
		}{step, s.Text, len(s.Filter) / 8} // struct sock_filter
	}
	return step
}
