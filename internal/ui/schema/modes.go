package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Decoded writes a mask and the names of its bits as an object.
func (j *JSON) Decoded(set caps.Set) {
	j.BeginObject()
	j.Version()
	j.Key("mask").Hex(set)
	j.Key("capabilities").Set(set)
	j.EndObject()
}

// Mode writes the mode of a process as an object.
func (j *JSON) Mode(p *cred.Process, mode cred.Known[cred.Mode]) {
	j.BeginObject()
	j.Version()
	j.Key("pid").Int(int64(p.PID))
	j.Key("tid").Int(int64(p.TID))
	j.mode(mode)
	j.EndObject()
}

// mode writes the member "mode".
func (j *JSON) mode(mode cred.Known[cred.Mode]) {
	j.Key("mode")
	if mode.OK {
		j.String(mode.Value.String())
	} else {
		j.Null()
	}
}

// Modes writes a list of modes as an object.
func (j *JSON) Modes(list []cred.Mode) {
	j.BeginObject()
	j.Version()
	j.Key("modes").BeginArray()
	for _, m := range list {
		j.String(m.String())
	}
	j.EndArray()
	j.EndObject()
}
