package cred

import (
	"reflect"
	"testing"
)

// TestUnmapped: the overflow id is itself only where every id is mapped, and none
// where it is not mapped itself.
func TestUnmapped(t *testing.T) {
	var unknown Known[bool]
	no, yes := Is(false), Is(true)
	all := Is([]IDRange{{0, 0, 1<<32 - 1}})
	parts := Is([]IDRange{{0, 5, 100}, {100, 1000, 1<<32 - 1 - 100}})
	for _, c := range []struct {
		name            string
		ranges          Known[[]IDRange]
		overflow        Known[uint32]
		id65534, id1000 Known[bool]
	}{
		{"initial", all, Is[uint32](65534), no, no},
		{"all in two ranges", parts, Is[uint32](65534), no, no},
		{"container", Is([]IDRange{{0, 100000, 65536}}), Is[uint32](65534), unknown, no},
		{"one id", Is([]IDRange{{0, 1000, 1}}), Is[uint32](65534), yes, no},
		{"no map yet", Is([]IDRange{}), Is[uint32](65534), yes, no},
		{"another overflow id", Is([]IDRange{{0, 100000, 65536}}), Is[uint32](1000), no, unknown},
		{"another overflow id, not mapped", Is([]IDRange{{0, 1000, 1}}), Is[uint32](1000), no, yes},
		{"unknown map", Known[[]IDRange]{}, Is[uint32](65534), unknown, no},
		{"unknown overflow id", Is([]IDRange{{0, 1000, 1}}), Known[uint32]{}, unknown, unknown},
		{"nothing known but all mapped", all, Known[uint32]{}, no, no},
	} {
		byUID := UserNS{UIDMap: c.ranges, OverflowUID: c.overflow}
		byGID := UserNS{GIDMap: c.ranges, OverflowGID: c.overflow}
		for id, want := range map[uint32]Known[bool]{65534: c.id65534, 1000: c.id1000} {
			if byUID.UnmappedUID(id) != want || byUID.TrueUID(id) != (want == no) ||
				byGID.UnmappedGID(id) != want || byGID.TrueGID(id) != (want == no) {
				t.Errorf("%s, %d: %v, %v, want %v", c.name, id, byUID.UnmappedUID(id), byGID.UnmappedGID(id), want)
			}
		}
	}
}

// TestHide: each id is judged for itself, and user ids not by the map of groups.
func TestHide(t *testing.T) {
	ns := UserNS{
		UIDMap: Is([]IDRange{{0, 100000, 65536}}), GIDMap: Is([]IDRange{{0, 0, 1<<32 - 1}}),
		OverflowUID: Is[uint32](65534), OverflowGID: Is[uint32](65534),
	}
	s := State{UID: IDs{1, 65534, 3, 65534}, GID: Same(65534), Groups: []uint32{65534, 4}}
	ns.Hide(&s)
	want := State{UID: IDs{1, UnknownID, 3, UnknownID}, GID: Same(65534), Groups: []uint32{65534, 4}}
	if !reflect.DeepEqual(s, want) || !s.KnownGroups() {
		t.Errorf("%+v, want %+v", s, want)
	}
	ns.GIDMap = Is([]IDRange{})
	ns.Hide(&s)
	want.GID, want.Groups = Same(UnknownID), []uint32{UnknownID, 4}
	if !reflect.DeepEqual(s, want) || s.KnownGroups() {
		t.Errorf("%+v, want %+v", s, want)
	}
}
