package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Predict writes the outcome of an execve as an object. Where the kernel refuses
// it there is no outcome.
func (j *JSON) Predict(before *cred.State, f *execve.File, o *execve.Outcome, refused *execve.Refused) {
	j.BeginObject()
	j.Version()
	j.Key("path").String(f.Path)
	j.Key("interpreters").strings(f.Interpreters)
	j.Key("before").stateObject(before)
	j.Key("refused")
	if refused != nil {
		j.String(refused.Error())
		for _, member := range []string{"after", "secure", "rules"} {
			j.Key(member).Null()
		}
		j.EndObject()
		return
	}
	j.Null()
	j.Key("after").stateObject(&o.After)
	j.Key("secure").Bool(o.Secure)
	j.Key("rules").BeginArray()
	for r := range o.Rules.All() {
		j.String(r.String())
	}
	j.EndArray()
	j.EndObject()
}
