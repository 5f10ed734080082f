package execve

import (
	"errors"
	"slices"

	"capsh/internal/rules/cred"
)

// Inside translates a thread in a user namespace below the reader's, and a file,
// from what the reader sees to what the thread itself sees, as [Predict] takes it.
// The maps of s are as the reader sees them. It is an error where a map is
// unknown, or an id of the thread has no counterpart.
func Inside(s cred.State, f File) (cred.State, File, error) {
	ns := s.UserNS
	if !ns.UIDMap.OK || !ns.GIDMap.OK {
		return s, f, errors.New("the maps of the user namespace are unknown")
	}
	uids, gids := ns.UIDMap.Value, ns.GIDMap.Value
	s.Groups = slices.Clone(s.Groups)
	for _, id := range []*uint32{&s.UID.Real, &s.UID.Effective, &s.UID.Saved, &s.UID.FS} {
		if !into(uids, id) {
			return s, f, noCounterpart("uid", *id)
		}
	}
	for _, id := range []*uint32{&s.GID.Real, &s.GID.Effective, &s.GID.Saved, &s.GID.FS} {
		if !into(gids, id) {
			return s, f, noCounterpart("gid", *id)
		}
	}
	// A group without a counterpart stays one that no file in reach has.
	for i := range s.Groups {
		if !into(gids, &s.Groups[i]) {
			s.Groups[i] = overflow
		}
	}
	uidMapped, gidMapped := into(uids, &f.UID), into(gids, &f.GID)
	f.Unmapped = f.Unmapped || !uidMapped || !gidMapped
	if f.Caps.RootID != 0 { // not of the reader's own root or of one above
		isRoot := f.Caps.RootID
		f.ForeignCaps = !into(uids, &isRoot) || isRoot != 0
	}
	return s, f, nil
}

func noCounterpart(kind string, id uint32) error {
	if id == cred.UnknownID {
		return errors.New("a " + kind + " of the thread is unknown: the reader's user namespace does not show it")
	}
	return errors.New(kind + " " + cred.IDText(id) + " of the thread is not one of its user namespace")
}

// overflow stands for an id without a counterpart (/proc/sys/kernel/overflowgid).
const overflow = 65534

// into translates an id of the reader to that of the namespace; false, with the id
// unchanged, if there is none.
func into(ranges []cred.IDRange, id *uint32) bool {
	inside, ok := cred.Inside(ranges, *id)
	if ok {
		*id = inside
	}
	return ok
}
