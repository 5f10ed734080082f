package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
)

// Plan is what capset would do: --dry-run --json.
type Plan struct {
	Version       int                `json:"version"`
	Command       Command            `json:"command"`
	Steps         []Step             `json:"steps"`
	Before        State              `json:"before"`
	BeforeExec    State              `json:"before_exec"`
	After         cred.Known[State]  `json:"after"`
	Rules         []string           `json:"rules"`
	UnknownReason cred.Known[string] `json:"unknown_reason"`
	Notes         []string           `json:"notes"`
	Warnings      []string           `json:"warnings"`
}

// Command is what is to be started.
type Command struct {
	Path string   `json:"path"`
	Argv []string `json:"argv"`
	// Environment are the variables that capset changes, by name.
	Environment []Variable `json:"environment"`
}

// Variable is a variable of an environment before and after; unknown is unset.
type Variable struct {
	Name   string             `json:"name"`
	Before cred.Known[string] `json:"before"`
	After  cred.Known[string] `json:"after"`
}

// NewPlan is the document of a plan to start a command.
func NewPlan(p *plan.Plan, c Command) Plan {
	d := Plan{
		Version: Version, Command: Command{c.Path, list(c.Argv), list(c.Environment)}, Steps: []Step{},
		Before: newState(&p.Before), BeforeExec: newState(&p.Want),
		After: cred.Known[State]{Value: newState(&p.After.Value), OK: p.After.OK},
		Rules: ruleTexts(p.Rules), UnknownReason: nonEmpty(p.Unforeseen), Notes: list(p.Notes), Warnings: list(p.Warnings),
	}
	for _, s := range p.Changes() {
		d.Steps = append(d.Steps, Step{s})
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

// Step is a step of a plan: its name, its text, its operands.
type Step struct{ plan.Step }

// MarshalJSON is an object with the operands behind the members "step" and "text".
func (s Step) MarshalJSON() ([]byte, error) { return plan.MarshalStep(s.Step) }
