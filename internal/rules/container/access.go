package container

import (
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Access is who may open a file, as the reader's user namespace shows it.
type Access struct {
	// Mode is the nine permission bits.
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

// hostRootMapped reports whether the process's user namespace has an id for the
// host's uid 0. Where the reader shares that namespace, uid_map speaks of the
// parent's ids, whose 0 may be any user of the host.
func (f *Facts) hostRootMapped() bool {
	switch root := f.HostRoot; {
	case !f.InChildUserNS():
		return true
	case root.OK && (!root.Value.Mapped || f.SharesUserNS):
		return root.Value.Mapped
	case root.OK:
		_, ok := cred.Inside(f.Process.UserNS.UIDMap.Value, root.Value.UID)
		return ok
	}
	_, ok := cred.Inside(f.Process.UserNS.UIDMap.Value, 0)
	return ok
}

// isHostRoot reports whether a uid, as the reader sees it, is or may be the host's 0.
func (f *Facts) isHostRoot(uid uint32) bool {
	switch root := f.HostRoot; {
	case uid == cred.UnknownID:
		return f.hostRootMapped()
	case root.OK:
		return root.Value.Mapped && uid == root.Value.UID
	}
	return uid == 0 && (!f.SharesUserNS || f.hostRootMapped())
}

// IsRoot reports whether a uid, as the reader sees it, is 0 to the process.
func (f *Facts) IsRoot(uid uint32) bool {
	if !f.InChildUserNS() || f.SharesUserNS {
		return uid == 0
	}
	inside, ok := cred.Inside(f.Process.UserNS.UIDMap.Value, uid)
	return ok && inside == 0
}

// ready is what the process, any thread of it, has or gets by whatever it executes:
// uid 0 gets all of the bounding set. What only the right file would bring is not
// in it.
func (f *Facts) ready() caps.Set { return f.readyOf(&f.Process) }

func (f *Facts) readyOf(p *cred.Process) caps.Set {
	set := p.Permitted
	if !p.NoNewPrivs.Value && (f.IsRoot(p.UID.Real) || f.IsRoot(p.UID.Effective)) {
		set |= execve.Gain(&p.Sets)
	}
	for i := range p.Differing {
		set |= f.readyOf(&p.Differing[i])
	}
	return set
}

// asHostRoot reports whether the process is the host's uid 0 or becomes it at will.
// Only that counts for /proc/sys (proc_sys_permission, fs/proc/proc_sysctl.c).
func (f *Facts) asHostRoot() bool {
	id := &f.Process.UID
	return f.isHostRoot(id.Effective) || f.isHostRoot(id.Real) || f.isHostRoot(id.Saved) ||
		f.hostRootMapped() && f.ready().Has(caps.Setuid)
}

// commands reports whether files that the host's root owns obey the process: it is
// that user, or has a capability that does as well.
func (f *Facts) commands() bool {
	return f.asHostRoot() ||
		f.hostRootMapped() && f.ready()&caps.Of(caps.DACOverride, caps.Chown, caps.Fowner, caps.Setgid) != 0
}

// graded is severity if root's files obey the process, and less otherwise.
func (f *Facts) graded(severity Severity) Severity { return f.gradedIf(f.commands(), severity) }

// gradedIf is severity if the effect is there now. Else it is at most medium if a
// setuid-root file may lead there, and low if nothing does.
func (f *Facts) gradedIf(now bool, severity Severity) Severity {
	switch {
	case now:
		return severity
	case !f.confined() && !f.Process.NoNewPrivs.Value && (!f.Setuid.OK || len(f.Setuid.Value) > 0):
		return min(severity, Medium)
	}
	return min(severity, Low)
}

// opens grades a file that gives the host to whoever may open it.
func (f *Facts) opens(x cred.Known[Access], want uint32) Severity {
	lets := x.Value.lets(&f.Process, want)
	switch {
	case gvisor(f.Release): // its own kernel answers
		return Medium
	case f.commands():
		return Critical
	case !x.OK || !lets.OK:
		return Unread
	case lets.Value:
		return Critical
	case !f.confined() && f.ready().Has(caps.Setgid) && x.Value.Mode>>3&want != 0:
		return Critical
	}
	return f.gradedIf(false, Critical)
}
