package fault

import (
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// credentialCalls change what capset reads back.
var credentialCalls = []string{
	"setgroups", "setresgid", "setresuid", "capset",
	"prctl(PR_CAPBSET_DROP)", "prctl(PR_SET_KEEPCAPS)", "prctl(PR_CAP_AMBIENT_RAISE)", "prctl(PR_CAP_AMBIENT_CLEAR_ALL)",
	"prctl(PR_SET_SECUREBITS)", "prctl(PR_SET_NO_NEW_PRIVS)",
}

// TestCapsetLied: where a call that changes credentials answers that it did and
// did not, as a seccomp filter may have it, nothing is started, unless a later call
// makes up for it.
func TestCapsetLied(t *testing.T) {
	capset := build(t, "capset")
	lied := map[string]bool{}
	for _, options := range [][]string{
		{"--user=nobody", "--keep=net_bind_service,kill"},
		{"--ruid=1", "--euid=2", "--rgid=3", "--egid=4", "--groups=5"},
		{"--lock", "--permitted=chown", "--inheritable=chown", "--ambient=none"},
	} {
		p := program{argv: capsetArgv(capset, append(options, "--quiet")...), env: environ}
		p.attr.AmbientCaps = []uintptr{unix.CAP_CHOWN}
		clean := trace(t, p, nil)
		if !clean.started || clean.code != 0 {
			t.Fatalf("without a fault: started %v, exit status %d, stderr %q", clean.started, clean.code, clean.err)
		}
		for _, c := range clean.calls {
			if !slices.Contains(credentialCalls, c.name()) {
				continue
			}
			lied[c.name()] = true
			r := trace(t, p, &fault{c.InChild, c.Index, syscall.Errno(0)})
			if r.injected == nil || r.injected.String() != c.String() {
				t.Errorf("call %v: another run has %v", &c, r.injected)
			}
			if r.started && r.code == 0 && r.out == clean.out {
				continue
			}
			if r.started || r.code != 125 || r.err == "" {
				t.Errorf("%v does nothing and says it did: started %v, exit status %d, stderr %q, stdout:\n%s", &c, r.started, r.code, r.err, r.out)
			}
		}
	}
	for _, name := range credentialCalls {
		if !lied[name] {
			t.Errorf("no launch makes the call %s", name)
		}
	}
}
