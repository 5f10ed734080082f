package execve

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// The kernel is the judge (tests/kernel). What stands here is what it cannot be
// asked on every host, and a few cases that explain themselves.

var full = caps.First(41)

// user is a thread without capabilities; root one with all of them.
func user(uid uint32) cred.State {
	return cred.State{
		Sets: cred.Sets{Bounding: full},
		UID:  cred.Same(uid), GID: cred.Same(uid),
		NoNewPrivs: cred.Is(false), Securebits: cred.Is(cred.Securebits(0)), AmbientSupported: true,
	}
}

func root() cred.State {
	s := user(0)
	s.Permitted, s.Effective = full, full
	return s
}

// with changes a copy of s.
func with(s cred.State, change func(*cred.State)) cred.State {
	change(&s)
	return s
}

func capFile(c filecap.Caps) File {
	c.Version = 2
	return File{Path: "/f", Mode: 0o755, HasCaps: true, Caps: c}
}

var (
	plain   = File{Path: "/f", Mode: 0o755}
	suRoot  = File{Path: "/f", Mode: 0o4755}
	raw     = caps.NetRaw.Set()
	ambient = with(user(1000), func(s *cred.State) {
		s.Inheritable, s.Permitted, s.Effective, s.Ambient = raw, raw, raw, raw
	})
	rawEP = capFile(filecap.Caps{Permitted: raw, Effective: true})
)

func TestPredict(t *testing.T) {
	tests := []struct {
		name   string
		before cred.State
		file   File
		want   cred.Sets
		uid    cred.IDs
		secure bool
		rules  []Rule
	}{
		{"root keeps all", root(), plain,
			cred.Sets{Permitted: full, Effective: full, Bounding: full}, cred.Same(0), false,
			[]Rule{RootEffective}},
		{"root with noroot has nothing left", with(root(), func(s *cred.State) { s.Securebits.Value = cred.NoRoot | cred.KeepCaps }), plain,
			cred.Sets{Bounding: full}, cred.Same(0), false,
			[]Rule{RootDisabled, KeepCapsCleared}},
		{"a user without capabilities", user(1000), plain,
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{Unprivileged}},
		{"ambient lasts", ambient, plain,
			cred.Sets{Permitted: raw, Effective: raw, Inheritable: raw, Ambient: raw, Bounding: full}, cred.Same(1000), false,
			[]Rule{Unprivileged, AmbientKept}},
		{"empty file capabilities clear ambient", ambient, capFile(filecap.Caps{}),
			cred.Sets{Inheritable: raw, Bounding: full}, cred.Same(1000), false,
			[]Rule{FileCapsTaken, AmbientFileCaps}},
		{"file capabilities give", user(1000), rawEP,
			cred.Sets{Permitted: raw, Effective: raw, Bounding: full}, cred.Same(1000), true,
			[]Rule{FileCapsTaken, FileCapsEffective}},
		{"file capabilities without the effective flag", user(1000), capFile(filecap.Caps{Permitted: raw}),
			cred.Sets{Permitted: raw, Bounding: full}, cred.Same(1000), true,
			[]Rule{FileCapsTaken}},
		{"no_new_privs takes what they would give", with(user(1000), func(s *cred.State) { s.NoNewPrivs.Value = true }), rawEP,
			cred.Sets{Bounding: full}, cred.Same(1000), true,
			[]Rule{FileCapsTaken, FileCapsEffective, CutNoNewPrivs}},
		{"setuid-root", user(1000), suRoot,
			cred.Sets{Permitted: full, Effective: full, Bounding: full}, cred.IDs{Real: 1000}, true,
			[]Rule{SetuidTaken, RootEffective, SavedIDs}},
		{"setuid-root under no_new_privs", with(user(1000), func(s *cred.State) { s.NoNewPrivs.Value = true }), suRoot,
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{SetidNoNewPrivs, Unprivileged}},
		{"setuid-root with empty bounding", with(user(1000), func(s *cred.State) { s.Bounding = 0 }), suRoot,
			cred.Sets{}, cred.IDs{Real: 1000}, true,
			[]Rule{SetuidTaken, RootEffective, SavedIDs}},
		{"real root only", with(root(), func(s *cred.State) { s.UID = cred.IDs{Effective: 1000, Saved: 1000, FS: 1000} }), plain,
			cred.Sets{Permitted: full, Bounding: full}, cred.IDs{Effective: 1000, Saved: 1000, FS: 1000}, true,
			[]Rule{RootReal}},
		{"real root only, and a file with the effective flag", with(root(), func(s *cred.State) { s.UID = cred.IDs{Effective: 1000, Saved: 1000, FS: 1000} }), rawEP,
			cred.Sets{Permitted: full, Effective: full, Bounding: full}, cred.IDs{Effective: 1000, Saved: 1000, FS: 1000}, true,
			[]Rule{FileCapsTaken, FileCapsEffective, RootReal}},
		{"a script", user(1000), File{Path: "/s", Interpreters: []string{"/f"}, Mode: 0o755},
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{ByInterpreter, Unprivileged}},
		{"another saved uid", with(user(1000), func(s *cred.State) { s.UID.Saved = 1001 }), plain,
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{Unprivileged, SavedIDs}},
		{"another saved gid", with(user(1000), func(s *cred.State) { s.GID.Saved = 1001 }), plain,
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{Unprivileged, SavedIDs}},
		{"setgid", user(1000), File{Path: "/f", Mode: 0o2755, GID: 6},
			cred.Sets{Bounding: full}, cred.Same(1000), true,
			[]Rule{SetgidTaken, Unprivileged, SavedIDs}},
		{"setgid without execute permission for the group", user(1000), File{Path: "/f", Mode: 0o2745, GID: 6},
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{Unprivileged}},
		{"setuid-root with file capabilities", user(1000), File{Path: "/f", Mode: 0o4755, HasCaps: true, Caps: rawEP.Caps},
			cred.Sets{Permitted: raw, Effective: raw, Bounding: full}, cred.IDs{Real: 1000}, true,
			[]Rule{SetuidTaken, FileCapsTaken, FileCapsEffective, RootByFileCaps, SavedIDs}},
		{"nosuid", user(1000), File{Path: "/f", Mode: 0o4755, HasCaps: true, Caps: rawEP.Caps, NoSuid: true},
			cred.Sets{Bounding: full}, cred.Same(1000), false,
			[]Rule{SetidNoSuid, FileCapsNoSuid, Unprivileged}},
	}
	for _, test := range tests {
		test.before.FSUnknown = true // execve sets these ids
		got, err := Predict(&test.before, &test.file)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got.After.Sets != test.want || got.After.UID != test.uid || got.Secure != test.secure {
			t.Errorf("%s: got %#v %v secure=%v, want %#v %v secure=%v", test.name,
				got.After.Sets, got.After.UID, got.Secure, test.want, test.uid, test.secure)
		}
		if rules := slices.Collect(got.Rules.All()); !reflect.DeepEqual(rules, test.rules) {
			t.Errorf("%s: rules %v, want %v", test.name, rules, test.rules)
		}
		if got.After.Securebits.Value.Has(cred.KeepCaps) || got.After.FSUnknown {
			t.Errorf("%s: keep_caps is still set, or the fs ids are unknown: %+v", test.name, got.After)
		}
	}
}

