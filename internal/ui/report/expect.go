package report

import (
	"fmt"
	"strings"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Expectations appends a line for each expression that is not true of a process,
// which is named where there are several.
func Expectations(b []byte, p *cred.Process, verdicts []expect.Verdict, several bool) []byte {
	for _, v := range verdicts {
		if v.Result == expect.Pass {
			continue
		}
		if several {
			b = append(b, about(p)+": "...)
		}
		b = append(term.AppendEscaped(b, v.Message), '\n')
	}
	return b
}

// about names a process as messages do: "process 1", "process 1/2".
func about(p *cred.Process) string {
	return "process " + cred.ThreadID{PID: p.PID, TID: p.TID}.String()
}

// TAP is verdicts in the Test Anything Protocol, version 13.
type TAP struct {
	// Several says that each line is to name its process.
	Several bool
	count   int
	lines   []byte
}

// Append appends the report.
func (t *TAP) Append(b []byte) []byte {
	return append(fmt.Appendf(b, "TAP version 13\n1..%d\n", t.count), t.lines...)
}

// Add adds the verdicts on a process.
func (t *TAP) Add(p *cred.Process, list []expect.Expr, verdicts []expect.Verdict) {
	b := t.lines
	for i, v := range verdicts {
		t.count++
		if v.Result != expect.Pass {
			b = append(b, "not "...)
		}
		b = fmt.Appendf(b, "ok %d - ", t.count)
		if t.Several {
			b = append(b, about(p)+": "...)
		}
		// A # would begin a directive.
		b = append(b, strings.ReplaceAll(term.Escape(list[i].Text), "#", `\#`)...)
		b = append(b, '\n')
		if v.Result == expect.Pass {
			continue
		}
		message := strings.TrimSuffix(string(schema.Append(nil, v.Message)), "\n") // a JSON string is a YAML one
		b = append(append(b, "  ---\n  message: "...), message...)
		b = append(append(b, "\n  result: "...), v.Result.String()...)
		b = append(b, "\n  ...\n"...)
	}
	t.lines = b
}
