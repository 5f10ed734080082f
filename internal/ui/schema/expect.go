package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
)

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
