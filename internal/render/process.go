package render

import (
	"capsh/internal/caps"
	"capsh/internal/cred"
)

// SchemaVersion is the "version" member of every JSON text; it changes when a
// member goes or changes its meaning, not when one is added.
const SchemaVersion = 1

// Version writes the member "version".
func (j *JSON) Version() {
	j.Key("version")
	j.Uint(SchemaVersion)
}

// Process writes a thread as an object: what capsh(1), "JSON", documents.
func (j *JSON) Process(p *cred.Process, k Kernel) {
	j.BeginObject()
	j.Version()
	j.identity(p)
	j.state(&p.State)
	j.Key("seccomp")
	if p.Seccomp.OK {
		j.String(p.Seccomp.Value.String())
	} else {
		j.Null()
	}
	j.Key("label")
	j.KnownString(p.Label)
	j.Key("user_namespace")
	j.userNS(&p.UserNS)
	j.mode(Mode(&p.State, k))
	j.Key("differing_threads")
	j.differing(p)
	j.EndObject()
}

// differing writes the threads that hold something else than p; null where
// they were not read.
func (j *JSON) differing(p *cred.Process) {
	if !p.ThreadsRead {
		j.Null()
		return
	}
	j.BeginArray()
	for i := range p.Differing {
		t := &p.Differing[i]
		j.BeginObject()
		j.identity(t)
		j.state(&t.State)
		j.EndObject()
	}
	j.EndArray()
}

// identity writes the members that say which thread it is.
func (j *JSON) identity(p *cred.Process) {
	j.Key("pid")
	j.Int(int64(p.PID))
	j.Key("tid")
	j.Int(int64(p.TID))
	j.Key("ppid")
	j.positive(p.PPID)
	j.Key("name")
	j.String(p.Name)
	j.Key("state")
	if p.RunState != 0 {
		j.String(string(rune(p.RunState)))
	} else {
		j.Null()
	}
	j.Key("threads")
	j.positive(p.Threads)
	j.Key("nspid")
	j.BeginArray()
	for _, id := range p.NSPID {
		j.Int(int64(id))
	}
	j.EndArray()
}

// positive writes a number that is 0 where it is not known.
func (j *JSON) positive(n int) {
	if n > 0 {
		j.Int(int64(n))
	} else {
		j.Null()
	}
}

// state writes the members of credentials: ids, sets, securebits.
func (j *JSON) state(s *cred.State) {
	j.Key("uid")
	j.ids(s.UID)
	j.Key("gid")
	j.ids(s.GID)
	j.Key("groups")
	j.BeginArray()
	for _, gid := range s.Groups {
		j.Uint(uint64(gid))
	}
	j.EndArray()
	j.Key("capabilities")
	j.sets(s, j.Set)
	j.Key("masks")
	j.sets(s, j.Hex)
	j.Key("securebits")
	j.securebits(s.Securebits)
	j.Key("no_new_privs")
	j.KnownBool(s.NoNewPrivs)
}

func (j *JSON) ids(id cred.IDs) {
	j.BeginObject()
	j.Key("real")
	j.Uint(uint64(id.Real))
	j.Key("effective")
	j.Uint(uint64(id.Effective))
	j.Key("saved")
	j.Uint(uint64(id.Saved))
	j.Key("fs")
	j.Uint(uint64(id.FS))
	j.EndObject()
}

// sets writes the five sets in the order and with the names of the OCI runtime
// spec; ambient is null where the kernel has none.
func (j *JSON) sets(s *cred.State, set func(caps.Set)) {
	j.BeginObject()
	j.Key("bounding")
	set(s.Bounding)
	j.Key("effective")
	set(s.Effective)
	j.Key("permitted")
	set(s.Permitted)
	j.Key("inheritable")
	set(s.Inheritable)
	j.Key("ambient")
	if s.AmbientSupported {
		set(s.Ambient)
	} else {
		j.Null()
	}
	j.EndObject()
}

func (j *JSON) securebits(bits cred.Known[cred.Securebits]) {
	if !bits.OK {
		j.Null()
		return
	}
	j.BeginObject()
	j.Key("value")
	j.Uint(uint64(bits.Value))
	j.Key("set")
	j.strings((bits.Value & cred.SecurebitFlags).Names())
	j.Key("locked")
	j.strings((bits.Value >> 1 & cred.SecurebitFlags).Names())
	j.EndObject()
}

func (j *JSON) strings(list []string) {
	j.BeginArray()
	for _, s := range list {
		j.String(s)
	}
	j.EndArray()
}

func (j *JSON) userNS(ns *cred.UserNS) {
	j.BeginObject()
	j.Key("inode")
	j.KnownUint(ns.Inode)
	j.Key("initial")
	j.KnownBool(ns.Initial())
	j.Key("uid_map")
	j.idMap(ns.UIDMap)
	j.Key("gid_map")
	j.idMap(ns.GIDMap)
	j.Key("setgroups")
	j.KnownBool(ns.Setgroups)
	j.EndObject()
}

func (j *JSON) idMap(m cred.Known[[]cred.IDRange]) {
	if !m.OK {
		j.Null()
		return
	}
	j.BeginArray()
	for _, r := range m.Value {
		j.BeginObject()
		j.Key("inside")
		j.Uint(uint64(r.Inside))
		j.Key("outside")
		j.Uint(uint64(r.Outside))
		j.Key("count")
		j.Uint(uint64(r.Count))
		j.EndObject()
	}
	j.EndArray()
}
