package schema

import (
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Assessment writes it as an object: what capsh(1), "JSON", documents.
func (j *JSON) Assessment(p *cred.Process, a *container.Assessment) {
	j.BeginObject()
	j.Version()
	j.Key("pid").Int(int64(p.PID))
	j.Key("tid").Int(int64(p.TID))
	j.Key("name").name(p)
	j.Key("verdict").String(a.Verdict.String())
	j.Key("partial").Bool(a.Partial())
	j.Key("contained").KnownBool(a.Contained)
	j.Key("container").container(a.Container)
	j.Key("evidence").strings(a.Evidence)
	j.Key("default").runtimeDefault(a.Default)
	j.Key("reach").Set(a.Reach)
	j.Key("findings").BeginArray()
	for _, f := range a.Findings {
		j.finding(f)
	}
	j.EndArray()
	j.EndObject()
}

// container writes a container as an object, null for none.
func (j *JSON) container(c container.Container) {
	if c == (container.Container{}) {
		j.Null()
		return
	}
	word := func(key, value string) {
		j.Key(key).KnownString(cred.Known[string]{Value: value, OK: value != ""})
	}
	j.BeginObject()
	word("runtime", c.Runtime)
	word("id", c.ID)
	word("pod_uid", c.PodUID)
	j.EndObject()
}

func (j *JSON) finding(f container.Finding) {
	j.BeginObject()
	j.Key("id").String(f.ID)
	j.Key("severity").String(f.Severity.String())
	j.Key("evidence").String(f.Evidence)
	j.Key("meaning").String(f.Meaning)
	j.Key("capabilities").BeginArray()
	for c := range f.Caps.All() {
		e, named := catalog.Of(c)
		j.BeginObject()
		j.Key("name").String(c.OCI())
		j.Key("host").KnownString(cred.Known[string]{Value: e.Host.String(), OK: named})
		j.Key("brief").KnownString(cred.Known[string]{Value: e.Brief, OK: named})
		j.EndObject()
	}
	j.EndArray()
	j.EndObject()
}
