package kernel

import (
	"math/rand/v2"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// namespace is a user namespace that a case runs in.
type namespace struct {
	Name string
	// Map is the uid_map and the gid_map; none for the initial namespace.
	Map []cred.IDRange
	// IDs are those that a thread in it can take.
	IDs []uint32
}

var namespaces = []namespace{
	{Name: "initial", IDs: []uint32{0, 0, 1000, 1001, 65534}},
	{Name: "identity", Map: []cred.IDRange{{Inside: 0, Outside: 0, Count: 70000}}, IDs: []uint32{0, 1000, 1001}},
	{Name: "shifted", Map: []cred.IDRange{{Inside: 0, Outside: 100000, Count: 65536}}, IDs: []uint32{0, 1000, 1001}},
	{Name: "narrow", Map: []cred.IDRange{{Inside: 0, Outside: 1000, Count: 1}}, IDs: []uint32{0}},
	{Name: "rootless", Map: []cred.IDRange{{Inside: 1000, Outside: 1000, Count: 2}}, IDs: []uint32{1000, 1001}},
	{Name: "swapped", Map: []cred.IDRange{{Inside: 5, Outside: 0, Count: 1}, {Inside: 0, Outside: 1000, Count: 2}}, IDs: []uint32{0, 1, 5}},
}

// start is the state that a process takes before it execs. What it really got
// is read back, so a set may ask for more than there is.
type start struct {
	Namespace int
	UID, GID  cred.IDs
	Groups    []uint32
	cred.Sets
	// InheritFirst raises inheritable before bounding is dropped, so that it
	// may have what bounding lacks.
	InheritFirst bool
	Securebits   cred.Securebits
	NoNewPrivs   bool
	// Origin is where the process comes from, in place of Namespace.
	Origin *origin `json:",omitempty"`
	// SharedFS and Traced make the exec an unsafe one.
	SharedFS, Traced bool
}

// file is the file that the process execs. Its ids are the host's.
type file struct {
	Mode     uint32
	UID, GID uint32
	HasCaps  bool
	Caps     filecap.Caps
	NoSuid   bool
	// Scripts is how many "#!" lines lead to the file; OnScript gives the
	// privileges to the outermost script too, where they must mean nothing.
	Scripts  int
	OnScript bool
}

type testCase struct {
	Start start
	File  file
}

// setgidOnly is a group that no process of a case is in: a file of it may lack
// the execute permission for the group.
const setgidOnly = 7777

// makeCase is case number index of a seed, the same on every host.
func makeCase(seed, index uint64) testCase {
	r := random{rand.New(rand.NewPCG(seed, index))}
	c := testCase{Start: r.start(), File: r.file()}
	if r.oneIn(4) { // full sets and plain ids hide little: often enough
		c.Start.Sets = cred.Sets{Effective: all, Permitted: all, Bounding: all}
	}
	return c
}

const all = ^caps.Set(0)

type random struct{ *rand.Rand }

func (r random) oneIn(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r random, list []T) T { return list[r.IntN(len(list))] }

func (r random) start() start {
	s := start{Securebits: r.securebits()}
	if r.oneIn(2) {
		s.Namespace = r.IntN(len(namespaces))
	}
	ids := namespaces[s.Namespace].IDs
	s.UID, s.GID = r.ids(ids), r.ids(ids)
	for range r.IntN(3) {
		s.Groups = append(s.Groups, pick(r, ids))
	}
	s.Permitted = r.set()
	s.Effective = s.Permitted & r.set()
	s.Inheritable, s.Bounding = r.set(), r.set()
	s.Ambient = r.set()
	if r.oneIn(2) { // what is ambient has to be permitted and inheritable
		s.Permitted |= s.Ambient
		s.Inheritable |= s.Ambient
	}
	s.InheritFirst = r.oneIn(2)
	s.NoNewPrivs = r.oneIn(4)
	s.SharedFS = r.oneIn(8)
	s.Traced = r.oneIn(8)
	return s
}

// ids are mostly all the same, as in life.
func (r random) ids(list []uint32) cred.IDs {
	ids := cred.Same(pick(r, list))
	for _, id := range []*uint32{&ids.Real, &ids.Effective, &ids.Saved, &ids.FS} {
		if r.oneIn(4) {
			*id = pick(r, list)
		}
	}
	return ids
}

// set is a set of a size that makes rules meet: often the same few bits.
func (r random) set() caps.Set {
	few := caps.Of(caps.NetRaw, caps.Setuid, caps.SysPtrace, caps.NetBindService)
	switch r.IntN(8) {
	case 0, 1:
		return 0
	case 2:
		return all
	case 3, 4, 5:
		return few & caps.Set(r.Uint64())
	case 6:
		return caps.Set(r.Uint64())
	}
	return caps.Cap(r.IntN(caps.MaxBits)).Set()
}

func (r random) securebits() cred.Securebits {
	if r.oneIn(2) {
		return 0
	}
	const known = 0xff // the bits of every kernel since 4.3
	bits := cred.Securebits(r.Uint32()) & known
	if r.oneIn(2) {
		bits &^= cred.NoRoot
	}
	return bits
}

func (r random) file() file {
	f := file{Mode: 0o755, NoSuid: r.oneIn(8)}
	f.UID = pick(r, []uint32{0, 0, 1000, 1001, 100000, 101000})
	f.GID = pick(r, []uint32{0, 0, 1000, 1001, 100000, 101000})
	if r.oneIn(3) {
		f.Mode |= 0o4000
	}
	if r.oneIn(4) {
		f.Mode |= 0o2000
		if r.oneIn(4) {
			f.Mode &^= 0o010
			f.GID = setgidOnly
		}
	}
	if r.oneIn(2) {
		f.HasCaps = true
		f.Caps = filecap.Caps{Permitted: r.set(), Inheritable: r.set(), Effective: r.oneIn(2), Version: 2}
		if r.oneIn(2) {
			f.Caps.Version = 3
			f.Caps.RootID = pick(r, []uint32{0, 1000, 1001, 100000, 101000})
		}
	}
	if r.oneIn(4) {
		f.Scripts = 1 + r.IntN(5)
		f.OnScript = r.oneIn(2)
	}
	return f
}
