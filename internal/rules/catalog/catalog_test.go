package catalog

import (
	"regexp"
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
		for what, text := range map[string]string{"Since": e.Since, "Brief": e.Brief, "Use": e.Use, "Danger": e.Danger.Text, "Inside": e.Inside.Text} {
			checkProse(t, c, what, text)
		}
		if len(e.Permits) == 0 {
			t.Errorf("%v: permits nothing", c)
		}
		for _, p := range e.Permits {
			checkProse(t, c, "Permits", p.Text)
			if strings.HasSuffix(p.Text, ".") {
				t.Errorf("%v: an item ends in a full stop: %q", c, p.Text)
			}
			checkSource(t, c, p)
		}
		checkSource(t, c, e.Danger)
		checkSource(t, c, e.Inside)
		if len(e.Brief) > 60 {
			t.Errorf("%v: brief has %d characters, more than 60", c, len(e.Brief))
		}
		if other, twice := briefs[e.Brief]; twice {
			t.Errorf("%v and %v have the same brief", c, other)
		}
		briefs[e.Brief] = c
		if !strings.HasSuffix(e.Use, ".") || !strings.HasSuffix(e.Danger.Text, ".") || !strings.HasSuffix(e.Inside.Text, ".") {
			t.Errorf("%v: Use, Danger and Inside are sentences and end in a full stop", c)
		}
		if e.Host.Meaning() == "Not known." || len(e.Host.String()) > 6 {
			t.Errorf("%v: host grade %d has no word", c, e.Host)
		}
		if e.UserNS.Meaning() == "Not known." || len(e.UserNS.String()) > 6 {
			t.Errorf("%v: user namespace grade %d has no word", c, e.UserNS)
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

// sourced is a manual page or a file of the kernel's source, and functions in it.
var sourced = regexp.MustCompile(`^(([\w.]+\(\d(const)?\)(, )?)+|[\w./-]+\.[ch]( .+)?)$`)

// checkSource asks where a claim can be checked.
func checkSource(t *testing.T, c caps.Cap, claim Claim) {
	t.Helper()
	checkProse(t, c, "Source", claim.Source)
	for source := range strings.SplitSeq(claim.Source, "; ") {
		if !sourced.MatchString(source) {
			t.Errorf("%v: %q is neither a manual page nor a file: %q", c, source, claim.Text)
		}
	}
}

// What allows escape to the host by itself, by a directory, a process or a
// second capability of its kind also gives what root has.
func TestRootEquivalent(t *testing.T) {
	for c := range caps.Cap(caps.Named) {
		e, _ := Of(c)
		switch e.Host {
		case HostDirect, HostWithMount, HostWithPIDs, HostPaired:
			if e.Root == "" {
				t.Errorf("%v: %v, and not equivalent to root", c, e.Host)
			}
		case HostNo, HostPart, HostWithNetwork:
			if e.Root != "" {
				t.Errorf("%v: %v, and equivalent to root", c, e.Host)
			}
		}
		if e.Root != "" {
			checkProse(t, c, "Root", e.Root)
		}
		if (e.Host == HostPaired) != (e.With != 0) {
			t.Errorf("%v: %v with %v", c, e.Host, e.With)
		}
	}
	for _, test := range []struct{ set, want caps.Set }{
		{caps.Of(caps.BPF), 0},
		{caps.Of(caps.BPF, caps.Perfmon), caps.Of(caps.BPF, caps.Perfmon)},
		{caps.Of(caps.DACOverride, caps.Chown, caps.Setuid, caps.Kill), caps.Of(caps.DACOverride, caps.Chown, caps.Setuid)},
		{caps.Of(caps.NetBindService, caps.NetRaw), 0},
		{1 << 50, 0},
	} {
		if got := RootEquivalent(test.set); got != test.want {
			t.Errorf("%v: got %v, want %v", test.set, got, test.want)
		}
	}
}

// The grades in a user namespace that tests/kernel tries.
func TestUserNSGrades(t *testing.T) {
	grades := map[UserNS][]caps.Cap{
		InNothing: {caps.LinuxImmutable, caps.SysModule, caps.SysRawio, caps.SysPacct, caps.SysTTYConfig, caps.Mknod, caps.Lease,
			caps.AuditWrite, caps.AuditControl, caps.AuditRead, caps.MACOverride, caps.Syslog, caps.WakeAlarm, caps.BlockSuspend},
		InException: {caps.BPF, caps.Perfmon, caps.MACAdmin},
		InOnePower:  {caps.IPCLock, caps.SysTime, caps.SysBoot, caps.SysResource, caps.SysNice},
		InPart: {caps.Fsetid, caps.DACReadSearch, caps.NetBindService, caps.NetAdmin, caps.NetRaw, caps.Kill, caps.SysPtrace,
			caps.CheckpointRestore, caps.SysAdmin},
		InFull: {caps.Chown, caps.DACOverride, caps.Fowner, caps.Setgid, caps.Setuid, caps.Setpcap, caps.Setfcap, caps.NetBroadcast,
			caps.IPCOwner, caps.SysChroot},
	}
	n := 0
	for grade, list := range grades {
		n += len(list)
		for _, c := range list {
			if e, _ := Of(c); e.UserNS != grade {
				t.Errorf("%v: got %v, want %v", c, e.UserNS, grade)
			}
		}
	}
	if n != caps.Named || WithoutEffect(caps.First(caps.Named)) != caps.Of(grades[InNothing]...) {
		t.Errorf("%d of %d are graded; without effect: %v", n, caps.Named, WithoutEffect(caps.First(caps.Named)))
	}
	if UserNS(99).String() != "unknown" || UserNS(99).Meaning() != "Not known." {
		t.Error("a grade that does not exist has a name")
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
		caps.Setuid: HostWithMount, caps.Setfcap: HostWithMount, caps.CheckpointRestore: HostNo, caps.Syslog: HostPart, caps.Setpcap: HostNo,
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
		for _, text := range append([]string{c.OCI(), e.Brief, e.Use, e.Danger.Text}, e.Permits[0].Text) {
			if !slices.Contains(Suggest(strings.ToUpper(text)), c) {
				t.Errorf("%q does not find %v", text, c)
			}
		}
	}
}
