package plan

import (
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
// A step that would change nothing is left out, except those that set ids: an id
// that looks right may be another (see [cred.UserNS.TrueUID]), and only the
// kernel's answer to the call shows that.
func (b *builder) build() error {
	for _, part := range []func(*builder) error{
		(*builder).raise, (*builder).limits, (*builder).inheritEarly, (*builder).bounding, (*builder).root,
		(*builder).users, (*builder).sets, (*builder).directory, (*builder).process, (*builder).restrict, (*builder).last,
	} {
		if err := part(b); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) limits() error {
	if err := b.rlimits(true); err != nil {
		return err
	}
	if b.req.Umask.OK {
		return b.do(SetUmask{Mask: b.req.Umask.Value})
	}
	return nil
}

// rlimits sets the limits that go above what they are, or the others.
func (b *builder) rlimits(raises bool) error {
	for _, r := range b.req.Rlimits {
		if r.Raises != raises {
			continue
		}
		if err := b.do(SetRlimit{r}); err != nil {
			return err
		}
	}
	return nil
}

// raise makes effective what the next steps need, as far as it is permitted;
// the steps themselves say what is missing.
func (b *builder) raise() error {
	var needs caps.Set
	need := func(c caps.Cap, really bool) {
		if really {
			needs |= c.Set()
		}
	}
	s := &b.state
	need(caps.Setpcap, s.Bounding != b.want.Bounding || b.foreignInheritable())
	need(caps.SysChroot, b.req.Chroot != "")
	need(caps.SysResource, slices.ContainsFunc(b.req.Rlimits, func(r Rlimit) bool { return r.Raises }))
	need(caps.Chown, len(b.req.OwnStdio) > 0)
	need(caps.Setgid, b.req.GID.OK || b.req.Groups.OK)
	need(caps.Setuid, b.req.UID.OK)
	return b.capset(s.Effective|needs&s.Permitted, s.Permitted, s.Inheritable)
}

// foreignInheritable reports whether a capability is to become inheritable that is
// neither inheritable nor permitted now.
func (b *builder) foreignInheritable() bool {
	return !(b.state.Inheritable | b.state.Permitted).Contains(b.want.Inheritable)
}

// inheritEarly adds to the inheritable set what could not be added later: what the
// bounding set is about to lose, what needs CAP_SETPCAP, and where the change of
// user clears the permitted set, everything.
func (b *builder) inheritEarly() error {
	s := &b.state
	later := s.Inheritable | s.Permitted&b.want.Bounding
	if b.givesCapsUp() {
		later = s.Inheritable
	}
	if later.Contains(b.want.Inheritable) {
		return nil
	}
	return b.capset(s.Effective, s.Permitted, s.Inheritable|b.want.Inheritable)
}

// capset adds a step unless the sets are those already.
func (b *builder) capset(effective, permitted, inheritable caps.Set) error {
	s := &b.state
	if s.Effective == effective && s.Permitted == permitted && s.Inheritable == inheritable {
		return nil
	}
	return b.do(Capset{caps.EPI{Effective: effective, Permitted: permitted, Inheritable: inheritable}})
}

func (b *builder) bounding() error {
	if drop := b.state.Bounding &^ b.want.Bounding; drop != 0 {
		return b.do(DropBounding{drop})
	}
	return nil
}

func (b *builder) root() error {
	if b.req.Chroot == "" {
		return nil
	}
	return b.do(Chroot{Path: b.req.Chroot, FD: b.req.ChrootFD})
}

// users changes groups, gid and uid.
func (b *builder) users() error {
	if b.losesCaps() && !b.givesCapsUp() {
		if err := b.do(KeepCaps{}); err != nil {
			return err
		}
	}
	if len(b.req.OwnStdio) > 0 {
		if err := b.do(OwnStdio{UID: b.newUID().Effective, FDs: b.req.OwnStdio}); err != nil {
			return err
		}
	}
	if err := b.groups(); err != nil {
		return err
	}
	if b.req.GID.OK {
		if err := b.do(Setresgid{b.req.GID.Value}); err != nil {
			return err
		}
	}
	if b.req.UID.OK {
		return b.do(Setresuid{b.req.UID.Value})
	}
	return nil
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
func (b *builder) groups() error {
	s, want := &b.state, b.req.Groups
	if !want.OK || len(want.Value)+len(s.Groups) == 0 {
		return nil
	}
	step := Setgroups{append([]uint32{}, sorted(want.Value)...)}
	after := b.state
	err := step.Simulate(&after)
	if err == nil {
		return b.do(step)
	}
	doubt := slices.IndexFunc(s.Groups, func(gid uint32) bool { return !s.UserNS.TrueGID(gid) })
	fit := b.req.GroupsFit(s)
	if fit && doubt < 0 {
		return nil
	}
	stay := "the supplementary groups stay " + IDList(s.Groups)
	if fit {
		stay += ", where " + idText(s.Groups[doubt]) + " may be any that this user namespace does not map"
	}
	var f *Failure
	if errors.As(err, &f) && f.Needs != 0 {
		b.lacks.step(f)
		b.lacks.hint = stay + "; " + KeepGroups
		return nil
	}
	return errors.New(err.Error() + ": " + stay + "; " + KeepGroups)
}

// KeepGroups is the advice where setgroups(2) is not permitted.
const KeepGroups = "--groups=keep starts the command with the current groups"

// permittedForNow is what has to stay permitted until the securebits are set.
func (b *builder) permittedForNow() caps.Set {
	if b.bits != b.plan.Before.Securebits {
		return b.want.Permitted | b.state.Permitted&caps.Setpcap.Set()
	}
	return b.want.Permitted
}

// sets lowers E, P and I, raises A and sets the securebits.
func (b *builder) sets() error {
	s, now := &b.state, b.permittedForNow()
	if err := b.capset(now, now, b.want.Inheritable); err != nil {
		return err
	}
	if s.Ambient&^b.want.Ambient != 0 {
		if err := b.do(ClearAmbient{}); err != nil {
			return err
		}
	}
	if missing := b.want.Ambient &^ s.Ambient; missing != 0 {
		if err := b.do(RaiseAmbient{missing}); err != nil {
			return err
		}
	}
	if b.bits != b.plan.Before.Securebits && b.bits != s.Securebits { // keep_caps may be there by now
		if err := b.do(SetSecurebits{b.bits.Value}); err != nil {
			return err
		}
	}
	return b.capset(b.want.Effective, b.want.Permitted, b.want.Inheritable)
}

func (b *builder) directory() error {
	if b.req.Chdir == "" {
		return nil
	}
	return b.do(Chdir{Path: b.req.Chdir, FD: b.req.ChdirFD})
}

// process sets attributes of the process that are not credentials.
func (b *builder) process() error {
	if b.req.DeathSignal.OK {
		if err := b.do(SetDeathSignal{Signal: b.req.DeathSignal.Value}); err != nil {
			return err
		}
	}
	if b.req.Ptracer.OK {
		return b.do(SetPtracer{PID: b.req.Ptracer.Value})
	}
	return nil
}

// restrict adds the steps that only restrict, and the verification.
func (b *builder) restrict() error {
	r := b.req
	if !r.AllowNewPrivs && !b.state.NoNewPrivs.Value {
		if err := b.do(NoNewPrivs{}); err != nil {
			return err
		}
	}
	if r.AppArmor != "" {
		if err := b.do(SetAppArmor{Label: r.AppArmor}); err != nil {
			return err
		}
	}
	if r.SELinux != "" {
		if err := b.do(SetSELinux{Label: r.SELinux}); err != nil {
			return err
		}
	}
	if r.Landlock.Access != 0 {
		if err := b.do(RestrictLandlock{r.Landlock}); err != nil {
			return err
		}
	}
	return b.do(Verify{})
}

// last adds what would hinder this program itself: lower limits, signals and the
// seccomp filter.
func (b *builder) last() error {
	if err := b.rlimits(false); err != nil {
		return err
	}
	if err := b.do(SetSignals{Signals: b.req.Signals}); err != nil || b.req.SeccompFile == "" {
		return err
	}
	return b.do(FilterSeccomp{Path: b.req.SeccompFile, Filter: b.req.Seccomp})
}
