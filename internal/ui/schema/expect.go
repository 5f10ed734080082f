package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
)

// Expectations is whether a process is as expected.
type Expectations struct {
	Version     int          `json:"version"`
	PID         int          `json:"pid"`
	TID         int          `json:"tid"`
	Passed      bool         `json:"passed"`
	Expressions []Expression `json:"expressions"`
}

// Expression is one expectation and what came of it.
type Expression struct {
	Expression string             `json:"expression"`
	Result     string             `json:"result"`
	Message    cred.Known[string] `json:"message"`
}

// NewExpectations is the document of the verdicts on a process, one for each
// expression.
func NewExpectations(p *cred.Process, list []expect.Expr, verdicts []expect.Verdict) Expectations {
	d := Expectations{Version: Version, PID: p.PID, TID: p.TID, Passed: true, Expressions: []Expression{}}
	for i, v := range verdicts {
		d.Passed = d.Passed && v.Result == expect.Pass
		d.Expressions = append(d.Expressions, Expression{list[i].Text, v.Result.String(), nonEmpty(v.Message)})
	}
	return d
}
