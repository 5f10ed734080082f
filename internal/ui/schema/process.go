package schema

import (
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Process is a thread: --print, --current and show.
type Process struct {
	Version int `json:"version"`
	Thread
	Label     cred.Known[string]   `json:"label"`
	UserNS    UserNS               `json:"user_namespace"`
	Mode      cred.Known[string]   `json:"mode"`
	Differing cred.Known[[]Thread] `json:"differing_threads"`
}

// NewProcess is the document of a thread that is in a mode of libcap.
func NewProcess(p *cred.Process, mode cred.Known[cred.Mode]) Process {
	return Process{
		Version: Version, Thread: newThread(p), Label: p.Label,
		UserNS: newUserNS(&p.UserNS), Mode: text(mode), Differing: differing(p),
	}
}

// Shown is what show says of a thread.
type Shown struct {
	Process
	// Effects are those of the capabilities of any set that do not have full effect.
	Effects []Effect `json:"effects"`
}

// Effect says how much of a capability counts for a process, "part", "spare" or
// "none", and why.
type Effect struct {
	Capability string `json:"capability"`
	Effect     string `json:"effect"`
	Reason     string `json:"reason"`
}

// NewShown is the document of a thread that is in a mode of libcap.
func NewShown(f *container.Facts, mode cred.Known[cred.Mode]) Shown {
	d := Shown{NewProcess(&f.Process, mode), []Effect{}}
	s := &f.Process.Sets
	for c := range (s.Bounding | s.Effective | s.Permitted | s.Inheritable | s.Ambient).All() {
		if effect := f.Effect(c); effect.Kind != catalog.EffectFull {
			d.Effects = append(d.Effects, Effect{c.OCI(), effect.Kind.String(), effect.Why})
		}
	}
	return d
}

// Thread is which thread it is and what it has.
type Thread struct {
	Identity
	State
	Seccomp cred.Known[string] `json:"seccomp"`
}

func newThread(p *cred.Process) Thread {
	return Thread{newIdentity(p), newState(&p.State), text(p.Seccomp)}
}

// differing are the threads whose credentials are not those of p; unknown where
// they were not read.
func differing(p *cred.Process) cred.Known[[]Thread] {
	threads := []Thread{}
	for i := range p.Differing {
		threads = append(threads, newThread(&p.Differing[i]))
	}
	return cred.Known[[]Thread]{Value: threads, OK: p.ThreadsRead}
}

// Identity says which thread it is.
type Identity struct {
	PID     int                `json:"pid"`
	TID     int                `json:"tid"`
	PPID    cred.Known[int]    `json:"ppid"`
	Name    cred.Known[string] `json:"name"`
	State   cred.Known[string] `json:"state"`
	Threads cred.Known[int]    `json:"threads"`
	NSPID   []int              `json:"nspid"`
}

func newIdentity(p *cred.Process) Identity {
	id := Identity{PID: p.PID, TID: p.TID, PPID: positive(p.PPID), Name: name(p), Threads: positive(p.Threads)}
	if p.RunState != 0 {
		id.State = cred.Is(string(rune(p.RunState)))
	}
	if len(p.NSPID) > 0 {
		id.NSPID = p.NSPID
	}
	return id
}

// name is a process's name, which may be empty; where no procfs gave one, it gave
// no state either.
func name(p *cred.Process) cred.Known[string] {
	return cred.Known[string]{Value: p.Name, OK: p.RunState != 0}
}

// State is credentials.
type State struct {
	UID          IDs                    `json:"uid"`
	GID          IDs                    `json:"gid"`
	Groups       Groups                 `json:"groups"`
	Capabilities Sets[[]string]         `json:"capabilities"`
	Masks        Sets[string]           `json:"masks"`
	Securebits   cred.Known[Securebits] `json:"securebits"`
	NoNewPrivs   cred.Known[bool]       `json:"no_new_privs"`
}

func newState(s *cred.State) State {
	mask := cred.Known[string]{Value: s.Ambient.Mask(), OK: s.AmbientSupported}
	names := cred.Known[[]string]{Value: s.Ambient.OCINames(), OK: s.AmbientSupported}
	return State{
		UID: newIDs(s.UID, s.FSUnknown), GID: newIDs(s.GID, s.FSUnknown), Groups: newGroups(s),
		Capabilities: Sets[[]string]{s.Bounding.OCINames(), s.Effective.OCINames(), s.Permitted.OCINames(), s.Inheritable.OCINames(), names},
		Masks:        Sets[string]{s.Bounding.Mask(), s.Effective.Mask(), s.Permitted.Mask(), s.Inheritable.Mask(), mask},
		Securebits:   newSecurebits(s.Securebits),
		NoNewPrivs:   s.NoNewPrivs,
	}
}

// IDs are user or group ids.
type IDs struct {
	Real      cred.Known[uint32] `json:"real"`
	Effective cred.Known[uint32] `json:"effective"`
	Saved     cred.Known[uint32] `json:"saved"`
	FS        cred.Known[uint32] `json:"fs"`
}

func newIDs(id cred.IDs, fsUnknown bool) IDs {
	fs := cred.KnownID(id.FS)
	fs.OK = fs.OK && !fsUnknown
	return IDs{cred.KnownID(id.Real), cred.KnownID(id.Effective), cred.KnownID(id.Saved), fs}
}

// Groups are supplementary groups, of which single ones may be unknown.
type Groups = cred.Known[[]cred.Known[uint32]]

func newGroups(s *cred.State) Groups {
	list := []cred.Known[uint32]{}
	for _, gid := range s.Groups {
		list = append(list, cred.KnownID(gid))
	}
	return Groups{Value: list, OK: !s.GroupsUnknown}
}

// Sets are the five sets in the order and with the names of the OCI runtime spec.
// Ambient is null where the kernel has none.
type Sets[T any] struct {
	Bounding    T             `json:"bounding"`
	Effective   T             `json:"effective"`
	Permitted   T             `json:"permitted"`
	Inheritable T             `json:"inheritable"`
	Ambient     cred.Known[T] `json:"ambient"`
}

// Securebits are the flags that are set and those that are locked.
type Securebits struct {
	Value  cred.Securebits `json:"value"`
	Set    []string        `json:"set"`
	Locked []string        `json:"locked"`
}

func newSecurebits(bits cred.Known[cred.Securebits]) cred.Known[Securebits] {
	return cred.Known[Securebits]{OK: bits.OK, Value: Securebits{
		Value:  bits.Value,
		Set:    (bits.Value & cred.SecurebitFlags).Names(),
		Locked: (bits.Value >> 1 & cred.SecurebitFlags).Names(),
	}}
}

// UserNS is a user namespace.
type UserNS struct {
	UserNSNumber
	UIDMap    cred.Known[[]cred.IDRange] `json:"uid_map"`
	GIDMap    cred.Known[[]cred.IDRange] `json:"gid_map"`
	Setgroups cred.Known[bool]           `json:"setgroups"`
}

// UserNSNumber says which user namespace it is.
type UserNSNumber struct {
	Inode   cred.Known[uint64] `json:"inode"`
	Initial cred.Known[bool]   `json:"initial"`
}

func newUserNS(ns *cred.UserNS) UserNS {
	return UserNS{UserNSNumber{ns.Inode, ns.Initial()}, idMap(ns.UIDMap), idMap(ns.GIDMap), ns.Setgroups}
}

func idMap(m cred.Known[[]cred.IDRange]) cred.Known[[]cred.IDRange] {
	m.Value = list(m.Value)
	return m
}
