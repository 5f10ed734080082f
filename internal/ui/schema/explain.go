package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// ExplainJSON writes an object with one member "capabilities": for each of list
// what the catalogue says, and whether a kernel with kernelBits capabilities
// has it. What is not known of a bit without a name is null.
func ExplainJSON(j *JSON, list []caps.Cap, kernelBits int) {
	j.BeginObject()
	j.Version()
	j.Key("capabilities").BeginArray()
	for _, c := range list {
		j.capability(c, kernelBits)
	}
	j.EndArray()
	j.EndObject()
}

func (j *JSON) capability(c caps.Cap, kernelBits int) {
	e, named := catalog.Of(c)
	text := func(key, value string) {
		j.Key(key).KnownString(cred.Known[string]{Value: value, OK: named})
	}
	j.BeginObject()
	j.Key("name").String(c.OCI())
	j.Key("number").Uint(uint64(c))
	j.Key("mask").Hex(c.Set())
	j.Key("supported").Bool(int(c) < kernelBits)
	j.Key("docker_default").Bool(catalog.DockerDefault.Has(c))
	text("cap_add", c.AddWord())
	text("since", e.Since)
	text("brief", e.Brief)
	j.Key("permits")
	if named {
		j.strings(e.Permits)
	} else {
		j.Null()
	}
	text("use", e.Use)
	text("danger", e.Danger)
	text("host", e.Host.String())
	j.EndObject()
}
