package plan_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"
	"capsh/internal/rules/plan"
)

var (
	all    = caps.First(caps.Named)
	netRaw = caps.NetRaw.Set()
	plain  = execve.File{Path: "/bin/cmd", Mode: 0o755}
)

// root is a full process of the initial namespace.
func root() cred.State {
	return cred.State{
		Sets:       cred.Sets{Effective: all, Permitted: all, Bounding: all},
		NoNewPrivs: cred.Is(false), Securebits: cred.Is[cred.Securebits](0), AmbientSupported: true,
		UserNS: cred.UserNS{UIDMap: allIDs, GIDMap: allIDs},
	}
}

// allIDs is the map of the initial namespace.
var allIDs = cred.Is([]cred.IDRange{{Count: 1<<32 - 1}})

// user is a process without anything but a full bounding set.
func user() cred.State {
	s := root()
	s.Effective, s.Permitted = 0, 0
	s.UID, s.GID, s.Groups = cred.Same(1000), cred.Same(1000), []uint32{1000}
	return s
}

// makePlan makes a plan and foresees; one that there is none of is empty.
func makePlan(from cred.State, exe execve.File, r plan.Request) (*plan.Plan, error) {
	p, err := plan.Make(&from, &r)
	if err != nil {
		return &plan.Plan{}, err
	}
	return p, p.Foresee(&exe)
}

