package procfs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The files in testdata/status have the lines and spacing of the kernel (or of
// gVisor) that they are named after.
func readSample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "status", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseStatusOfManyKernels(t *testing.T) {
	const all = ^caps.Set(0)
	var unknown cred.Known[bool]
	want := map[string]cred.Process{
		"linux-2.6.32": {
			PID: 1091, TID: 1091, PPID: 1090, Name: "cat", RunState: 'R', Threads: 1, KernelThread: cred.Is(false),
			State: cred.State{
				Sets:   cred.Sets{Effective: all, Permitted: all, Bounding: all},
				Groups: []uint32{0, 1, 2, 3, 4, 6, 10, 19},
			},
		},
		"linux-3.2": {
			PID: 23582, TID: 23582, PPID: 23571, Name: "apt-get", RunState: 'S', Threads: 1, KernelThread: cred.Is(false),
			State: cred.State{Sets: cred.Sets{Effective: all, Permitted: all, Bounding: all}},
		},
		"linux-3.8": {
			PID: 4114, TID: 4114, PPID: 4024, Name: "bash", RunState: 'S', Threads: 1,
			KernelThread: cred.Is(false), Seccomp: cred.Is(cred.SeccompOff),
			State: cred.State{
				Sets: cred.Sets{Inheritable: 0x1000, Bounding: 0x1fffffffff},
				UID:  cred.Same(1000), GID: cred.Same(1000),
				Groups: []uint32{4, 24, 27, 29, 30, 46, 107, 124, 133, 134, 1000},
			},
		},
		"linux-4.4": {
			PID: 811, TID: 811, PPID: 790, Name: "sleep", RunState: 'S', Threads: 1, NSPID: []int{811, 7},
			KernelThread: cred.Is(false), Seccomp: cred.Is(cred.SeccompFilter),
			State: cred.State{
				Sets: cred.Sets{Effective: 0x400, Permitted: 0x400, Inheritable: 0x400, Bounding: 0x3fffffffff, Ambient: 0x400},
				UID:  cred.Same(2147583648), GID: cred.Same(4294967294), Groups: []uint32{4294967294, 1557},
				AmbientSupported: true,
			},
		},
		"linux-5.10": {
			PID: 4561, TID: 4561, PPID: 1, Name: "redis\\ser\nver", RunState: 'S', Threads: 273, NSPID: []int{4561},
			KernelThread: cred.Is(false), Seccomp: cred.Is(cred.SeccompFilter),
			State: cred.State{
				Sets: cred.Sets{Inheritable: 0xa80425fb, Bounding: 0xa80425fb},
				UID:  cred.IDs{Real: 999, Effective: 998, Saved: 997, FS: 996},
				GID:  cred.IDs{Real: 995, Effective: 994, Saved: 993, FS: 992}, Groups: []uint32{0},
				AmbientSupported: true, NoNewPrivs: cred.Is(true),
			},
		},
		"linux-5.10-zombie": {
			PID: 28182, TID: 28182, PPID: 28176, Name: "start_script.sh", RunState: 'Z', Threads: 1, NSPID: []int{28182},
			KernelThread: unknown, Seccomp: cred.Is(cred.SeccompOff),
			State: cred.State{
				Sets:   cred.Sets{Effective: 0x1fffffffff, Permitted: 0x1fffffffff, Bounding: 0x1fffffffff},
				Groups: []uint32{0}, AmbientSupported: true, NoNewPrivs: cred.Is(false),
			},
		},
		"linux-6.18-kthread": {
			PID: 2, TID: 2, PPID: 0, Name: "kthreadd", RunState: 'S', Threads: 1, NSPID: []int{2},
			KernelThread: cred.Is(true), Seccomp: cred.Is(cred.SeccompOff),
			State: cred.State{
				Sets:             cred.Sets{Effective: caps.First(41), Permitted: caps.First(41), Bounding: caps.First(41)},
				AmbientSupported: true, NoNewPrivs: cred.Is(false),
			},
		},
	}
	want["gvisor"] = cred.Process{
		PID: 1, TID: 1, Name: "sh", RunState: 'S', Threads: 1, KernelThread: cred.Is(false), Seccomp: cred.Is(cred.SeccompOff),
		State: cred.State{
			Sets: cred.Sets{Effective: 0xa80425fb, Permitted: 0xa80425fb, Bounding: 0xa80425fb},
			UID:  cred.Same(cred.UnknownID), GID: cred.Same(cred.UnknownID), GroupsUnknown: true,
		},
	}
	for name, want := range want {
		var got cred.Process
		if err := ParseStatus([]byte(readSample(t, name)), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%+v, want\n%+v", name, got, want)
		}
	}
}

// TestParseStatusLeavesNothingBehind: a reused value keeps nothing of the last.
func TestParseStatusLeavesNothingBehind(t *testing.T) {
	names := []string{"linux-4.4", "linux-5.10", "linux-3.2", "linux-6.18-kthread", "linux-2.6.32"}
	var reused cred.Process
	for _, name := range append(names, names...) {
		var fresh cred.Process
		text := []byte(readSample(t, name))
		if err := ParseStatus(text, &fresh); err != nil {
			t.Fatal(err)
		}
		if err := ParseStatus(text, &reused); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(fresh, reused) {
			t.Errorf("%s: fresh\n%+v, reused\n%+v", name, fresh, reused)
		}
	}
}

func TestParseStatusRefuses(t *testing.T) {
	good := readSample(t, "linux-5.10")
	replace := func(old, with string) string {
		if strings.Count(good, old) != 1 {
			t.Fatalf("%q is there %d times", old, strings.Count(good, old))
		}
		return strings.Replace(good, old, with, 1)
	}
	cases := []struct{ text, want string }{
		{"", "has no line Name"},
		{"\n", "has no name in line"},
		{good[:len(good)-1], "in the middle of line"},
		{good + good[:20], "in the middle of line"},
		{good + "Uid:\t0\t0\t0\t0\n", `has two lines "Uid"`},
		{good + "CapEff:\t0000000000000000\n", `has two lines "CapEff"`},
		{good + "Name:\tx\n", `has two lines "Name"`},
		{replace("Umask:\t0022", "a stray line"), "has no name in line"},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t999\t998\t997"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t999\t998\t997\t996\t995"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t999 998 997 996"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t\t\t\t"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t4294967296\t0\t0\t0"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t-2147483649\t0\t0\t0"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid:\t-0\t0\t0\t0"), `malformed in line "Uid"`},
		{replace("Uid:\t999\t998\t997\t996", "Uid: 999\t998\t997\t996"), `malformed in line "Uid"`},
		{replace("Groups:\t0 ", "Groups:\t0,1"), `malformed in line "Groups"`},
		{replace("Groups:\t0 ", "Groups:\t0\t1"), `malformed in line "Groups"`},
		{replace("CapEff:\t0000000000000000", "CapEff:\t"), `malformed in line "CapEff"`},
		{replace("CapEff:\t0000000000000000", "CapEff:\t000000000000000"), `malformed in line "CapEff"`},
		{replace("CapEff:\t0000000000000000", "CapEff:\t00000000000000000"), `malformed in line "CapEff"`},
		{replace("CapEff:\t0000000000000000", "CapEff:\t000000000000000A"), `malformed in line "CapEff"`},
		{replace("CapEff:\t0000000000000000", "CapEff:\t0x00000000000000"), `malformed in line "CapEff"`},
		{replace("NoNewPrivs:\t1", "NoNewPrivs:\t2"), `malformed in line "NoNewPrivs"`},
		{replace("NoNewPrivs:\t1", "NoNewPrivs:\t"), `malformed in line "NoNewPrivs"`},
		{replace("Seccomp:\t2", "Seccomp:\t3"), `malformed in line "Seccomp"`},
		{replace("State:\tS (sleeping)", "State:\t"), `malformed in line "State"`},
		{replace("State:\tS (sleeping)", "State:\tSleeping"), `malformed in line "State"`},
		{replace("PPid:\t1", "PPid:\t-1"), `malformed in line "PPid"`},
		{replace("Threads:\t273", "Threads:\t2147483648"), `malformed in line "Threads"`},
		{replace("NSpid:\t4561", "NSpid:\t4561\t"), `malformed in line "NSpid"`},
	}
	for _, name := range requiredNames {
		i := strings.Index(good, "\n"+name+":") + 1
		line, _, _ := strings.Cut(good[i:], "\n")
		cases = append(cases, struct{ text, want string }{replace(line+"\n", ""), "has no line " + name})
	}
	for _, c := range cases {
		var p cred.Process
		if err := ParseStatus([]byte(c.text), &p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q in:\n%.120q", err, c.want, c.text)
		}
	}
}

func TestParseStatusOptionalLines(t *testing.T) {
	text := readSample(t, "linux-5.10")
	for _, line := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapAmb:\t0000000000000000\n", "NSpid:\t4561\n", "VmSize:\t   30524 kB\n"} {
		text = strings.Replace(text, line, "", 1)
	}
	var p cred.Process
	if err := ParseStatus([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if p.NoNewPrivs.OK || p.Seccomp.OK || p.AmbientSupported || p.KernelThread.OK || p.NSPID != nil {
		t.Errorf("known without its line: %+v", p)
	}
}

// TestParseStatusAllocations: a name, the groups and the nested pids.
func TestParseStatusAllocations(t *testing.T) {
	text := []byte(readSample(t, "linux-3.8"))
	n := testing.AllocsPerRun(100, func() {
		var p cred.Process
		if ParseStatus(text, &p) != nil {
			t.Fatal("refused")
		}
	})
	if n > 2 {
		t.Errorf("%v allocations for a name and the groups", n)
	}
}

// FuzzStatus: no panic, and what is accepted is what a plain reading of the
// lines finds.
func FuzzStatus(f *testing.F) {
	files, err := filepath.Glob("testdata/status/*")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		f.Add([]byte(readSample(f, filepath.Base(file))))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p cred.Process
		if ParseStatus(text, &p) != nil {
			return
		}
		if err := naivelyEqual(string(text), &p); err != nil {
			t.Error(err)
		}
	})
}

