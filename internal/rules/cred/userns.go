package cred

import "slices"

// UserNS is the user namespace of a thread as seen by the reader.
type UserNS struct {
	// Inode identifies the namespace; unknown without the right to look.
	Inode Known[uint64]
	// UIDMap and GIDMap are the maps as the reader's namespace shows them, to
	// anyone.
	UIDMap, GIDMap Known[[]IDRange]
	// Setgroups is false where setgroups(2) is denied for good.
	Setgroups Known[bool]
	// OverflowUID and OverflowGID are what an id is shown as that the reader's
	// namespace does not map; unknown unless they were asked for.
	OverflowUID, OverflowGID Known[uint32]
}

// TrueUID reports whether a uid that a thread of this namespace reads, of itself, of
// another thread or of a file, is known to be that uid. The overflow uid may be any
// that the namespace does not map, even where it is mapped itself
// (from_kuid_munged, kernel/user_namespace.c).
func (n *UserNS) TrueUID(uid uint32) bool { return n.UnmappedUID(uid) == Is(false) }

// TrueGID is TrueUID for a gid.
func (n *UserNS) TrueGID(gid uint32) bool { return n.UnmappedGID(gid) == Is(false) }

// UnmappedUID reports whether a uid that a thread of this namespace reads stands for
// one that the namespace does not map; unknown where it may be either.
func (n *UserNS) UnmappedUID(uid uint32) Known[bool] { return unmapped(uid, n.UIDMap, n.OverflowUID) }

// UnmappedGID is UnmappedUID for a gid.
func (n *UserNS) UnmappedGID(gid uint32) Known[bool] { return unmapped(gid, n.GIDMap, n.OverflowGID) }

func unmapped(id uint32, ranges Known[[]IDRange], overflow Known[uint32]) Known[bool] {
	var mapped uint64
	for _, r := range ranges.Value {
		mapped += uint64(r.Count)
	}
	_, has := Outside(ranges.Value, id)
	switch {
	case mapped == 1<<32-1, overflow.OK && id != overflow.Value:
		return Is(false)
	case overflow.OK && ranges.OK && !has:
		return Is(true)
	}
	return Known[bool]{}
}

// KnownUID is a uid that a thread of this namespace reads, UnknownID where it may be
// another one.
func (n *UserNS) KnownUID(uid uint32) uint32 {
	if n.TrueUID(uid) {
		return uid
	}
	return UnknownID
}

// KnownGID is KnownUID for a gid.
func (n *UserNS) KnownGID(gid uint32) uint32 {
	if n.TrueGID(gid) {
		return gid
	}
	return UnknownID
}

// Hide replaces by UnknownID each id of a state, read by a thread of this namespace,
// that may stand for another id.
func (n *UserNS) Hide(s *State) {
	for _, id := range [...]*uint32{&s.UID.Real, &s.UID.Effective, &s.UID.Saved, &s.UID.FS} {
		*id = n.KnownUID(*id)
	}
	for _, id := range [...]*uint32{&s.GID.Real, &s.GID.Effective, &s.GID.Saved, &s.GID.FS} {
		*id = n.KnownGID(*id)
	}
	for i, gid := range s.Groups {
		s.Groups[i] = n.KnownGID(gid)
	}
}

// InitialUserNS is the inode of the initial user namespace on every kernel
// since 3.8 (PROC_USER_INIT_INO, include/linux/proc_ns.h).
const InitialUserNS = 4026531837

// Initial reports whether this is the initial user namespace, by the inode. Where
// that is unknown, a map that lacks an id shows that it is not; a map that has all
// leaves the answer unknown, as a child may have them too.
func (n *UserNS) Initial() Known[bool] {
	if !n.Inode.OK && n.UIDMap.OK && !n.HasAllIDs() {
		return Is(false)
	}
	return Known[bool]{n.Inode.Value == InitialUserNS, n.Inode.OK}
}

// HasAllIDs reports whether the uid map is known to have all ids as the initial
// namespace's has, in one range from 0 (init_user_ns, kernel/user.c). The outside
// ids of the range depend on the reader's namespace and are not compared.
func (n *UserNS) HasAllIDs() bool {
	m := n.UIDMap.Value
	return len(m) == 1 && m[0].Inside == 0 && m[0].Count == 1<<32-1
}

// Same reports whether two are one namespace. Where the inodes are unknown, maps
// that differ show that they are not: one reader sees the same maps in all processes
// of a namespace (uid_m_show, kernel/user_namespace.c). Equal maps show nothing.
func (n *UserNS) Same(as *UserNS) Known[bool] {
	a, b := n.Initial(), as.Initial()
	switch {
	case n.Inode.OK && as.Inode.OK:
		return Is(n.Inode == as.Inode)
	case a.OK && b.OK && a != b, differ(n.UIDMap, as.UIDMap), differ(n.GIDMap, as.GIDMap):
		return Is(false)
	}
	return Known[bool]{}
}

// differ reports whether two maps are known not to be the same.
func differ(a, b Known[[]IDRange]) bool { return a.OK && b.OK && !slices.Equal(a.Value, b.Value) }
