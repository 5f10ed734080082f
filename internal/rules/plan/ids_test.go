package plan_test

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"
	"capsh/internal/rules/plan"
)

// TestGroupsThatStay: where groups cannot be set, those there are have to be the
// same beyond doubt.
func TestGroupsThatStay(t *testing.T) {
	const (
		lacks   = "setgroups"
		doubt   = "may be one that this user namespace does not map"
		nothing = ""
	)
	overflow := cred.Is[uint32](65534)
	small := cred.Is([]cred.IDRange{{Outside: 100000, Count: 65536}})
	split := cred.Is([]cred.IDRange{{Count: 5}, {Inside: 5, Outside: 5, Count: 1<<32 - 6}})
	holes := cred.Is([]cred.IDRange{{Count: 5}, {Inside: 6, Outside: 6, Count: 1<<32 - 7}})
	maps := func(m cred.Known[[]cred.IDRange], over cred.Known[uint32]) cred.UserNS {
		return cred.UserNS{UIDMap: m, GIDMap: m, OverflowUID: over, OverflowGID: over}
	}
	initial := maps(allIDs, overflow)
	denied := initial
	denied.Setgroups = cred.Is(false)
	for _, c := range []struct {
		name    string
		ns      cred.UserNS
		can     caps.Set
		have    []uint32
		want    []uint32
		implied bool
		err     string
	}{
		{"the same", initial, 0, []uint32{1000}, []uint32{1000}, true, nothing},
		{"the same, twice", initial, 0, []uint32{1000, 5, 5}, []uint32{5, 1000}, false, nothing},
		{"one too many", initial, 0, []uint32{6, 1000}, []uint32{1000}, true, lacks},
		{"one too many, that is the primary", initial, 0, []uint32{1000}, nil, false, lacks},
		{"one too few", initial, 0, []uint32{1000}, []uint32{27, 1000}, true, lacks},
		{"without the primary", initial, 0, nil, []uint32{1000}, true, nothing},
		{"without the primary, others too", initial, 0, []uint32{27}, []uint32{27, 1000}, true, nothing},
		{"without the primary, which was listed", initial, 0, nil, []uint32{1000}, false, lacks},
		{"none of none", cred.UserNS{}, 0, nil, nil, false, nothing},
		{"too many, denied", denied, all, []uint32{6, 1000}, []uint32{1000}, true, lacks},
		{"the same, denied", denied, all, []uint32{1000}, []uint32{1000}, true, nothing},
		{"nobody, all ids mapped", initial, 0, []uint32{65534}, []uint32{65534}, true, nothing},
		{"nobody, all ids mapped in two ranges", maps(split, overflow), 0, []uint32{65534}, []uint32{65534}, true, nothing},
		{"nobody, a hole", maps(holes, overflow), 0, []uint32{65534}, []uint32{65534}, true, doubt},
		{"nobody is mapped", maps(small, overflow), 0, []uint32{65534}, []uint32{65534}, true, doubt},
		{"nobody beside another", maps(small, overflow), 0, []uint32{5, 65534}, []uint32{5, 65534}, false, doubt},
		{"not nobody", maps(small, overflow), 0, []uint32{1000}, []uint32{1000}, true, nothing},
		{"another overflow gid", maps(small, cred.Is[uint32](1000)), 0, []uint32{1000}, []uint32{1000}, true, doubt},
		{"overflow gid unknown", maps(small, cred.Known[uint32]{}), 0, []uint32{1000}, []uint32{1000}, true, doubt},
		{"no map", maps(cred.Is([]cred.IDRange{}), overflow), all, []uint32{65534}, []uint32{65534}, false, doubt},
		{"no /proc", cred.UserNS{}, 0, []uint32{1000}, []uint32{1000}, true, doubt},
	} {
		from := user()
		from.UserNS, from.Groups = c.ns, c.have
		from.Permitted, from.Effective = c.can, c.can
		r := as(1000)
		r.Groups, r.GroupsImplied = cred.Is(c.want), c.implied
		r.UID, r.GID = cred.Known[cred.IDs]{}, cred.Known[cred.IDs]{}
		p, err := plan.Make(&from, &r)
		switch {
		case c.err == "" && (err != nil || strings.Contains(ops(p), "setgroups") || !slices.Equal(p.Want.Groups, c.have)):
			t.Errorf("%s: %v", c.name, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || !strings.HasSuffix(err.Error(), plan.KeepGroups)):
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}

// TestGroupsOfAnotherUser: the primary group may be missing only where the ids stay.
func TestGroupsOfAnotherUser(t *testing.T) {
	from := user()
	from.Permitted, from.Groups = caps.Setuid.Set(), nil
	r := as(1000)
	r.UID = cred.Is(cred.Same(1001))
	if _, err := makePlan(from, plain, r); err == nil || !strings.HasSuffix(err.Error(), plan.KeepGroups) {
		t.Error(err)
	}
}

// TestIDsAreSet: ids that look the same are set all the same, with the capability
// raised where there is one, and those that were not asked for stay.
func TestIDsAreSet(t *testing.T) {
	from := user()
	from.Permitted = caps.Of(caps.Setuid, caps.Setgid)
	p, err := makePlan(from, plain, as(1000))
	if got, want := ops(p), "capset setgroups setresgid setresuid capset no_new_privs"; err != nil || got != want {
		t.Errorf("%v, %s, want %s", err, got, want)
	}
	const stay = cred.Unchanged
	r := plan.Request{
		UID: cred.Is(cred.IDs{Real: 5, Effective: stay, Saved: stay}),
		GID: cred.Is(cred.IDs{Real: stay, Effective: 6, Saved: 6}),
	}
	p, err = makePlan(from, plain, r)
	var text []string
	for _, s := range p.Steps {
		if name := s.Name(); name == "setresuid" || name == "setresgid" {
			text = append(text, s.String())
		}
	}
	want := []string{"setresgid real unchanged, effective 6, saved 6", "setresuid real 5, effective unchanged, saved unchanged"}
	if err != nil || !slices.Equal(text, want) {
		t.Errorf("%v, %q", err, text)
	}
	if p.Want.UID != (cred.IDs{Real: 5, Effective: 1000, Saved: 1000, FS: 1000}) || p.Want.GID != (cred.IDs{Real: 1000, Effective: 6, Saved: 6, FS: 6}) {
		t.Errorf("uid %v, gid %v", p.Want.UID, p.Want.GID)
	}
}

// TestRootStays: whatever id of root is left beside others, there is a warning;
// where root is what was asked for, or nothing was, there is none.
func TestRootStays(t *testing.T) {
	const stay = cred.Unchanged
	ids := func(real, effective uint32) cred.Known[cred.IDs] {
		return cred.Is(cred.IDs{Real: real, Effective: effective, Saved: effective, FS: stay})
	}
	groups := func(list ...uint32) cred.Known[[]uint32] { return cred.Is(list) }
	const (
		isRoot  = "the effective uid stays 0: the command acts as root"
		canRoot = "the real or saved uid stays 0: the command can become root again"
		gid     = "the gid stays 0: the command has the rights of group 0"
		isGid   = "the effective gid stays 0: the command has the rights of group 0"
		canGid  = "the real or saved gid stays 0: the command can take group 0 again"
		group   = "group 0 stays among the supplementary groups: the command has the rights of group 0"
	)
	for _, c := range []struct {
		name string
		req  plan.Request
		want []string
	}{
		{"nothing asked", plan.Request{}, nil},
		{"all of root", plan.Request{UID: ids(0, 0), GID: ids(0, 0), Groups: groups(0)}, nil},
		{"all of a user", as(1000), nil},
		{"real uid", plan.Request{UID: ids(5, stay), Groups: groups()}, []string{isRoot}},
		{"effective uid", plan.Request{UID: ids(stay, 5), GID: ids(5, 5), Groups: groups()}, []string{canRoot}},
		{"effective uid, and a real one of root", plan.Request{UID: ids(0, 5), GID: ids(5, 5), Groups: groups()}, []string{canRoot}},
		{"both uids", plan.Request{UID: ids(5, 5), Groups: groups()}, []string{gid}},
		{"both uids, group 0", plan.Request{UID: ids(5, 5), GID: ids(0, 0), Groups: groups(0)}, nil},
		{"real gid", plan.Request{UID: ids(5, 5), GID: ids(5, stay), Groups: groups()}, []string{isGid}},
		{"effective gid", plan.Request{UID: ids(5, 5), GID: ids(stay, 5), Groups: groups()}, []string{canGid}},
		{"real gid of root by name", plan.Request{UID: ids(5, 5), GID: ids(0, stay), Groups: groups()}, []string{gid}},
		{"effective gid alone", plan.Request{GID: ids(stay, 5), Groups: groups()}, []string{canGid}},
		{"groups kept", plan.Request{UID: ids(5, 5), GID: ids(5, 5)}, []string{group}},
		{"everything kept", plan.Request{UID: ids(5, stay)}, []string{isRoot}},
		{"gid and groups kept", plan.Request{UID: ids(5, 5)}, []string{gid, group}},
	} {
		from := root()
		from.Groups = []uint32{0, 4}
		p, err := makePlan(from, plain, c.req)
		if err != nil || !slices.Equal(p.Warnings, c.want) {
			t.Errorf("%s: %v, %q, want %q", c.name, err, p.Warnings, c.want)
		}
	}
}

// TestFileTakes: a file that takes only effective capabilities, or only an
// effective id, gives something else than was asked for.
func TestFileTakes(t *testing.T) {
	from := root()
	from.NoNewPrivs = cred.Is(true)
	lowers := plain
	lowers.HasCaps, lowers.Caps = true, filecap.Caps{Permitted: netRaw, Version: 2}
	keep := as(1000)
	keep.Keep = netRaw
	gains := plain
	gains.HasCaps, gains.Caps = true, filecap.Caps{Permitted: netRaw, Version: 2}
	resets := func(uid, gid uint32) plan.Request {
		r := as(1000)
		r.UID = cred.Is(cred.IDs{Real: 1000, Effective: uid, Saved: uid})
		r.GID = cred.Is(cred.IDs{Real: 1000, Effective: gid, Saved: gid})
		r.Bounding = cred.Is(netRaw)
		return r
	}
	for _, c := range []struct {
		name string
		exe  execve.File
		req  plan.Request
		want string
	}{
		{"effective", lowers, keep, "the command would not have cap_net_raw"},
		{"uid", gains, resets(1001, 1000), "the command would run with effective uid 1000 and gid 1000"},
		{"gid", gains, resets(1000, 1001), "the command would run with effective uid 1000 and gid 1000"},
	} {
		if _, err := makePlan(from, c.exe, c.req); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