// naivelyEqual reads a status file a second way: by the lines' own words, with
// the standard library's number parsers.
// known is four ids, none where they are unknown.
func known(id cred.IDs) []uint32 {
	if id == cred.Same(cred.UnknownID) {
		return nil
	}
	return []uint32{id.Real, id.Effective, id.Saved, id.FS}
}

func naivelyEqual(text string, p *cred.Process) error {
	lines := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		key, value, _ := strings.Cut(line, ":\t")
		lines[key] = value
	}
	var err error
	check := func(what string, got, want any) {
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("%s: read %v, the line says %v", what, got, want)
		}
	}
	hex := func(name string) caps.Set {
		n, err := strconv.ParseUint(lines[name], 16, 64)
		if _, there := lines[name]; there && err != nil {
			check(name, err, nil)
		}
		return caps.Set(n)
	}
	ids := func(name string) []uint32 {
		var list []uint32
		for _, f := range strings.Fields(lines[name]) {
			n, e := strconv.ParseInt(f, 10, 64)
			check(name, e, nil)
			list = append(list, uint32(n))
		}
		return list
	}
	check("name", p.Name, strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(lines["Name"]))
	check("sets", p.Sets, cred.Sets{Effective: hex("CapEff"), Permitted: hex("CapPrm"), Inheritable: hex("CapInh"), Bounding: hex("CapBnd"), Ambient: hex("CapAmb")})
	check("uid", known(p.UID), ids("Uid"))
	check("gid", known(p.GID), ids("Gid"))
	if _, there := lines["Groups"]; p.GroupsUnknown == there {
		check("groups are unknown", p.GroupsUnknown, !there)
	}
	if !slices.Equal(p.Groups, ids("Groups")) {
		check("groups", p.Groups, ids("Groups"))
	}
	check("pids", []uint32{uint32(p.PID), uint32(p.TID), uint32(p.PPID)}, slices.Concat(ids("Tgid"), ids("Pid"), ids("PPid")))
	check("threads", []int{p.Threads}, ids("Threads"))
	if _, ok := lines["NSpid"]; ok {
		check("nspid", p.NSPID, ids("NSpid"))
	}
	check("state", string(p.RunState), lines["State"][:1])
	flag := func(name string, got cred.Known[bool]) {
		want, ok := lines[name]
		if check(name+" known", got.OK, ok); ok {
			check(name, map[bool]string{false: "0", true: "1"}[got.Value], want)
		}
	}
	flag("NoNewPrivs", p.NoNewPrivs)
	if _, ok := lines["Kthread"]; ok {
		flag("Kthread", p.KernelThread)
	}
	if want, ok := lines["Seccomp"]; ok {
		check("seccomp", fmt.Sprint(uint8(p.Seccomp.Value)), want)
	}
	return err
}

