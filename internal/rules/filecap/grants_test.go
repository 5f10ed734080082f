package filecap

import (
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// TestJudge: what a file carries counts, or there is a reason.
func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name     string
		mode     uint32
		caps     bool
		flaws    Flaws
		honoured bool
		texts    string
	}{
		{"setuid", 0o4755, false, 0, true, ""},
		{"setgid", 0o2755, false, 0, true, ""},
		{"capabilities", 0o755, true, 0, true, ""},
		{"nothing", 0o755, false, 0, false, ""},
		{"not runnable", 0o4644, true, 0, false, "no one may execute it"},
		{"only others may run it", 0o4701, true, 0, true, ""},
		{"setgid for no group", 0o2745, false, 0, false, "setgid without execute permission for the group"},
		{"setgid for no group, setuid", 0o6745, false, 0, true, "setgid without execute permission for the group"},
		{"nosuid", 0o6755, true, NoSuid, false, "the mount is nosuid"},
		{"nosuid, so that no one looks", 0o755, true, NoSuid | InvalidCaps, false, "the mount is nosuid"},
		{"invalid", 0o4755, true, InvalidCaps, false, "the file capabilities are invalid and make execve fail"},
		{"foreign", 0o755, true, ForeignCaps, false, "the file capabilities are those of another user namespace"},
		{"foreign, setuid", 0o4755, true, ForeignCaps, true, "the file capabilities are those of another user namespace"},
		{"unmapped", 0o4755, false, Unmapped, false, "the owner or the group has no id in this user namespace"},
		{"unmapped, capabilities", 0o4755, true, Unmapped, true, "the owner or the group has no id in this user namespace"},
		{"unmapped, no bits", 0o755, true, Unmapped, true, ""},
		{"another mount namespace", 0o4755, true, ForeignMount | ForeignCaps, false, "the mount belongs to another mount namespace"},
		{"script", 0o4755, true, Script | NoExec, false, "the mount is noexec; a script, whose interpreter decides"},
	} {
		g := Grants{Mode: test.mode, HasCaps: test.caps, Flaws: test.flaws}
		g.Judge(caps.Named)
		if texts := strings.Join(g.Flaws.Texts(), "; "); g.Honoured() != cred.Is(test.honoured) || texts != test.texts {
			t.Errorf("%s: honoured %v, %q; want %t, %q", test.name, g.Honoured(), texts, test.honoured, test.texts)
		}
	}
}

// TestDoubts: what could not be read leaves unknown what it decides, and no more.
func TestDoubts(t *testing.T) {
	yes, no, unknown := cred.Is(true), cred.Is(false), cred.Known[bool]{}
	for _, test := range []struct {
		name   string
		grants Grants
		want   cred.Known[bool]
	}{
		{"hidden capabilities", Grants{Mode: 0o755, HasCaps: true, Doubts: HiddenCaps}, unknown},
		{"hidden capabilities, setuid", Grants{Mode: 0o4755, HasCaps: true, Doubts: HiddenCaps}, yes},
		{"hidden capabilities, nosuid", Grants{Mode: 0o755, HasCaps: true, Doubts: HiddenCaps, Flaws: NoSuid}, no},
		{"unsure owner", Grants{Mode: 0o4755, Doubts: UnsureOwner}, unknown},
		{"unsure owner, capabilities", Grants{Mode: 0o4755, HasCaps: true, Doubts: UnsureOwner}, yes},
		{"unsure owner, no bits", Grants{Mode: 0o755, HasCaps: true, Doubts: UnsureOwner}, yes},
		{"unsure mount", Grants{Mode: 0o4755, Doubts: UnsureMount}, unknown},
		{"unsure mount, nothing that counts", Grants{Mode: 0o755, HasCaps: true, Doubts: UnsureMount, Flaws: ForeignCaps}, no},
		{"capabilities that the kernel lacks", Grants{Mode: 0o755, HasCaps: true, Caps: Caps{Permitted: 1 << 60, Version: 2}}, no},
		{"one that it lacks and one that it has", Grants{Mode: 0o755, HasCaps: true, Caps: Caps{Permitted: 1<<60 | 1, Version: 2}}, yes},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.grants.Judge(caps.Named)
			if got := test.grants.Honoured(); got != test.want {
				t.Errorf("honoured %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestBounding: what the reader's bounding set lacks of a file's capabilities, and
// what that makes of them.
func TestBounding(t *testing.T) {
	raw, kill := caps.NetRaw.Set(), caps.Kill.Set()
	for _, test := range []struct {
		name     string
		caps     Caps
		flaws    Flaws // found before
		missing  caps.Set
		want     Flaws
		honoured bool
		texts    string
	}{
		{"nothing", Caps{Permitted: raw}, 0, 0, 0, true, ""},
		{"one that no kernel has", Caps{Permitted: raw | 1<<60}, 0, 1 << 60, 0, true, ""},
		{"all", Caps{Permitted: raw}, 0, raw, NoneGiven, false,
			"this process gets none of the capabilities: its bounding set lacks cap_net_raw"},
		{"all, and some are inheritable", Caps{Permitted: raw, Inheritable: kill}, 0, raw, SomeGiven, true,
			"this process gets only some of the capabilities: its bounding set lacks cap_net_raw"},
		{"some", Caps{Permitted: raw | kill}, 0, kill, SomeGiven, true,
			"this process gets only some of the capabilities: its bounding set lacks cap_kill"},
		{"some, effective", Caps{Permitted: raw | kill, Effective: true}, 0, kill, ExecFails, false,
			"an execve by this process fails with EPERM: its bounding set lacks cap_kill"},
		{"of a script", Caps{Permitted: raw}, Script, raw, Script, false, "a script, whose interpreter decides"},
		{"on a noexec mount", Caps{Permitted: raw}, NoExec, raw, NoExec, false, "the mount is noexec"},
		{"of another namespace", Caps{Permitted: raw}, ForeignCaps, raw, ForeignCaps, false,
			"the file capabilities are those of another user namespace"},
		{"on a nosuid mount", Caps{Permitted: raw, Effective: true}, NoSuid, raw, NoSuid, false, "the mount is nosuid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.caps.Version = 2
			g := Grants{Mode: 0o755, HasCaps: true, Caps: test.caps, Flaws: test.flaws, NotGiven: test.missing}
			g.Judge(caps.Named)
			if texts := strings.Join(g.FlawTexts(), "; "); g.Flaws != test.want || g.Honoured() != cred.Is(test.honoured) || texts != test.texts {
				t.Errorf("flaws %b, honoured %v, %q", g.Flaws, g.Honoured(), texts)
			}
		})
	}
	g := Grants{Mode: 0o644, HasCaps: true, Caps: Caps{Version: 2, Permitted: raw}, NotGiven: raw}
	if g.Judge(caps.Named); g.Flaws != NotRunnable {
		t.Errorf("a file that no one may execute: %q", g.FlawTexts())
	}
}

// TestAny: what a file has, whether it counts or not.
func TestAny(t *testing.T) {
	for _, test := range []struct {
		grants     Grants
		any, shown bool
	}{
		{Grants{Mode: 0o755}, false, false},
		{Grants{Mode: 0o4755}, true, false},
		{Grants{Mode: 0o2755}, true, false},
		{Grants{HasCaps: true}, true, false}, // hidden, or invalid
		{Grants{HasCaps: true, Caps: Caps{Version: 2}}, true, true},
	} {
		if g := test.grants; g.Any() != test.any || g.CapsShown() != test.shown {
			t.Errorf("%+v: any %t, shown %t", g, g.Any(), g.CapsShown())
		}
	}
}
