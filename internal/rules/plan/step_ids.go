package plan

import (
	"encoding/json"
	"slices"
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The steps that change users and groups.

// Setgroups sets the supplementary groups.
type Setgroups struct {
	// Groups are in ascending order.
	Groups []uint32 `json:"groups"`
}

func (Setgroups) Name() string     { return "setgroups" }
func (s Setgroups) String() string { return "setgroups " + IDList(s.Groups) }

// Simulate is may_setgroups (kernel/groups.c); the kernel sorts the list.
func (s Setgroups) Simulate(st *cred.State) error {
	switch {
	case !st.Effective.Has(caps.Setgid):
		return needs(s.String(), caps.Setgid)
	case denied(st.UserNS.Setgroups):
		return fails(s.String(), "this user namespace denies setgroups")
	case st.UserNS.GIDMap.OK && len(st.UserNS.GIDMap.Value) == 0:
		return fails(s.String(), "this user namespace has no gid_map yet")
	}
	const most = 65536 // NGROUPS_MAX
	if n := len(s.Groups); n > most {
		return fails(s.Name(), strconv.Itoa(n)+" groups, and the kernel takes 65536")
	}
	if err := unmapped(s.String(), "gid ", st.UserNS.GIDMap, s.Groups...); err != nil {
		return err
	}
	st.Groups = sorted(s.Groups)
	return nil
}

// Setresgid sets the group ids, cred.Unchanged for one that stays.
type Setresgid struct{ IDs cred.IDs }

func (Setresgid) Name() string                   { return "setresgid" }
func (s Setresgid) String() string               { return "setresgid " + IDText(s.IDs) }
func (s Setresgid) MarshalJSON() ([]byte, error) { return marshalIDs(s.IDs) }

// Simulate is __sys_setresgid (kernel/sys.c).
func (s Setresgid) Simulate(st *cred.State) error {
	ids := s.IDs.Over(st.GID)
	if !st.Effective.Has(caps.Setgid) && !taken(ids, st.GID) {
		return needs(s.String(), caps.Setgid)
	}
	if err := unmapped(s.String(), "gid ", st.UserNS.GIDMap, s.IDs.Real, s.IDs.Effective, s.IDs.Saved); err != nil {
		return err
	}
	st.GID = ids
	return nil
}

// Setresuid sets the user ids, cred.Unchanged for one that stays.
type Setresuid struct{ IDs cred.IDs }

func (Setresuid) Name() string                   { return "setresuid" }
func (s Setresuid) String() string               { return "setresuid " + IDText(s.IDs) }
func (s Setresuid) MarshalJSON() ([]byte, error) { return marshalIDs(s.IDs) }

// Simulate is __sys_setresuid (kernel/sys.c) and cap_emulate_setxuid
// (security/commoncap.c).
func (s Setresuid) Simulate(st *cred.State) error {
	ids := s.IDs.Over(st.UID)
	if !st.Effective.Has(caps.Setuid) && !taken(ids, st.UID) {
		return needs(s.String(), caps.Setuid)
	}
	if err := unmapped(s.String(), "uid ", st.UserNS.UIDMap, s.IDs.Real, s.IDs.Effective, s.IDs.Saved); err != nil {
		return err
	}
	old := st.UID
	st.UID = ids
	if st.Securebits.Value.Has(cred.NoSetuidFixup) {
		return nil
	}
	// A change from uid 0 to no id of 0 clears the permitted set, unless keep_caps
	// is set, and the ambient set in any case.
	if leavesRoot(old, st.UID) {
		if !st.Securebits.Value.Has(cred.KeepCaps) {
			st.Permitted, st.Effective = 0, 0
		}
		st.Ambient = 0
	}
	if old.Effective == 0 && st.UID.Effective != 0 {
		st.Effective = 0
	}
	if old.Effective != 0 && st.UID.Effective == 0 {
		st.Effective = st.Permitted
	}
	return nil
}

// marshalIDs is the object of three ids; one that stays is null.
func marshalIDs(ids cred.IDs) ([]byte, error) {
	change := func(id uint32) cred.Known[uint32] { return cred.Known[uint32]{Value: id, OK: id != cred.Unchanged} }
	return json.Marshal(struct {
		Real      cred.Known[uint32] `json:"real"`
		Effective cred.Known[uint32] `json:"effective"`
		Saved     cred.Known[uint32] `json:"saved"`
	}{change(ids.Real), change(ids.Effective), change(ids.Saved)})
}

func in(id uint32, ids cred.IDs) bool {
	return id == ids.Real || id == ids.Effective || id == ids.Saved
}

func anyZero(ids cred.IDs) bool         { return in(0, ids) }
func leavesRoot(old, new cred.IDs) bool { return anyZero(old) && !anyZero(new) }
func taken(s, old cred.IDs) bool        { return in(s.Real, old) && in(s.Effective, old) && in(s.Saved, old) }
func sorted(list []uint32) []uint32     { return slices.Sorted(slices.Values(list)) }
func sameSet(a, b []uint32) bool        { return slices.Equal(sorted(a), sorted(b)) }
func denied(v cred.Known[bool]) bool    { return v.OK && !v.Value }

// without is list without one id.
func without(list []uint32, id uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(list), func(i uint32) bool { return i == id })
}

// mapped reports whether an id has a meaning in a user namespace; where the map
// is unknown the answer is true.
func mapped(id uint32, ranges cred.Known[[]cred.IDRange]) bool {
	_, ok := cred.Outside(ranges.Value, id)
	return ok || !ranges.OK
}

// unmapped refuses ids that have no meaning in a user namespace.
func unmapped(what, kind string, ranges cred.Known[[]cred.IDRange], ids ...uint32) error {
	for _, id := range ids {
		if id != cred.Unchanged && !mapped(id, ranges) {
			return fails(what, kind+idText(id)+" does not exist in this user namespace")
		}
	}
	return nil
}
