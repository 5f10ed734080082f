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

// TAP appends the verdicts on a process in the Test Anything Protocol, version 13, behind
// so many test points; each line names its process where there are several.
func TAP(b []byte, p *cred.Process, list []expect.Expr, verdicts []expect.Verdict, before int, several bool) []byte {
	for i, v := range verdicts {
		if v.Result != expect.Pass {
			b = append(b, "not "...)
		}
		b = fmt.Appendf(b, "ok %d - ", before+i+1)
		if several {
			b = append(b, about(p)+": "...)
		}
		// A # would begin a directive.
		b = fmt.Appendf(b, "%s\n", strings.ReplaceAll(term.Escape(list[i].Text), "#", `\#`))
		if v.Result != expect.Pass {
			message := schema.Append(nil, v.Message) // a JSON string is a YAML one
			b = fmt.Appendf(b, "  ---\n  message: %s  result: %s\n  ...\n", message, v.Result)
		}
	}
	return b
}
