package render

import (
	"strconv"
	"strings"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
)

// Expectations appends a line for each expression that does not hold.
func Expectations(b []byte, verdicts []expect.Verdict) []byte {
	for _, v := range verdicts {
		if v.Result != expect.Holds {
			b = append(AppendEscaped(b, v.Message), '\n')
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
		b = append(b, strings.ReplaceAll(Escape(list[i].Text), "#", `\#`)...)
		b = append(b, '\n')
		if v.Result == expect.Holds {
			continue
		}
		var message JSON // a JSON string is a YAML one
		message.String(v.Message)
		b = append(append(b, "  ---\n  message: "...), message.Bytes()...)
		b = append(append(b, "\n  result: "...), v.Result.String()...)
		b = append(b, "\n  ...\n"...)
	}
	return b
}

// Expectations writes the verdicts on a process as an object.
func (j *JSON) Expectations(p *cred.Process, list []expect.Expr, verdicts []expect.Verdict) {
	all := true
	for _, v := range verdicts {
		all = all && v.Result == expect.Holds
	}
	j.BeginObject()
	j.Version()
	j.Key("pid").Int(int64(p.PID))
	j.Key("tid").Int(int64(p.TID))
	j.Key("holds").Bool(all)
	j.Key("expressions").BeginArray()
	for i, v := range verdicts {
		j.BeginObject()
		j.Key("expression").String(list[i].Text)
		j.Key("result").String(v.Result.String())
		j.Key("message").KnownString(cred.Known[string]{Value: v.Message, OK: v.Message != ""})
		j.EndObject()
	}
	j.EndArray()
	j.EndObject()
}
