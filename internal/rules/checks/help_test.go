package checks

import (
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// TestHelp: the first thing that is in the way, for each that can be.
func TestHelp(t *testing.T) {
	chown := caps.Of(caps.Chown)
	inode := func(n uint64) cred.UserNS { return cred.UserNS{Inode: cred.Is(n)} }
	state := func(sets cred.Sets, ns cred.UserNS) cred.Known[cred.State] {
		return cred.Is(cred.State{Sets: sets, UserNS: ns})
	}
	nnp := state(cred.Sets{Bounding: chown}, inode(cred.InitialUserNS))
	nnp.Value.NoNewPrivs = cred.Is(true)
	initial := Namespace{Kind: Initial, Inode: cred.InitialUserNS}
	for _, c := range []struct {
		name  string
		in    Namespace
		state cred.Known[cred.State]
		ended bool
		want  string
	}{
		{"ended", initial, cred.Known[cred.State]{}, true, "start it with cap_chown effective"},
		{"child namespace", initial, state(cred.Sets{Effective: chown, Permitted: chown, Bounding: chown}, inode(5)), false, "only in its own user namespace (5)"},
		{"in that namespace", Namespace{Inode: 5}, state(cred.Sets{}, inode(5)), false, "not in the bounding set"},
		{"unknown namespace", initial, state(cred.Sets{}, cred.UserNS{}), false, "not in the bounding set"},
		{"effective by now", initial, state(cred.Sets{Effective: chown, Permitted: chown, Bounding: chown}, inode(cred.InitialUserNS)), false, "effective by now"},
		{"permitted", initial, state(cred.Sets{Permitted: chown, Bounding: chown}, inode(cred.InitialUserNS)), false, "must raise it"},
		{"parent has it", initial, state(cred.Sets{Effective: chown, Permitted: chown}, inode(cred.InitialUserNS)), true, "start it with cap_chown effective"},
		{"parent in a child namespace", initial, state(cred.Sets{Effective: chown, Permitted: chown}, inode(5)), true, "only in its own user namespace (5)"},
		{"bounded", initial, state(cred.Sets{}, inode(cred.InitialUserNS)), false, "--cap-add=CHOWN"},
		{"no_new_privs", initial, nnp, false, "no file gives it"},
		{"not permitted", initial, state(cred.Sets{Bounding: chown}, inode(cred.InitialUserNS)), false, "ambient, or from a file"},
	} {
		check := Check{Cap: caps.Chown, Namespace: c.in}
		if got := Help(&check, &Verdict{}, &c.state, c.ended); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	fromRecord := Check{Cap: caps.Chown, Namespace: initial, UserNS: 5}
	if got := Help(&fromRecord, &Verdict{}, &cred.Known[cred.State]{}, true); !strings.Contains(got, "only in its own user namespace (5)") {
		t.Errorf("ended in a child namespace: %q", got)
	}
	check := Check{Cap: caps.DACReadSearch, Namespace: initial}
	if got := Help(&check, &Verdict{Alternatives: caps.Of(caps.DACOverride)}, &cred.Known[cred.State]{}, true); !strings.Contains(got, "(cap_dac_override would do too)") {
		t.Errorf("%q", got)
	}
}
