package catalog

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
)

func TestCatalogueIsComplete(t *testing.T) {
	briefs := map[string]caps.Cap{}
	for c := range caps.Cap(caps.Named) {
		e, ok := Of(c)
		if !ok {
			t.Fatalf("%v has no entry", c)
		}
		for what, text := range map[string]string{"Since": e.Since, "Brief": e.Brief, "Use": e.Use, "Danger": e.Danger} {
			checkProse(t, c, what, text)
		}
		if len(e.Permits) == 0 {
			t.Errorf("%v: permits nothing", c)
		}
		for _, p := range e.Permits {
			checkProse(t, c, "Permits", p)
			if strings.HasSuffix(p, ".") {
				t.Errorf("%v: an item ends in a full stop: %q", c, p)
			}
		}
		if len(e.Brief) > 60 {
			t.Errorf("%v: brief has %d characters, more than 60", c, len(e.Brief))
		}
		if other, twice := briefs[e.Brief]; twice {
			t.Errorf("%v and %v have the same brief", c, other)
		}
		briefs[e.Brief] = c
		if !strings.HasSuffix(e.Use, ".") || !strings.HasSuffix(e.Danger, ".") {
			t.Errorf("%v: Use and Danger are sentences and end in a full stop", c)
		}
		if e.Host.Meaning() == "Not known." || len(e.Host.String()) > 6 {
			t.Errorf("%v: host grade %d has no word", c, e.Host)
		}
	}
	if _, ok := Of(caps.Cap(caps.Named)); ok {
		t.Errorf("bit %d has an entry", caps.Named)
	}
}

// checkProse asks for one line of printable ASCII without stray blanks.
func checkProse(t *testing.T, c caps.Cap, what, text string) {
	t.Helper()
	if text == "" || strings.Join(strings.Fields(text), " ") != text {
		t.Errorf("%v: %s is empty or has stray blanks: %q", c, what, text)
	}
	for _, r := range text {
		if r < ' ' || r > '~' {
			t.Errorf("%v: %s has %q: %q", c, what, r, text)
		}
	}
}

// The versions are those of capabilities(7), plus 2.2 for what was there at
// the start; a later capability has a later kernel.
func TestCatalogueSince(t *testing.T) {
	later := map[caps.Cap]string{
		caps.Mknod: "2.4", caps.Lease: "2.4", caps.AuditWrite: "2.6.11", caps.AuditControl: "2.6.11",
		caps.Setfcap: "2.6.24", caps.MACOverride: "2.6.25", caps.MACAdmin: "2.6.25", caps.Syslog: "2.6.37",
		caps.WakeAlarm: "3.0", caps.BlockSuspend: "3.5", caps.AuditRead: "3.16", caps.Perfmon: "5.8",
		caps.BPF: "5.8", caps.CheckpointRestore: "5.9",
	}
	for c := range caps.Cap(caps.Named) {
		want := later[c]
		if want == "" {
			want = "2.2"
		}
		if e, _ := Of(c); e.Since != want {
			t.Errorf("%v: since %q, want %q", c, e.Since, want)
		}
	}
}

func TestHostGrades(t *testing.T) {
	for c, want := range map[caps.Cap]Host{
		caps.SysAdmin: HostDirect, caps.SysModule: HostDirect, caps.SysRawio: HostDirect, caps.SysBoot: HostDirect,
		caps.DACReadSearch: HostDirect, caps.SysPtrace: HostWithPIDs, caps.Mknod: HostWithDevice,
		caps.BPF: HostPaired, caps.Perfmon: HostPaired, caps.NetAdmin: HostWithNetwork, caps.NetRaw: HostWithNetwork,
		caps.DACOverride: HostWithMount, caps.Chown: HostWithMount, caps.Fowner: HostWithMount,
		caps.Setuid: HostWithMount, caps.Setfcap: HostWithMount, caps.Syslog: HostPart, caps.Setpcap: HostNo,
	} {
		if e, _ := Of(c); e.Host != want {
			t.Errorf("%v: got %v, want %v", c, e.Host, want)
		}
	}
	if Host(99).String() != "unknown" || Host(99).Meaning() != "Not known." {
		t.Error("a grade that does not exist has a name")
	}
}

func TestSuggest(t *testing.T) {
	for _, test := range []struct {
		text string
		some []caps.Cap // found, among others
		none []caps.Cap // not found
	}{
		{"ports below", []caps.Cap{caps.NetBindService}, []caps.Cap{caps.Chown, caps.SysAdmin}},
		{"PTRACE", []caps.Cap{caps.SysPtrace}, []caps.Cap{caps.Chown}},
		{"cap_net_raw", []caps.Cap{caps.NetRaw, caps.NetAdmin}, []caps.Cap{caps.Setuid}}, // named in prose too
		{"Shocker", []caps.Cap{caps.DACReadSearch}, []caps.Cap{caps.DACOverride}},        // Danger
		{"xfs_ no such text", nil, []caps.Cap{caps.Chown, caps.CheckpointRestore}},
	} {
		got := Suggest(test.text)
		if !slices.IsSorted(got) {
			t.Errorf("%q: not in bit order: %v", test.text, got)
		}
		for _, c := range test.some {
			if !slices.Contains(got, c) {
				t.Errorf("%q does not find %v", test.text, c)
			}
		}
		for _, c := range test.none {
			if slices.Contains(got, c) {
				t.Errorf("%q finds %v", test.text, c)
			}
		}
	}
	if got := Suggest(""); len(got) != caps.Named {
		t.Errorf("the empty text finds %d of %d", len(got), caps.Named)
	}
	// Each part of each entry is searched, in any case.
	for c := range caps.Cap(caps.Named) {
		e, _ := Of(c)
		for _, text := range append([]string{c.OCI(), e.Brief, e.Use, e.Danger}, e.Permits...) {
			if !slices.Contains(Suggest(strings.ToUpper(text)), c) {
				t.Errorf("%q does not find %v", text, c)
			}
		}
	}
}
