package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// SchemaVersion is the "version" member of every JSON text; it changes when a
// member goes or changes its meaning, not when one is added.
const SchemaVersion = 1

// Version writes the member "version".
func (j *JSON) Version() {
	j.Key("version").Uint(SchemaVersion)
}

// Process writes a thread as an object: what capsh(1), "JSON", documents.
func (j *JSON) Process(p *cred.Process, mode cred.Known[cred.Mode]) {
	j.BeginObject()
	j.Version()
	j.identity(p)
	j.state(&p.State)
	j.seccomp(p)
	j.Key("label").KnownString(p.Label)
	j.Key("user_namespace").userNS(&p.UserNS)
	j.mode(mode)
	j.Key("differing_threads").differing(p)
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
		j.seccomp(t)
		j.EndObject()
	}
	j.EndArray()
}

// identity writes the members that say which thread it is.
func (j *JSON) identity(p *cred.Process) {
	j.Key("pid").Int(int64(p.PID))
	j.Key("tid").Int(int64(p.TID))
	j.Key("ppid").positive(p.PPID)
	j.Key("name").name(p)
	j.Key("state")
	if p.RunState != 0 {
		j.String(string(rune(p.RunState)))
	} else {
		j.Null()
	}
	j.Key("threads").positive(p.Threads)
	j.Key("nspid")
	if len(p.NSPID) == 0 {
		j.Null()
		return
	}
	j.BeginArray()
	for _, id := range p.NSPID {
		j.Int(int64(id))
	}
	j.EndArray()
}

// name writes a process's name, which may be empty; where no procfs gave one, it
// gave no state either.
func (j *JSON) name(p *cred.Process) {
	j.KnownString(cred.Known[string]{Value: p.Name, OK: p.RunState != 0})
}

func (j *JSON) seccomp(p *cred.Process) {
	j.Key("seccomp").KnownString(cred.Known[string]{Value: p.Seccomp.Value.String(), OK: p.Seccomp.OK})
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
	j.Key("uid").ids(s.UID, s.FSUnknown)
	j.Key("gid").ids(s.GID, s.FSUnknown)
	j.Key("groups").numbers(s.Groups)
	j.Key("capabilities").sets(s, j.Set)
	j.Key("masks").sets(s, j.Hex)
	j.Key("securebits").securebits(s.Securebits)
	j.Key("no_new_privs").KnownBool(s.NoNewPrivs)
}

func (j *JSON) ids(id cred.IDs, fsUnknown bool) {
	j.BeginObject()
	j.Key("real").Uint(uint64(id.Real))
	j.Key("effective").Uint(uint64(id.Effective))
	j.Key("saved").Uint(uint64(id.Saved))
	if j.Key("fs"); fsUnknown {
		j.Null()
	} else {
		j.Uint(uint64(id.FS))
	}
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
	j.Key("value").Uint(uint64(bits.Value))
	j.Key("set").strings((bits.Value & cred.SecurebitFlags).Names())
	j.Key("locked").strings((bits.Value >> 1 & cred.SecurebitFlags).Names())
	j.EndObject()
}

func (j *JSON) strings(list []string) {
	j.BeginArray()
	for _, s := range list {
		j.String(s)
	}
	j.EndArray()
}

func (j *JSON) numbers(list []uint32) {
	j.BeginArray()
	for _, n := range list {
		j.Uint(uint64(n))
	}
	j.EndArray()
}

func (j *JSON) userNS(ns *cred.UserNS) {
	j.BeginObject()
	j.Key("inode").KnownUint(ns.Inode)
	j.Key("initial").KnownBool(ns.Initial())
	j.Key("uid_map").idMap(ns.UIDMap)
	j.Key("gid_map").idMap(ns.GIDMap)
	j.Key("setgroups").KnownBool(ns.Setgroups)
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
		j.Key("inside").Uint(uint64(r.Inside))
		j.Key("outside").Uint(uint64(r.Outside))
		j.Key("count").Uint(uint64(r.Count))
		j.EndObject()
	}
	j.EndArray()
}