func TestParseIDMap(t *testing.T) {
	for text, want := range map[string][]cred.IDRange{
		"":                                       {},
		"         0          0 4294967295\n":     {{Inside: 0, Outside: 0, Count: 4294967295}},
		"0 1000 1\n":                             {{Inside: 0, Outside: 1000, Count: 1}},
		" 0 1000 1\n    1 100000 65536\n":        {{Inside: 0, Outside: 1000, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536}},
		"         0 4294967295          1    \n": {{Inside: 0, Outside: 4294967295, Count: 1}},
	} {
		if got, ok := ParseIDMap([]byte(text)); !ok || !slices.Equal(got, want) {
			t.Errorf("ParseIDMap(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"0 0 1", "\n", "0 0\n", "0 0 0\n", "0 0 1 1\n", "a 0 1\n", "0\t0\t1\n", "0 0 4294967296\n", "0 0 1\n\n"} {
		if got, ok := ParseIDMap([]byte(text)); ok {
			t.Errorf("ParseIDMap(%q) = %v, want a refusal", text, got)
		}
	}
}

func TestParseNS(t *testing.T) {
	if n, ok := ParseNS("user", []byte("user:[4026531837]")); n != cred.InitialUserNS || !ok {
		t.Error(n, ok)
	}
	for _, text := range []string{"", "user:[]", "user:[1", "user:1]", "mnt:[1]", "user:[1]\n", "user:[-1]", "xuser:[1]", "user:[0x1]"} {
		if n, ok := ParseNS("user", []byte(text)); ok {
			t.Errorf("ParseNS(%q) = %d, want a refusal", text, n)
		}
	}
}
