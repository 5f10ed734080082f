package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Prediction is what an execve of a file would lead to. Where the kernel refuses
// it, there is no outcome.
type Prediction struct {
	Version      int                `json:"version"`
	Path         string             `json:"path"`
	Interpreters []string           `json:"interpreters"`
	Before       State              `json:"before"`
	Refused      cred.Known[string] `json:"refused"`
	After        cred.Known[State]  `json:"after"`
	Secure       cred.Known[bool]   `json:"secure"`
	Rules        []string           `json:"rules"`
}

// NewPrediction is the document of an outcome, or of why the execve is refused.
func NewPrediction(before *cred.State, f *execve.File, o *execve.Outcome, refused *execve.Refused) Prediction {
	d := Prediction{Version: Version, Path: f.Path, Interpreters: list(f.Interpreters), Before: newState(before)}
	if refused != nil {
		d.Refused = cred.Is(refused.Error())
		return d
	}
	d.After, d.Secure, d.Rules = cred.Is(newState(&o.After)), cred.Is(o.Secure), ruleTexts(o.Rules)
	return d
}
