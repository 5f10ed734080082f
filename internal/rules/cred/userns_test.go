package cred

import "testing"

// TestUserNS: the inode tells, and else the map as far as it can.
func TestUserNS(t *testing.T) {
	yes, no, unknown := Is(true), Is(false), Known[bool]{}
	maps := func(r ...IDRange) UserNS { return UserNS{UIDMap: Is(r)} }
	inode := func(n uint64, ns UserNS) UserNS { ns.Inode = Is(n); return ns }
	all := IDRange{0, 0, 1<<32 - 1}
	fromChild := IDRange{0, 1<<32 - 1, 1<<32 - 1} // the first, to a reader that has no place for its root
	boxed := IDRange{0, 100000, 65536}
	for _, c := range []struct {
		a, b          UserNS
		initial, same Known[bool] // a is the first; a and b are one
	}{
		{inode(InitialUserNS, maps(all)), inode(InitialUserNS, UserNS{}), yes, yes},
		{inode(77, maps(all)), inode(InitialUserNS, maps(all)), no, no},
		{inode(77, maps(all)), maps(all), no, unknown},
		{inode(InitialUserNS, UserNS{}), maps(boxed), yes, no},
		{inode(InitialUserNS, UserNS{}), maps(all), yes, unknown},
		{maps(all), maps(all), unknown, unknown},
		{maps(fromChild), maps(fromChild), unknown, unknown},
		{maps(fromChild), maps(boxed), unknown, no},
		{maps(boxed), maps(boxed), no, unknown},
		{maps(boxed), maps(IDRange{0, 200000, 65536}), no, no},
		{maps(boxed), UserNS{}, no, unknown},
		{maps(), maps(all), no, no}, // no map is written yet
		{maps(IDRange{0, 0, 1 << 31}, IDRange{1 << 31, 1 << 31, 1<<31 - 1}), maps(all), no, no},
		{maps(IDRange{1, 0, 1<<32 - 2}), UserNS{}, no, unknown},
		{UserNS{}, UserNS{}, unknown, unknown},
		{UserNS{UIDMap: Is([]IDRange{boxed}), GIDMap: Is([]IDRange{boxed})}, UserNS{UIDMap: Is([]IDRange{boxed}), GIDMap: Is([]IDRange{all})}, no, no},
	} {
		if got := c.a.Initial(); got != c.initial {
			t.Errorf("%+v: initial %+v", c.a, got)
		}
		if there, back := c.a.Same(&c.b), c.b.Same(&c.a); there != c.same || back != c.same {
			t.Errorf("%+v and %+v: %+v, %+v", c.a, c.b, there, back)
		}
	}
}
