package container

import (
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Access is who may open a file, as the reader's user namespace shows it.
type Access struct {
	// Mode holds the nine permission bits.
	Mode     uint32
	UID, GID uint32
	// List says that the file has, or may have, an access control list, which
	// is not read. The bits of the group are its mask then.
	List bool
	// NoUID and NoGID say that the id may stand for one that the namespace does not
	// map: a process of the same number need not have it, one of an unknown id may.
	NoUID, NoGID bool
}

// What is asked of [Access].
const (
	write       = 0o2
	readOrWrite = 0o6
)

// lets reports whether the file lets the process do one of what is asked, without
// any capability (acl_permission_check, fs/namei.c).
func (x Access) lets(p *cred.Process, want uint32) cred.Known[bool] {
	group := x.Mode >> 3 & want
	owner := p.UID.FS == x.UID
	member := p.GID.FS == x.GID || slices.Contains(p.Groups, x.GID)
	switch {
	case owner && x.NoUID, p.UID.FS == cred.UnknownID:
		return cred.Known[bool]{}
	case !owner && (member && x.NoGID || !member && !(p.KnownGroups() && p.GID.FS != cred.UnknownID)):
		return cred.Known[bool]{}
	case owner:
		return cred.Is(x.Mode>>6&want != 0)
	case x.List && group != 0:
		return cred.Known[bool]{}
	case member:
		return cred.Is(group != 0)
	}
	return cred.Is(x.Mode&want != 0)
}

// mighty reports whether the process is, or can become, one that files of root's
// obey: uid 0 or a capability that stands for it, on the host itself or in a
// user namespace that has the host's uid 0. An unknown uid may be that.
func (a *Assessment) mighty(f *Facts) bool {
	return (!f.confined() || mapsRoot(f.Process.UserNS.UIDMap.Value)) &&
		(f.Process.UID.Effective == 0 || f.Process.UID.Effective == cred.UnknownID || a.Reach&caps.Of(caps.DACOverride, caps.Chown, caps.Fowner, caps.Setuid, caps.Setgid) != 0)
}

// graded is severity for one who files of root's obey, and less for others.
func (a *Assessment) graded(f *Facts, severity Severity) Severity {
	switch {
	case a.mighty(f):
		return severity
	case f.confined():
		return Low
	}
	return min(severity, Medium)
}

// open is what a file is worth that gives the host to whoever may open it.
func (a *Assessment) open(f *Facts, x cred.Known[Access], want uint32) Severity {
	lets := x.Value.lets(&f.Process, want)
	switch {
	case a.mighty(f):
		return Critical
	case gvisor(f.Release): // its own kernel stands between
		return Medium
	case !x.OK || !lets.OK:
		return Unread
	case lets.Value:
		return Critical
	}
	return Medium
}
