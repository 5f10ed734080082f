package plan

import (
	"cmp"
	"errors"
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// build adds the steps in the one order that works:
//
//   - what needs capabilities comes before they go: limits, the bounding set,
//     chroot, groups, gid, uid;
//   - the owner of descriptors before the groups, which may give access to the files
//     that they refer to;
//   - groups before the uid, because a new uid loses CAP_SETGID;
//   - the ambient set after the uid, because leaving uid 0 clears it;
//   - securebits after the ambient set, because they may forbid to raise it, so
//     CAP_SETPCAP stays for them until then;
//   - the death signal after all changes of credentials, which clear it;
//   - lower limits at the end, because this program has to work under them.
//
// What the state shows to be so already is set all the same where that costs only the
// call: an id that looks right may be another (see [cred.UserNS.TrueUID]), and a
// seccomp filter may have answered the call that read it. See [Again].
func (b *builder) build() {
	r := b.req
	b.raise()
	b.rlimits(true)
	b.doIf(r.Umask.OK, SetUmask{Mask: r.Umask.Value})
	b.inheritEarly()
	drop := b.state.Bounding &^ b.want.Bounding
	b.always(drop != 0, DropBounding{Set: drop, Others: ^(drop | b.want.Bounding)})
	b.doIf(r.Chroot != "", Chroot{Path: r.Chroot, FD: r.ChrootFD})
	b.users()
	b.sets()
	b.doIf(r.Chdir != "", Chdir{Path: r.Chdir, FD: r.ChdirFD})
	b.doIf(r.DeathSignal.OK, SetDeathSignal{Signal: r.DeathSignal.Value})
	b.doIf(r.Ptracer.OK, SetPtracer{PID: r.Ptracer.Value})
	if !r.AllowNewPrivs {
		b.always(!b.state.NoNewPrivs.Value, NoNewPrivs{})
	}
	b.doIf(r.AppArmor != "", SetAppArmor{Label: r.AppArmor})
	b.doIf(r.SELinux != "", SetSELinux{Label: r.SELinux})
	b.doIf(r.Landlock.Access != 0, RestrictLandlock{r.Landlock})
	b.do(Verify{})
	b.rlimits(false)
	b.do(SetSignals{Signals: r.Signals})
	b.doIf(r.SeccompFile != "", FilterSeccomp{Path: r.SeccompFile, Filter: r.Seccomp})
}

// doIf adds a step where there is a reason for it.
func (b *builder) doIf(reason bool, s Step) {
	if reason {
		b.do(s)
	}
}

// always adds a step, or where it changes nothing, adds it once more; that is left out
// where the kernel would refuse it.
func (b *builder) always(changes bool, s Step) {
	now := b.state
	switch {
	case changes:
		b.do(s)
	case s.Simulate(&now) == nil:
		b.do(Again{s})
	}
}

// rlimits sets the limits that go above what they are, or the others.
func (b *builder) rlimits(raises bool) {
	for _, r := range b.req.Rlimits {
		b.doIf(r.Raises == raises, SetRlimit{r})
	}
}

// raise makes effective what the next steps need, as far as it is permitted;
// the steps themselves say what is missing.
func (b *builder) raise() {
	var needs caps.Set
	need := func(c caps.Cap, really bool) {
		if really {
			needs |= c.Set()
		}
	}
	s := &b.state
	need(caps.Setpcap, true)
	need(caps.SysChroot, b.req.Chroot != "")
	need(caps.SysResource, slices.ContainsFunc(b.req.Rlimits, func(r Rlimit) bool { return r.Raises }))
	need(caps.Chown, len(b.req.OwnStdio) > 0)
	need(caps.Setgid, b.req.GID.OK || b.req.Groups.OK)
	need(caps.Setuid, b.req.UID.OK)
	b.capset(s.Effective|needs&s.Permitted, s.Permitted, s.Inheritable)
}

// inheritEarly adds to the inheritable set what could not be added later: what the
// bounding set is about to lose, what needs CAP_SETPCAP, and where the change of
// user clears the permitted set, everything.
func (b *builder) inheritEarly() {
	s := &b.state
	later := s.Inheritable | s.Permitted&b.want.Bounding
	if b.givesCapsUp() {
		later = s.Inheritable
	}
	if !later.Contains(b.want.Inheritable) {
		b.capset(s.Effective, s.Permitted, s.Inheritable|b.want.Inheritable)
	}
}

// capset adds a step unless the sets are those already.
func (b *builder) capset(effective, permitted, inheritable caps.Set) {
	s := Capset{caps.EPI{Effective: effective, Permitted: permitted, Inheritable: inheritable}}
	b.doIf(b.differs(s), s)
}

// differs reports whether a step changes the sets.
func (b *builder) differs(s Capset) bool {
	return s.EPI != caps.EPI{Effective: b.state.Effective, Permitted: b.state.Permitted, Inheritable: b.state.Inheritable}
}

// users changes the owner of descriptors, groups, gid and uid.
func (b *builder) users() {
	r := b.req
	b.doIf(b.losesCaps() && !b.givesCapsUp(), KeepCaps{})
	b.doIf(len(r.OwnStdio) > 0, OwnStdio{UID: b.newUID().Effective, FDs: r.OwnStdio})
	b.groups()
	b.doIf(r.GID.OK, Setresgid{r.GID.Value})
	b.doIf(r.UID.OK, Setresuid{r.UID.Value})
}

// losesCaps reports whether the change of user clears the permitted set unless
// keep_caps is set.
func (b *builder) losesCaps() bool {
	const safe = cred.KeepCaps | cred.NoSetuidFixup
	return leavesRoot(b.state.UID, b.newUID()) && b.state.Securebits.Value&safe == 0
}

// givesCapsUp reports whether the change of user may clear the permitted set:
// nothing is to stay permitted.
func (b *builder) givesCapsUp() bool { return b.losesCaps() && b.permittedForNow() == 0 }

// groups sets the supplementary groups where that is permitted. Where it is not,
// the current ones have to be known to be the same. An empty list is the same in
// every namespace.
func (b *builder) groups() {
	s, want := &b.state, b.req.Groups
	if !want.OK {
		return
	}
	step := Setgroups{append([]uint32{}, sorted(want.Value)...)}
	if len(want.Value)+len(s.Groups) == 0 {
		b.always(false, step)
		return
	}
	after := b.state
	err := step.Simulate(&after)
	if err == nil {
		b.do(step)
		return
	}
	doubt := slices.IndexFunc(s.Groups, func(gid uint32) bool { return !s.UserNS.TrueGID(gid) })
	fit := b.req.GroupsFit(s)
	if fit && doubt < 0 {
		return
	}
	stay := "the supplementary groups stay " + IDList(s.Groups)
	if fit {
		stay += ", where " + idText(s.Groups[doubt]) + " may be one that this user namespace does not map"
	}
	var f *Failure
	if errors.As(err, &f) && f.Needs != 0 {
		b.lacks.step(f)
		b.lacks.hint = stay + "; " + KeepGroups
	} else {
		b.err = cmp.Or(b.err, errors.New(err.Error()+": "+stay+"; "+KeepGroups))
	}
}

// KeepGroups is the advice where setgroups(2) is not permitted.
const KeepGroups = "--groups=keep starts the command with the current groups"

// permittedForNow is what has to stay permitted until the securebits are set.
func (b *builder) permittedForNow() caps.Set {
	if b.bits != b.Before.Securebits {
		return b.want.Permitted | b.state.Permitted&caps.Setpcap.Set()
	}
	return b.want.Permitted
}

// sets lowers E, P and I, raises A and sets the securebits.
func (b *builder) sets() {
	s, now := &b.state, b.permittedForNow()
	first := Capset{caps.EPI{Effective: now, Permitted: now, Inheritable: b.want.Inheritable}}
	b.always(b.differs(first), first)
	b.ambient()
	// keep_caps may be there by now
	b.doIf(b.bits != b.Before.Securebits && b.bits != s.Securebits, SetSecurebits{b.bits.Value})
	b.capset(b.want.Effective, b.want.Permitted, b.want.Inheritable)
}

// ambient makes the ambient set what is wanted. Where nothing can be raised, what is
// there stays.
func (b *builder) ambient() {
	had, want := b.state.Ambient, b.want.Ambient
	if had == want && want != 0 && b.state.Securebits.Value.Has(cred.NoCapAmbientRaise) {
		return
	}
	b.always(had&^want != 0, ClearAmbient{})
	if want != 0 {
		b.always(had != want, RaiseAmbient{want})
	}
}
