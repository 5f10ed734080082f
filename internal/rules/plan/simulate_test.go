package plan_test

import (
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// TestSetresuid: what a change of user does to the sets (capabilities(7),
// "Effect of user ID changes on capabilities").
func TestSetresuid(t *testing.T) {
	both := netRaw | caps.Setuid.Set()
	full := cred.Sets{Effective: both, Permitted: both, Inheritable: netRaw, Ambient: netRaw}
	low := full
	low.Effective = caps.Setuid.Set()
	ids := func(r, e, s uint32) cred.IDs { return cred.IDs{Real: r, Effective: e, Saved: s, FS: e} }
	for _, c := range []struct {
		name     string
		from, to cred.IDs
		bits     cred.Securebits
		before   cred.Sets
		e, p, a  caps.Set
	}{
		{"leaving root", cred.Same(0), cred.Same(5), 0, full, 0, 0, 0},
		{"leaving root, keep_caps", cred.Same(0), cred.Same(5), cred.KeepCaps, full, 0, both, 0},
		{"leaving root, no_setuid_fixup", cred.Same(0), cred.Same(5), cred.NoSetuidFixup, full, both, both, netRaw},
		{"leaving a saved root", ids(5, 5, 0), cred.Same(5), 0, full, 0, 0, 0},
		{"effective only", cred.Same(0), ids(0, 5, 5), 0, full, 0, both, netRaw},
		{"becoming root", cred.Same(5), cred.Same(0), 0, low, both, both, netRaw},
		{"becoming root, no_setuid_fixup", cred.Same(5), cred.Same(0), cred.NoSetuidFixup, low, low.Effective, both, netRaw},
		{"among others", cred.Same(5), cred.Same(6), 0, full, both, both, netRaw},
	} {
		s := cred.State{Sets: c.before, UID: c.from, Securebits: cred.Is(c.bits), AmbientSupported: true}
		step := plan.Setresuid{IDs: c.to}
		if err := step.Simulate(&s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if s.Effective != c.e || s.Permitted != c.p || s.Ambient != c.a || s.Inheritable != netRaw || s.UID != c.to {
			t.Errorf("%s: %+v %+v", c.name, s.Sets, s.UID)
		}
	}
}

// TestSimulateRefused: each rule by which the kernel refuses a step.
func TestSimulateRefused(t *testing.T) {
	none := cred.State{Sets: cred.Sets{Permitted: netRaw, Inheritable: netRaw}, UID: cred.Same(5), GID: cred.Same(5), AmbientSupported: true}
	with := func(change func(*cred.State)) cred.State { s := none; change(&s); return s }
	ids := cred.Same(6)
	capset := func(e, p, i caps.Set) plan.Step {
		return plan.Capset{EPI: caps.EPI{Effective: e, Permitted: p, Inheritable: i}}
	}
	chown := caps.Chown.Set()
	for _, c := range []struct {
		name string
		from cred.State
		step plan.Step
	}{
		{"permitted grows", none, capset(0, netRaw|chown, 0)},
		{"effective beyond permitted", none, capset(chown, netRaw, 0)},
		{"inheritable without setpcap", none, capset(0, netRaw, netRaw|chown)},
		{"inheritable beyond bounding", with(func(s *cred.State) { s.Permitted, s.Effective = all, all }), capset(0, 0, chown)},
		{"too many groups", with(func(s *cred.State) { s.Effective |= caps.Setgid.Set() }), plan.Setgroups{Groups: make([]uint32, 65537)}},
		{"bounding without setpcap", none, plan.DropBounding{Set: netRaw}},
		{"chroot", none, plan.Chroot{Path: "/"}},
		{"keep_caps is locked", with(func(s *cred.State) { s.Securebits = cred.Is(cred.KeepCapsLocked) }), plan.KeepCaps{}},
		{"setgroups", none, plan.Setgroups{}},
		{"setgroups is denied", with(func(s *cred.State) { s.Effective = all; s.UserNS.Setgroups = cred.Is(false) }), plan.Setgroups{}},
		{"setgroups without a gid_map", with(func(s *cred.State) { s.Effective = all; s.UserNS.GIDMap = cred.Is([]cred.IDRange{}) }), plan.Setgroups{}},
		{"setresuid", none, plan.Setresuid{IDs: ids}},
		{"setresgid", none, plan.Setresgid{IDs: ids}},
		{"no such uid", with(func(s *cred.State) {
			s.Effective = all
			s.UserNS.UIDMap = cred.Is([]cred.IDRange{{Inside: 0, Count: 6}})
		}), plan.Setresuid{IDs: ids}},
		{"no such gid", with(func(s *cred.State) {
			s.Effective = all
			s.UserNS.GIDMap = cred.Is([]cred.IDRange{{Inside: 7, Count: 6}})
		}), plan.Setresgid{IDs: ids}},
		{"ambient without permitted", none, plan.RaiseAmbient{Set: chown}},
		{"ambient is off", with(func(s *cred.State) { s.Securebits = cred.Is(cred.NoCapAmbientRaise) }), plan.RaiseAmbient{Set: netRaw}},
		{"no ambient set", with(func(s *cred.State) { s.AmbientSupported = false }), plan.RaiseAmbient{Set: netRaw}},
		{"securebits without setpcap", none, plan.SetSecurebits{Bits: 1}},
		{"the same securebits without setpcap", none, plan.SetSecurebits{}},
		{"securebits locked", with(func(s *cred.State) { s.Effective = all; s.Securebits = cred.Is(cred.NoRootLocked) }),
			plan.SetSecurebits{Bits: cred.NoRoot | cred.NoRootLocked}},
		{"a lock opens", with(func(s *cred.State) { s.Effective = all; s.Securebits = cred.Is(cred.NoRootLocked) }),
			plan.SetSecurebits{}},
		{"a limit above the hard one", none, plan.SetRlimit{Rlimit: plan.Rlimit{Raises: true}}},
		{"landlock", none, plan.RestrictLandlock{}},
	} {
		before := c.from
		if err := c.step.Simulate(&c.from); err == nil {
			t.Errorf("%s: %s is permitted", c.name, c.step.String())
		}
		if before.Sets != c.from.Sets || before.UID != c.from.UID || before.Securebits != c.from.Securebits {
			t.Errorf("%s: it changed something", c.name)
		}
	}
}

// TestCapsetAmbient: what is no longer permitted or no longer inheritable is no
// longer ambient.
func TestCapsetAmbient(t *testing.T) {
	kill := caps.Kill.Set()
	for _, c := range []struct{ permitted, inheritable, want caps.Set }{
		{netRaw | kill, netRaw | kill, netRaw | kill},
		{netRaw | kill, netRaw, netRaw},
		{kill, netRaw | kill, kill},
		{netRaw, kill, 0},
	} {
		st := root()
		st.Inheritable, st.Ambient = netRaw|kill, netRaw|kill
		step := plan.Capset{EPI: caps.EPI{Permitted: c.permitted, Inheritable: c.inheritable}}
		if err := step.Simulate(&st); err != nil || st.Ambient != c.want {
			t.Errorf("permitted %s, inheritable %s: ambient %s, %v", c.permitted, c.inheritable, st.Ambient, err)
		}
	}
}
