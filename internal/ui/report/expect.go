package report

import (
	"strconv"
	"strings"

	"capsh/internal/rules/expect"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Expectations appends a line for each expression that does not hold.
func Expectations(b []byte, verdicts []expect.Verdict) []byte {
	for _, v := range verdicts {
		if v.Result != expect.Holds {
			b = append(term.AppendEscaped(b, v.Message), '\n')
		}
	}
	return b
}

// TAP appends the verdicts in the Test Anything Protocol, version 13.
func TAP(b []byte, list []expect.Expr, verdicts []expect.Verdict) []byte {
	b = append(b, "TAP version 13\n1.."...)
	b = append(strconv.AppendInt(b, int64(len(list)), 10), '\n')
	for i, v := range verdicts {
		if v.Result != expect.Holds {
			b = append(b, "not "...)
		}
		b = append(strconv.AppendInt(append(b, "ok "...), int64(i+1), 10), " - "...)
		// A # would begin a directive.
		b = append(b, strings.ReplaceAll(term.Escape(list[i].Text), "#", `\#`)...)
		b = append(b, '\n')
		if v.Result == expect.Holds {
			continue
		}
		var message schema.JSON // a JSON string is a YAML one
		message.String(v.Message)
		b = append(append(b, "  ---\n  message: "...), message.Bytes()...)
		b = append(append(b, "\n  result: "...), v.Result.String()...)
		b = append(b, "\n  ...\n"...)
	}
	return b
}
