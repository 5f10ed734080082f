package caps

import (
	"slices"
	"strings"
	"testing"
)

func TestCatalogueIsComplete(t *testing.T) {
	briefs := map[string]Cap{}
	for c := range Cap(Named) {
		e, ok := c.Entry()
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
	if _, ok := Cap(Named).Entry(); ok {
		t.Errorf("bit %d has an entry", Named)
	}
}

// checkProse asks for one line of printable ASCII without stray blanks.
func checkProse(t *testing.T, c Cap, what, text string) {
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
	later := map[Cap]string{
		Mknod: "2.4", Lease: "2.4", AuditWrite: "2.6.11", AuditControl: "2.6.11",
		Setfcap: "2.6.24", MACOverride: "2.6.25", MACAdmin: "2.6.25", Syslog: "2.6.37",
		WakeAlarm: "3.0", BlockSuspend: "3.5", AuditRead: "3.16", Perfmon: "5.8",
		BPF: "5.8", CheckpointRestore: "5.9",
	}
	for c := range Cap(Named) {
		want := later[c]
		if want == "" {
			want = "2.2"
		}
		if e, _ := c.Entry(); e.Since != want {
			t.Errorf("%v: since %q, want %q", c, e.Since, want)
		}
	}
}

func TestDockerDefault(t *testing.T) {
	want := Of(Chown, DACOverride, Fsetid, Fowner, Mknod, NetRaw, Setgid, Setuid,
		Setfcap, Setpcap, NetBindService, SysChroot, Kill, AuditWrite)
	if DockerDefault != want {
		t.Errorf("got %v, want %v", DockerDefault, want)
	}
	for c := range Cap(MaxBits) {
		if c.DockerDefault() != want.Has(c) {
			t.Errorf("%v: got %v", c, c.DockerDefault())
		}
	}
}

func TestAddWord(t *testing.T) {
	for c, want := range map[Cap]string{NetRaw: "NET_RAW", BPF: "BPF", SysTTYConfig: "SYS_TTY_CONFIG", 63: "63"} {
		if got := c.AddWord(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHostGrades(t *testing.T) {
	for c, want := range map[Cap]Host{
		SysAdmin: HostDirect, SysModule: HostDirect, SysRawio: HostDirect, SysBoot: HostDirect,
		DACReadSearch: HostDirect, SysPtrace: HostWithPIDs, Mknod: HostWithDevice,
		BPF: HostPaired, Perfmon: HostPaired, NetAdmin: HostWithNetwork, NetRaw: HostWithNetwork,
		DACOverride: HostWithMount, Chown: HostWithMount, Fowner: HostWithMount,
		Setuid: HostWithMount, Setfcap: HostWithMount, Syslog: HostPart, Setpcap: HostNo,
	} {
		if e, _ := c.Entry(); e.Host != want {
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
		some []Cap // found, among others
		none []Cap // not found
	}{
		{"ports below", []Cap{NetBindService}, []Cap{Chown, SysAdmin}},
		{"PTRACE", []Cap{SysPtrace}, []Cap{Chown}},
		{"cap_net_raw", []Cap{NetRaw, NetAdmin}, []Cap{Setuid}}, // named in prose too
		{"Shocker", []Cap{DACReadSearch}, []Cap{DACOverride}},   // Danger
		{"xfs_ no such text", nil, []Cap{Chown, CheckpointRestore}},
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
	if got := Suggest(""); len(got) != Named {
		t.Errorf("the empty text finds %d of %d", len(got), Named)
	}
	// Each part of each entry is searched, in any case.
	for c := range Cap(Named) {
		e, _ := c.Entry()
		for _, text := range append([]string{c.OCI(), e.Brief, e.Use, e.Danger}, e.Permits...) {
			if !slices.Contains(Suggest(strings.ToUpper(text)), c) {
				t.Errorf("%q does not find %v", text, c)
			}
		}
	}
}
