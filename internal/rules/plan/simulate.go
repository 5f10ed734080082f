package plan

import (
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Failure is a step that the kernel would refuse.
type Failure struct {
	Step Step
	// Why is the rule that it breaks.
	Why string
	// Needs is the capability for want of which it would fail, if that is why.
	Needs caps.Set
}

func (f *Failure) Error() string {
	text := f.Step.Op.String()
	if object := f.Step.object(); object != "" {
		text += " " + object
	}
	text += ": would not be permitted"
	switch {
	case f.Needs != 0:
		for c := range f.Needs.All() {
			text += " (needs " + c.OCI() + ", which is not in the permitted set)"
		}
	default:
		text += " (" + f.Why + ")"
	}
	return text
}

// object is what a step acts on, where that is one thing.
func (s *Step) object() string {
	switch s.Op {
	case SetRlimit:
		return s.Rlimit.Name
	case Setgroups:
		return IDList(s.Groups)
	case Setresgid, Setresuid:
		return IDText(s.IDs)
	}
	return s.Text
}

// Simulate does to a state what a step does to a thread, by the kernel's rules;
// a *[Failure] where the kernel would refuse. Steps that change nothing of a
// state always succeed here.
func (s *Step) Simulate(st *cred.State) error {
	switch s.Op {
	case SetRlimit:
		if s.Rlimit.Raises && !st.Effective.Has(caps.SysResource) {
			return s.needs(caps.SysResource)
		}
	case Capset:
		return s.capset(st)
	case DropBounding:
		if !st.Effective.Has(caps.Setpcap) {
			return s.needs(caps.Setpcap)
		}
		st.Bounding &^= s.Set
	case Chroot:
		if !st.Effective.Has(caps.SysChroot) {
			return s.needs(caps.SysChroot)
		}
	case KeepCaps:
		if st.Securebits.Value.Has(cred.KeepCapsLocked) {
			return s.fails("securebit keep_caps is locked")
		}
		st.Securebits.Value |= cred.KeepCaps
	case Setgroups:
		return s.setgroups(st)
	case Setresgid:
		return s.setresgid(st)
	case Setresuid:
		return s.setresuid(st)
	case ClearAmbient:
		st.Ambient = 0
	case RaiseAmbient:
		return s.raiseAmbient(st)
	case SetSecurebits:
		return s.setSecurebits(st)
	case NoNewPrivs:
		st.NoNewPrivs = cred.Is(true)
	case RestrictLandlock, FilterSeccomp:
		if !st.NoNewPrivs.Value && !st.Effective.Has(caps.SysAdmin) {
			return s.fails("it takes no_new_privs or CAP_SYS_ADMIN")
		}
	}
	return nil
}

func (s *Step) fails(why string) error { return &Failure{Step: *s, Why: why} }
func (s *Step) needs(c caps.Cap) error { return &Failure{Step: *s, Needs: c.Set()} }
func in(id uint32, ids cred.IDs) bool {
	return id == ids.Real || id == ids.Effective || id == ids.Saved
}
func anyZero(ids cred.IDs) bool      { return in(0, ids) }
func taken(s, old cred.IDs) bool     { return in(s.Real, old) && in(s.Effective, old) && in(s.Saved, old) }
func sorted(list []uint32) []uint32  { return slices.Sorted(slices.Values(list)) }
func sameSet(a, b []uint32) bool     { return slices.Equal(sorted(a), sorted(b)) }
func denied(v cred.Known[bool]) bool { return v.OK && !v.Value }

// mapped reports whether an id has a meaning in a user namespace; where the map
// is unknown it is taken for granted.
func mapped(id uint32, ranges cred.Known[[]cred.IDRange]) bool {
	_, ok := cred.Outside(ranges.Value, id)
	return ok || !ranges.OK
}

// unmapped refuses ids that have no meaning in a user namespace.
func (s *Step) unmapped(kind string, ranges cred.Known[[]cred.IDRange], ids ...uint32) error {
	for _, id := range ids {
		if id != cred.Unchanged && !mapped(id, ranges) {
			return s.fails(kind + idText(id) + " does not exist in this user namespace")
		}
	}
	return nil
}

// capset is cap_capset (security/commoncap.c).
func (s *Step) capset(st *cred.State) error {
	e, p, i := s.Sets.Effective, s.Sets.Permitted, s.Sets.Inheritable
	switch {
	case !st.Effective.Has(caps.Setpcap) && !(st.Inheritable | st.Permitted).Contains(i):
		return s.needs(caps.Setpcap) // cap_inh_is_capped
	case !(st.Inheritable | st.Bounding).Contains(i):
		return s.fails("inheritable cannot take in what is not in the bounding set")
	case !st.Permitted.Contains(p):
		return s.fails("permitted can only shrink")
	case !p.Contains(e):
		return s.fails("effective must be within permitted")
	}
	st.Effective, st.Permitted, st.Inheritable = e, p, i
	st.Ambient &= p & i
	return nil
}

// setgroups is may_setgroups (kernel/groups.c); the kernel sorts the list.
func (s *Step) setgroups(st *cred.State) error {
	switch {
	case !st.Effective.Has(caps.Setgid):
		return s.needs(caps.Setgid)
	case denied(st.UserNS.Setgroups):
		return s.fails("this user namespace denies setgroups")
	case st.UserNS.GIDMap.OK && len(st.UserNS.GIDMap.Value) == 0:
		return s.fails("this user namespace has no gid_map yet")
	}
	if err := s.unmapped("gid ", st.UserNS.GIDMap, s.Groups...); err != nil {
		return err
	}
	st.Groups = sorted(s.Groups)
	return nil
}

// without is list without one id.
func without(list []uint32, id uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(list), func(i uint32) bool { return i == id })
}