// A file is privileged by either bit or by capabilities.
func TestPrivileged(t *testing.T) {
	for want, files := range map[bool][]File{
		true:  {{Mode: 0o4644}, {Mode: 0o2755}, {Mode: 0o755, HasCaps: true}},
		false: {{}, {Mode: 0o1777}},
	} {
		for _, f := range files {
			if f.Privileged() != want {
				t.Errorf("%+v is privileged: %t", f, !want)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	empty := with(root(), func(s *cred.State) { s.Bounding = 0 })
	_, err := Predict(&empty, &rawEP)
	var refused *Refused
	if !errors.Is(err, ErrRefused) || !errors.As(err, &refused) || refused.Missing != raw {
		t.Errorf("file capability outside bounding: %v", err)
	}
	const text = "execve /f: operation not permitted (its file capabilities need cap_net_raw, not in the bounding set)"
	if err.Error() != text {
		t.Errorf("the error is %q, want %q", err, text)
	}
	// What the inheritable sets give is not missing; nor does a file without
	// the effective flag insist.
	inherits := with(empty, func(s *cred.State) { s.Inheritable = raw })
	for name, f := range map[string]File{
		"inherited": capFile(filecap.Caps{Permitted: raw, Inheritable: raw, Effective: true}),
		"modest":    capFile(filecap.Caps{Permitted: raw}),
	} {
		if _, err := Predict(&inherits, &f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Before Linux 6.17 an effective id other than the real one is enough: ambient
// is cleared, and no_new_privs takes the effective id back.
func TestBeforeLinux617(t *testing.T) {
	for name, ids := range map[string]func(*cred.State) *cred.IDs{
		"uid": func(s *cred.State) *cred.IDs { return &s.UID },
		"gid": func(s *cred.State) *cred.IDs { return &s.GID },
	} {
		t.Run(name, func(t *testing.T) {
			before := with(ambient, func(s *cred.State) { *ids(s) = cred.IDs{Real: 1000, Effective: 1001, Saved: 1001, FS: 1001} })
			locked := with(before, func(s *cred.State) { s.NoNewPrivs.Value = true })
			older := plain
			older.SetidFromReal = true
			for _, c := range []struct {
				before  cred.State
				file    File
				ambient caps.Set
				id      uint32
				rule    Rule
			}{
				{before, plain, raw, 1001, AmbientKept},
				{locked, plain, raw, 1001, AmbientKept},
				{before, older, 0, 1001, AmbientIDs},
				{locked, older, 0, 1000, IDsReset},
			} {
				got, err := Predict(&c.before, &c.file)
				if err != nil || got.After.Ambient != c.ambient || got.After.Permitted != c.ambient ||
					ids(&got.After).Effective != c.id || !got.Rules.Has(c.rule) {
					t.Errorf("older %t, no_new_privs %t: %+v, %v", c.file.SetidFromReal, c.before.NoNewPrivs.Value, got, err)
				}
			}
		})
	}
}

// What is unknown stays unknown, and is an error only where it matters.
func TestUnknown(t *testing.T) {
	blind := func(s cred.State) cred.State {
		s.Securebits = cred.Known[cred.Securebits]{}
		s.NoNewPrivs = cred.Known[bool]{}
		return s
	}
	got, err := Predict(new(blind(user(1000))), &plain)
	if err != nil || got.After.Securebits.OK || got.After.NoNewPrivs.OK {
		t.Errorf("a plain file, a plain user: %#v, %v", got, err)
	}
	var unknown *Unknown
	if _, err = Predict(new(blind(root())), &plain); !errors.As(err, &unknown) || unknown.What != "securebits" {
		t.Errorf("root: %v, want securebits to matter", err)
	}
	someUser := with(user(1000), func(s *cred.State) { s.NoNewPrivs.OK = false })
	if _, err = Predict(&someUser, &rawEP); !errors.As(err, &unknown) || unknown.What != "no_new_privs" {
		t.Errorf("file capabilities: %v, want no_new_privs to matter", err)
	}
	none := with(blind(user(1000)), func(s *cred.State) { s.Bounding = 0 })
	if _, err = Predict(&none, &rawEP); !errors.Is(err, ErrRefused) {
		t.Errorf("refused either way, but: %v", err)
	}
	for what, f := range map[string]File{
		"the file capabilities of /x (version 1 or invalid)": {Path: "/x", Mode: 0o755, HasCaps: true, HiddenCaps: true},
		"the file's owner or group":                          {Mode: 0o4755, UnsureOwner: true},
		"the mount's user namespace":                         {Mode: 0o4755, UnsureMount: true},
	} {
		if _, err := Predict(new(user(1000)), &f); !errors.As(err, &unknown) || unknown.What != what {
			t.Errorf("%v, want %s to matter", err, what)
		}
	}
	if _, err := Predict(new(user(1000)), &File{Mode: 0o755, UnsureOwner: true}); err != nil {
		t.Errorf("the owner of a file without setuid: %v", err)
	}
	unsure := rawEP
	unsure.UnsureMount = true // refused, or ignored
	if _, err = Predict(new(with(user(1000), func(s *cred.State) { s.Bounding = 0 })), &unsure); !errors.As(err, &unknown) || unknown.What != "the mount's user namespace" {
		t.Errorf("refused on a mount that may not count: %v", err)
	}
	keep := with(user(1000), func(s *cred.State) { s.NoNewPrivs.OK = false; s.Securebits.Value = cred.KeepCaps })
	if got, err = Predict(&keep, &plain); err != nil || got.After.Securebits != cred.Is(cred.Securebits(0)) {
		t.Errorf("keep_caps with no_new_privs unknown: %#v, %v", got.After.Securebits, err)
	}
}

func TestRootCounts(t *testing.T) {
	swapped := []cred.IDRange{{Inside: 5, Outside: 0, Count: 1}, {Inside: 0, Outside: 1000, Count: 2}}
	for id, want := range map[uint32]bool{0: true, 5: true, 1: false, 6: false, 1000: false} {
		if got := RootCounts(id, swapped); got != want {
			t.Errorf("RootCounts(%d) = %v", id, got)
		}
	}
	if RootCounts(1000, nil) {
		t.Error("RootCounts(1000) without a map")
	}
}

func TestSentences(t *testing.T) {
	seen := map[string]bool{}
	for r := range Rule(ruleCount) {
		s := r.String()
		if s == "" || strings.HasSuffix(s, ".") || seen[s] {
			t.Errorf("rule %d: %q", r, s)
		}
		seen[s] = true
	}
	if s := Rule(ruleCount).String(); s != "unknown rule" {
		t.Errorf("beyond the last: %q", s)
	}
}

// TestUnsafe: a traced caller keeps the ids that a file gives only with CAP_SETUID
// effective, and gains no capability by them (cap_bprm_creds_from_file).
func TestUnsafe(t *testing.T) {
	setuid := caps.Setuid.Set()
	for _, c := range []struct {
		effective caps.Set
		euid      uint32
	}{{setuid, 0}, {0, 1000}} {
		before := cred.State{
			Sets:       cred.Sets{Permitted: setuid, Effective: c.effective, Bounding: caps.First(caps.Named)},
			UID:        cred.Same(1000),
			GID:        cred.Same(1000),
			NoNewPrivs: cred.Is(false), Securebits: cred.Is[cred.Securebits](0), AmbientSupported: true,
		}
		got, err := Predict(&before, &File{Path: "f", Mode: 0o4755, GID: 1000, Unsafe: true})
		if err != nil || got.After.UID.Effective != c.euid || got.After.Permitted&^setuid != 0 {
			t.Errorf("effective %s: euid %d, permitted %s, %v; want euid %d", c.effective, got.After.UID.Effective, got.After.Permitted, err, c.euid)
		}
	}
}