// ops are the names of the steps, without those that every plan ends with.
func ops(p *plan.Plan) string {
	var list []string
	for _, s := range p.Changes() {
		if name := s.Name(); name != "verify" && name != "signals" {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

func as(uid uint32) plan.Request {
	return plan.Request{UID: cred.Is(cred.Same(uid)), GID: cred.Is(cred.Same(uid)), Groups: cred.Is([]uint32{uid}), GroupsImplied: true}
}

// TestSteps: a plan has the steps that are needed, in the one order that works.
func TestSteps(t *testing.T) {
	keep := func(r plan.Request, set caps.Set) plan.Request { r.Keep = set; return r }
	lock := func(r plan.Request) plan.Request { r.Lock = true; return r }
	inherit := func(r plan.Request) plan.Request { r.Inheritable = cred.Is(netRaw); return r }
	unbound := func(r plan.Request) plan.Request { r.Bounding = cred.Is[caps.Set](0); return r }
	noSetpcap := root()
	noSetpcap.Permitted, noSetpcap.Effective = all&^caps.Setpcap.Set(), all&^caps.Setpcap.Set()
	setids := root()
	setids.Permitted = netRaw | caps.Setuid.Set() | caps.Setgid.Set()
	setids.Effective = setids.Permitted
	lowered := root()
	lowered.Effective = 0
	done := user()
	done.Bounding, done.NoNewPrivs = 0, cred.Is(true)
	ambient := user()
	ambient.Permitted, ambient.Effective, ambient.Inheritable, ambient.Ambient, ambient.Bounding = netRaw, netRaw, netRaw, netRaw, netRaw
	keepCaps := func(r plan.Request) plan.Request { r.Securebits = cred.Is(cred.KeepCaps); return r }
	for _, c := range []struct {
		name string
		from cred.State
		req  plan.Request
		want string
	}{
		{"root to user, securebits that the change of user sets", root(), keepCaps(keep(as(1000), netRaw)),
			"drop_bounding keep_caps setgroups setresgid setresuid capset raise_ambient capset no_new_privs"},
		{"the same without setpcap", setids, keepCaps(keep(as(1000), netRaw)),
			"keep_caps setgroups setresgid setresuid capset raise_ambient no_new_privs"},
		{"root, nothing", root(), plan.Request{}, "drop_bounding capset no_new_privs"},
		{"root, keep", root(), keep(plan.Request{}, netRaw), "drop_bounding capset raise_ambient no_new_privs"},
		{"root to user, nothing", root(), as(1000), "drop_bounding setgroups setresgid setresuid no_new_privs"},
		{"root to user, keep", root(), keep(as(1000), netRaw),
			"drop_bounding keep_caps setgroups setresgid setresuid capset raise_ambient no_new_privs"},
		{"root to user, lock", root(), lock(as(1000)),
			"drop_bounding keep_caps setgroups setresgid setresuid capset securebits capset no_new_privs"},
		{"root to user, inheritable only", root(), inherit(as(1000)),
			"capset drop_bounding setgroups setresgid setresuid no_new_privs"},
		{"root, inheritable beyond bounding", root(), unbound(inherit(as(1000))),
			"capset drop_bounding setgroups setresgid setresuid no_new_privs"},
		{"root with nothing effective", lowered, as(1000),
			"capset drop_bounding setgroups setresgid setresuid no_new_privs"},
		{"root gives its descriptors", root(), func() plan.Request { r := as(1000); r.OwnStdio = []int{1, 2}; return r }(),
			"drop_bounding own_stdio setgroups setresgid setresuid no_new_privs"},
		{"root without setpcap", noSetpcap, plan.Request{}, "capset no_new_privs"},
		{"user, nothing", user(), plan.Request{}, "no_new_privs"},
		{"user, the same again", user(), as(1000), "setresgid setresuid no_new_privs"},
		{"root, the same again", root(), as(0), "drop_bounding setgroups setresgid setresuid capset no_new_privs"},
		{"all done", done, as(1000), "setresgid setresuid"},
		{"ambient kept", ambient, keep(plan.Request{}, netRaw), "no_new_privs"},
		{"ambient dropped", ambient, plan.Request{}, "capset no_new_privs"},
	} {
		p, err := makePlan(c.from, plain, c.req)
		if got := ops(p); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
			continue
		}
		// The states are those that the steps lead to.
		state := c.from
		for _, s := range p.Steps {
			if err := s.Simulate(&state); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if !reflect.DeepEqual(state, p.Want) || !reflect.DeepEqual(p.Before, c.from) {
			t.Errorf("%s: the steps lead to %+v, planned %+v", c.name, state, p.Want)
		}
		if after := p.After.Value; after.Permitted != c.req.Keep || after.Effective != c.req.Keep {
			t.Errorf("%s: after it %+v", c.name, after.Sets)
		}
	}
}

// TestRefused: what is not permitted, or would have another result, is an error.
func TestRefused(t *testing.T) {
	carries := plain
	carries.HasCaps, carries.Caps = true, filecap.Caps{Permitted: netRaw, Effective: true, Version: 2}
	permits := carries
	permits.Caps.Effective = false
	resets := plain
	resets.SetidFromReal = true
	noAmbient := root()
	noAmbient.AmbientSupported = false
	blocked := root()
	blocked.Securebits = cred.Is(cred.NoCapAmbientRaise)
	unknownBits := root()
	unknownBits.Securebits.OK = false
	keep := func(r plan.Request, set caps.Set) plan.Request { r.Keep = set; return r }
	for _, c := range []struct {
		name string
		from cred.State
		exe  execve.File
		req  plan.Request
		want string
	}{
		{"nothing to keep", user(), plain, keep(plan.Request{}, netRaw), "cannot keep cap_net_raw: it is not in capset's permitted set"},
		{"no such capability", root(), plain, keep(plan.Request{}, 1<<50), "cannot keep 50: it is not in capset's permitted set"},
		{"no ambient set", noAmbient, plain, keep(as(1000), netRaw), "cannot keep cap_net_raw through the execve: this kernel has no ambient set"},
		{"ambient is off", blocked, plain, keep(as(1000), netRaw), "cannot keep cap_net_raw through the execve: securebit no_cap_ambient_raise is set"},
		{"open bounding set", user(), plain, plan.Request{AllowNewPrivs: true}, "not permitted: drop 41 capabilities from bounding (needs CAP_SETPCAP)"},
		{"bounding set asked for", user(), plain, plan.Request{Bounding: cred.Is[caps.Set](0)}, "not permitted: drop 41 capabilities from bounding (needs CAP_SETPCAP)"},
		{"bounding set grows", user(), plain, plan.Request{Bounding: cred.Is(all | 1<<50)}, "cannot add 50 to the bounding set: it is not in the set now, and the set cannot grow"},
		{"another user", user(), plain, as(1001), "not permitted: setgroups 1001, setresgid 1001 (needs CAP_SETGID); setresuid 1001 (needs CAP_SETUID)"},
		{"root through bounding", root(), plain, plan.Request{Bounding: cred.Is(netRaw), AllowNewPrivs: true},
			"the command would have cap_net_raw: effective uid 0: permitted is bounding | inheritable, and all of it becomes effective"},
		{"file refused", root(), carries, plan.Request{}, "/bin/cmd has cap_net_raw=ep, but capset drops cap_net_raw from the bounding set: execve would fail with EPERM (--keep=net_raw keeps it, or setcap -r /bin/cmd removes the file capabilities)"},
		{"file clears ambient", root(), carries, keep(as(1000), netRaw|caps.Kill.Set()),
			"/bin/cmd: its file capabilities (cap_net_raw=ep) clear the ambient set, so the command would not have cap_kill"},
		{"file takes effective", root(), permits, keep(as(1000), netRaw),
			"/bin/cmd: its file capabilities (cap_net_raw=p) clear the ambient set, so the command would not have cap_net_raw"},
		{"gid reset", root(), resets, plan.Request{GID: cred.Is(cred.IDs{Real: 7, Effective: 8, Saved: 8})},
			"the command would run with effective uid 0 and gid 7: no privileges may be gained: the effective ids go back to the real ones"},
		{"uid reset", root(), resets, plan.Request{UID: cred.Is(cred.IDs{Real: 7, Effective: 8, Saved: 8})},
			"the command would run with effective uid 7 and gid 0: no privileges may be gained: the effective ids go back to the real ones"},
		{"all at once", user(), plain, func() plan.Request {
			r := keep(as(1001), netRaw|caps.Kill.Set())
			r.Chroot, r.Bounding, r.Rlimits = "/r", cred.Is(netRaw), []plan.Rlimit{{Name: "core", Raises: true}}
			return r
		}(), "cannot keep cap_kill,cap_net_raw: they are not in capset's permitted set; not permitted: setgroups 1001, setresgid 1001 (needs CAP_SETGID); " +
			"setresuid 1001 (needs CAP_SETUID); drop 40 capabilities from bounding (needs CAP_SETPCAP); chroot /r (needs CAP_SYS_CHROOT); rlimit core (needs CAP_SYS_RESOURCE)"},
		{"lock without setpcap", user(), plain, plan.Request{Lock: true}, "not permitted: securebits (needs CAP_SETPCAP)"},
		{"seccomp without both", root(), plain, plan.Request{AllowNewPrivs: true, SeccompFile: "f"}, "seccomp f: would not be permitted (it needs no_new_privs or CAP_SYS_ADMIN)"},
	} {
		if _, err := makePlan(c.from, c.exe, c.req); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := makePlan(unknownBits, plain, plan.Request{}); err != nil {
		t.Errorf("securebits unknown, which does not matter here: %v", err)
	}
}

// TestUnreadable: a file that may be a script is taken for a binary only where
// that makes no difference.
func TestUnreadable(t *testing.T) {
	unread, through := plain, plain
	unread.Unreadable = true
	through.Unreadable, through.Interpreters = true, []string{"/bin/one", "/bin/two"}
	keep := as(1000)
	keep.Keep = netRaw
	const why = " cannot be read: the capabilities that the command would have are unknown"
	for _, c := range []struct {
		name string
		exe  execve.File
		req  plan.Request
		want string
	}{
		{"nothing", unread, as(1000), ""},
		{"kept", unread, keep, "/bin/cmd" + why},
		{"kept, an interpreter", through, keep, "/bin/two (the interpreter of /bin/cmd)" + why},
		{"permitted", unread, plan.Request{Permitted: cred.Is(netRaw)}, "/bin/cmd" + why},
		{"new privileges", unread, plan.Request{AllowNewPrivs: true, UID: cred.Is(cred.Same(1000))}, "/bin/cmd" + why},
	} {
		got := ""
		if _, err := makePlan(root(), c.exe, c.req); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	keep.AllowMismatch = true
	p, err := makePlan(root(), unread, keep)
	if err != nil || len(p.Warnings) == 0 || p.Warnings[0] != "/bin/cmd"+why || !p.Rules.Has(execve.AssumedBinary) {
		t.Errorf("a mismatch is allowed: %v, %q", err, p.Warnings)
	}
}

// TestUnknownFormat: what runs a file is not known, and whether that has what is to
// be kept.
func TestUnknownFormat(t *testing.T) {
	foreign, opened := plain, plain
	foreign.Foreign = true
	opened.OpenedBefore, opened.Interpreters = true, []string{"/bin/qemu"}
	keep := as(1000)
	keep.Keep = netRaw
	for want, exe := range map[string]execve.File{
		"execve /bin/cmd: exec format error, unless binfmt_misc has an interpreter for it; its registrations cannot be read here: " +
			"the capabilities that the command would have are unknown": foreign,
		"execve: the outcome depends on which file binfmt_misc opened as /bin/qemu (the interpreter of /bin/cmd), unknown here": opened,
	} {
		const way = " (--allow-mismatch starts the command anyway)"
		if _, err := makePlan(root(), exe, keep); err == nil || strings.TrimSuffix(err.Error(), way) != want || exe.OpenedBefore != strings.HasSuffix(err.Error(), way) {
			t.Errorf("%v, want %s", err, want)
		}
		keep := keep
		keep.AllowMismatch = true
		if p, err := makePlan(root(), exe, keep); err != nil || p.Unforeseen != want || !slices.Contains(p.Warnings, want) {
			t.Errorf("a mismatch is allowed: %v, %q, %q", err, p.Unforeseen, p.Warnings)
		}
	}
}

// TestRefusal: a file that execve refuses is named as what it is, with what to do.
func TestRefusal(t *testing.T) {
	exe := plain
	exe.HasCaps, exe.Caps = true, filecap.Caps{Permitted: netRaw | caps.Kill.Set(), Effective: true, Version: 2}
	exe.Interpreters = []string{"/bin/one", "/bin/two"}
	const who = "/bin/two (the interpreter of /bin/cmd) has cap_kill,cap_net_raw=ep, but "
	const file = "setcap -r /bin/two removes the file capabilities)"
	keep := as(1000)
	keep.Keep = caps.Chown.Set()
	limit := keep
	limit.Keep, limit.Bounding = netRaw|caps.Kill.Set(), cred.Is(caps.Kill.Set())
	without := root()
	without.Bounding &^= netRaw
	poor := root()
	poor.Permitted &^= netRaw
	poor.Effective &^= netRaw
	for _, c := range []struct {
		from cred.State
		req  plan.Request
		want string
	}{
		{root(), keep, "capset drops cap_kill,cap_net_raw from the bounding set: execve would fail with EPERM (--keep=chown,kill,net_raw keeps it, or " + file},
		{root(), limit, "capset drops cap_net_raw from the bounding set: execve would fail with EPERM (add it to --bounding, or " + file},
		{poor, keep, "capset drops cap_kill,cap_net_raw from the bounding set: execve would fail with EPERM (" + file},
		{without, keep, "cap_net_raw is not in the bounding set: execve would fail with EPERM (" + file},
	} {
		if _, err := makePlan(c.from, exe, c.req); err == nil || err.Error() != who+c.want {
			t.Errorf("%v\nwant %s", err, who+c.want)
		}
	}
}

// TestDangerous: what is kept is warned of by the catalogue, in one line, and what
// has no effect in a child user namespace is not dangerous there.
func TestDangerous(t *testing.T) {
	initial, child := cred.Is[uint64](cred.InitialUserNS), cred.Is[uint64](5)
	const admin = "cap_sys_admin (mount, and most other administration)"
	for _, test := range []struct {
		inode cred.Known[uint64]
		keep  caps.Set
		want  []string
	}{
		{initial, caps.Of(caps.SysAdmin, caps.Kill), []string{"equivalent to root: " + admin}},
		{cred.Known[uint64]{}, caps.Of(caps.SysAdmin, caps.Kill), []string{"equivalent to root: " + admin}},
		{child, caps.Of(caps.SysAdmin, caps.Kill), []string{"equivalent to root in this user namespace: " + admin}},
		{initial, caps.Of(caps.BPF), nil},
		{initial, caps.Of(caps.BPF, caps.Perfmon), []string{"equivalent to root: cap_perfmon (observe the performance of the system), cap_bpf (load BPF programs and create maps)"}},
		{initial, caps.Of(caps.DACOverride, caps.Chown, caps.Setuid), []string{
			"equivalent to root: cap_chown (give any file to any user and group), cap_dac_override (read and write any file), cap_setuid (become any user, also root)"}},
		{initial, caps.Of(caps.DACOverride, caps.Chown, caps.Setuid, caps.SysModule), []string{"equivalent to root: cap_chown, cap_dac_override, cap_setuid, cap_sys_module"}},
		{child, caps.Of(caps.SysModule, caps.Lease), []string{"without effect in this user namespace: cap_sys_module,cap_lease"}},
		{initial, caps.Of(caps.NetRaw, caps.NetBindService, caps.Lease), nil},
	} {
		from := root()
		from.UserNS.Inode = test.inode
		p, err := makePlan(from, plain, plan.Request{Keep: test.keep})
		if err != nil || !slices.Equal(p.Warnings, test.want) {
			t.Errorf("%v %v: %v, %q, want %q", test.inode, test.keep, err, p.Warnings, test.want)
		}
	}
}

// TestLimits: a limit goes up while CAP_SYS_RESOURCE is there, and goes down after
// all that this program needs for itself.
func TestLimits(t *testing.T) {
	r := as(1000)
	r.Rlimits = []plan.Rlimit{{Name: "nproc"}, {Name: "nofile", Raises: true}}
	p, err := makePlan(root(), plain, r)
	var list []string
	for _, s := range p.Changes() {
		if limit, ok := s.(plan.SetRlimit); ok {
			list = append(list, limit.Rlimit.Name)
		} else {
			list = append(list, s.Name())
		}
	}
	const want = "nofile drop_bounding setgroups setresgid setresuid no_new_privs verify nproc signals"
	if got := strings.Join(list, " "); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// TestBestEffort: the same errors are warnings, and nothing else is.
func TestBestEffort(t *testing.T) {
	from := root()
	from.Permitted &^= netRaw
	from.Effective = from.Permitted
	r := as(1000)
	r.Keep, r.BestEffort = netRaw|caps.Kill.Set(), true
	p, err := makePlan(from, plain, r)
	if err != nil || len(p.Warnings) != 1 || p.Warnings[0] != "best effort: cannot keep cap_net_raw: it is not in capset's permitted set" ||
		p.After.Value.Effective != caps.Kill.Set() {
		t.Errorf("%v, %q, %v", err, p.Warnings, p.After.Value.Sets)
	}
	if _, err := makePlan(user(), plain, plan.Request{AllowNewPrivs: true, BestEffort: true}); err == nil {
		t.Error("best effort accepts a bounding set that cannot shrink")
	}
	other := as(1001)
	other.BestEffort = true
	if _, err := makePlan(user(), plain, other); err == nil {
		t.Error("best effort accepts a change of user that is not permitted")
	}
}

// TestNoAmbient: uid 0 keeps capabilities without an ambient set.
func TestNoAmbient(t *testing.T) {
	from := root()
	from.AmbientSupported = false
	p, err := makePlan(from, plain, plan.Request{Keep: netRaw})
	if err != nil || p.After.Value.Effective != netRaw || p.After.Value.Permitted != netRaw {
		t.Errorf("%v, %+v", err, p.After)
	}
}

// TestAmbientRaiseOff: what is ambient already stays where nothing can be raised,
// unless the change of user clears it.
func TestAmbientRaiseOff(t *testing.T) {
	from := root()
	from.Inheritable, from.Ambient = netRaw, netRaw
	from.Securebits = cred.Is(cred.NoCapAmbientRaise | cred.NoRoot)
	if p, err := makePlan(from, plain, plan.Request{Keep: netRaw}); err != nil || p.After.Value.Effective != netRaw {
		t.Errorf("the same user: %v", err)
	}
	r := as(1000)
	r.Keep = netRaw
	if _, err := makePlan(from, plain, r); err == nil || !strings.HasPrefix(err.Error(), "cannot keep cap_net_raw through the execve: securebit") {
		t.Errorf("another user: %v", err)
	}
	from.Securebits.Value |= cred.NoSetuidFixup
	if p, err := makePlan(from, plain, r); err != nil || p.After.Value.Effective != netRaw {
		t.Errorf("another user without the fixup: %v", err)
	}
}

// TestWarnings: what is as it was asked and no more than that.
func TestWarnings(t *testing.T) {
	setuid := plain
	setuid.Mode = 0o4755
	loose := as(1000)
	loose.AllowNewPrivs = true
	permitted := as(1000)
	permitted.Permitted = cred.Is(netRaw)
	grants := plain
	grants.HasCaps, grants.Caps = true, filecap.Caps{Permitted: netRaw, Effective: true, Version: 2}
	through := grants
	through.Interpreters = []string{"/bin/perl"}
	foreign, opened := plain, plain
	foreign.Foreign = true
	opened.OpenedBefore, opened.Interpreters = true, []string{"/bin/qemu"}
	keep := as(1000)
	keep.Keep = netRaw
	for _, c := range []struct {
		exe  execve.File
		req  plan.Request
		want string
	}{
		{setuid, as(1000), "the program is setuid or setgid, which no_new_privs turns off"},
		{setuid, loose, "the command will run with effective uid 0 and gid 1000: "},
		{plain, permitted, "cap_net_raw is permitted before the execve only: the command will not have it"},
		{plain, loose, ""},
		{grants, keep, "/bin/cmd: its file capabilities (cap_net_raw=ep) clear the ambient set, so programs that the command executes do not get cap_net_raw\n" +
			"/bin/cmd runs with AT_SECURE: the C library ignores LD_LIBRARY_PATH, LD_PRELOAD and the like"},
		{through, keep, "/bin/perl (the interpreter of /bin/cmd): its file capabilities (cap_net_raw=ep) clear the ambient set"},
		{foreign, as(1000), "execve /bin/cmd: exec format error, unless binfmt_misc has an interpreter for it; its registrations cannot be read here"},
		{opened, as(1000), ""},
	} {
		p, err := makePlan(root(), c.exe, c.req)
		got := strings.Join(p.Warnings, "\n")
		if err != nil || !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%v, %q, want %q", err, got, c.want)
		}
	}
}

// TestPermittedForFile: under no_new_privs a file has its capabilities only out
// of what was permitted.
func TestPermittedForFile(t *testing.T) {
	exe := plain
	exe.HasCaps, exe.Caps = true, filecap.Caps{Permitted: netRaw, Effective: true, Version: 2}
	r := as(1000)
	r.Permitted = cred.Is(netRaw)
	p, err := makePlan(root(), exe, r)
	if err != nil || p.After.Value.Effective != netRaw || p.Want.Ambient != 0 {
		t.Errorf("%v, %+v", err, p.After.Value.Sets)
	}
	r.Permitted, r.Bounding = cred.Is[caps.Set](0), cred.Is(netRaw)
	p, err = makePlan(root(), exe, r)
	if err != nil || p.After.Value.Permitted != 0 {
		t.Errorf("%v, %+v", err, p.After.Value.Sets)
	}
}

// TestCheck: each field that differs is named, and no difference is lost.
func TestCheck(t *testing.T) {
	want := user()
	want.Groups = []uint32{5, 6}
	same := want
	same.Groups = []uint32{6, 5}
	if err := plan.Check(&want, &same); err != nil {
		t.Errorf("the order of groups: %v", err)
	}
	for _, c := range []struct {
		what   string
		change func(*cred.State)
	}{
		{"effective still has cap_net_raw", func(s *cred.State) { s.Effective = netRaw }},
		{"permitted still has cap_net_raw", func(s *cred.State) { s.Permitted = netRaw }},
		{"inheritable still has cap_net_raw", func(s *cred.State) { s.Inheritable = netRaw }},
		{"ambient still has cap_net_raw", func(s *cred.State) { s.Ambient = netRaw }},
		{"bounding lacks cap_net_raw", func(s *cred.State) { s.Bounding &^= netRaw }},
		{"bounding lacks all and still has 50", func(s *cred.State) { s.Bounding = 1 << 50 }},
		{"uid is 0,1000,1000,1000 instead of 1000,1000,1000,1000", func(s *cred.State) { s.UID.Real = 0 }},
		{"uid is 1000,1000,0,1000", func(s *cred.State) { s.UID.Saved = 0 }},
		{"uid is 1000,1000,1000,0", func(s *cred.State) { s.UID.FS = 0 }},
		{"gid is 1000,0,1000,1000", func(s *cred.State) { s.GID.Effective = 0 }},
		{"groups is 5 instead of 5,6", func(s *cred.State) { s.Groups = []uint32{5} }},
		{"groups is 5,7 instead of 5,6", func(s *cred.State) { s.Groups = []uint32{5, 7} }},
		{"groups is 5,5,6 instead of 5,6", func(s *cred.State) { s.Groups = []uint32{5, 6, 5} }},
		{"no_new_privs is on instead of off", func(s *cred.State) { s.NoNewPrivs.Value = true }},
		{"no_new_privs is unknown", func(s *cred.State) { s.NoNewPrivs.OK = false }},
		{"securebits is noroot instead of none", func(s *cred.State) { s.Securebits.Value = cred.NoRoot }},
		{"securebits is unknown", func(s *cred.State) { s.Securebits.OK = false }},
	} {
		got := want
		c.change(&got)
		if err := plan.Check(&want, &got); err == nil || !strings.HasPrefix(err.Error(), c.what) {
			t.Errorf("%v, want %s", err, c.what)
		}
	}
	got := want
	got.Effective, got.Permitted = netRaw, netRaw
	if err := plan.Check(&want, &got); err == nil || strings.Count(err.Error(), ";") != 1 {
		t.Errorf("two differences: %v", err)
	}
}

// TestNames: a set is shown by its names, or those that it lacks.
func TestNames(t *testing.T) {
	for set, want := range map[caps.Set]string{
		0: "none", all: "all", netRaw: "cap_net_raw", all &^ netRaw: "all but cap_net_raw",
	} {
		if got := plan.Names(set); got != want {
			t.Errorf("%v: %q, want %q", set, got, want)
		}
	}
}
