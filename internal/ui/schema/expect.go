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
	Holds       bool         `json:"holds"`
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
	d := Expectations{Version: Version, PID: p.PID, TID: p.TID, Holds: true, Expressions: []Expression{}}
	for i, v := range verdicts {
		d.Holds = d.Holds && v.Result == expect.Holds
		d.Expressions = append(d.Expressions, Expression{list[i].Text, v.Result.String(), nonEmpty(v.Message)})
	}
	return d
}
