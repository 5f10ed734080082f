package schema

import "capsh/internal/rules/catalog"

// DefaultsJSON writes an object with one member "defaults".
func DefaultsJSON(j *JSON, list []catalog.RuntimeDefault) {
	j.BeginObject()
	j.Version()
	j.Key("defaults").BeginArray()
	for _, d := range list {
		j.runtimeDefault(d)
	}
	j.EndArray()
	j.EndObject()
}

func (j *JSON) runtimeDefault(d catalog.RuntimeDefault) {
	j.BeginObject()
	j.Key("runtime").String(d.Name)
	j.Key("capabilities").Set(d.Set)
	j.Key("mask").Hex(d.Set)
	j.Key("seen_in").String(d.Version)
	j.Key("source").String(d.Source)
	j.Key("note").String(d.Note)
	j.EndObject()
}