// setresgid is __sys_setresgid (kernel/sys.c).
func (s *Step) setresgid(st *cred.State) error {
	ids := s.IDs.Over(st.GID)
	if !st.Effective.Has(caps.Setgid) && !taken(ids, st.GID) {
		return s.needs(caps.Setgid)
	}
	if err := s.unmapped("gid ", st.UserNS.GIDMap, s.IDs.Real, s.IDs.Effective, s.IDs.Saved); err != nil {
		return err
	}
	st.GID = ids
	return nil
}

// setresuid is __sys_setresuid and cap_emulate_setxuid.
func (s *Step) setresuid(st *cred.State) error {
	ids := s.IDs.Over(st.UID)
	if !st.Effective.Has(caps.Setuid) && !taken(ids, st.UID) {
		return s.needs(caps.Setuid)
	}
	if err := s.unmapped("uid ", st.UserNS.UIDMap, s.IDs.Real, s.IDs.Effective, s.IDs.Saved); err != nil {
		return err
	}
	old := st.UID
	st.UID = ids
	if st.Securebits.Value.Has(cred.NoSetuidFixup) {
		return nil
	}
	// Leaving uid 0 altogether gives the capabilities up, unless they are to be
	// kept; the ambient ones in any case.
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

func leavesRoot(old, new cred.IDs) bool { return anyZero(old) && !anyZero(new) }

// raiseAmbient is PR_CAP_AMBIENT_RAISE in cap_task_prctl.
func (s *Step) raiseAmbient(st *cred.State) error {
	switch {
	case !st.AmbientSupported:
		return s.fails("this kernel has no ambient set")
	case !(st.Permitted & st.Inheritable).Contains(s.Set):
		return s.fails("what is ambient must be permitted and inheritable")
	case st.Securebits.Value.Has(cred.NoCapAmbientRaise):
		return s.fails("securebit no_cap_ambient_raise is set")
	}
	st.Ambient |= s.Set
	return nil
}

// unprivileged are the securebits that need no capability to change (Linux
// 6.14, SECURE_ALL_UNPRIVILEGED).
const unprivileged = cred.ExecRestrictFile | cred.ExecRestrictFileLocked |
	cred.ExecDenyInteractive | cred.ExecDenyInteractiveLocked

// setSecurebits is PR_SET_SECUREBITS in cap_task_prctl.
func (s *Step) setSecurebits(st *cred.State) error {
	const locks = cred.SecurebitFlags << 1
	old, bits := st.Securebits.Value, cred.Securebits(s.Number)
	changed := old ^ bits
	switch {
	case old&locks>>1&changed != 0:
		return s.fails("locked: " + (old & locks >> 1 & changed).String())
	case old&locks&^bits != 0:
		return s.fails("a lock cannot be opened: " + (old & locks &^ bits).String())
	case !st.Effective.Has(caps.Setpcap) && (changed == 0 || changed&^unprivileged != 0): // no change is denied as well
		return s.needs(caps.Setpcap)
	}
	st.Securebits = cred.Is(bits)
	return nil
}
