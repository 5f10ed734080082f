package container

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// setting is a configuration of a container.
type setting struct {
	name    string
	options []string
	only    *engine
}

var ways = []setting{
	{"default", nil, nil},
	{"one capability", []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE"}, nil},
	{"one capability as a user", []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", "--user=1000"}, nil},
	{"another uid, gid and groups", []string{"--user=7:8", "--group-add=9", "--group-add=2147483647"}, nil},
	{"nothing, read-only", []string{"--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges", "--user=1000:1000"}, nil},
	{"no seccomp", []string{"--security-opt=seccomp=unconfined", "--cap-add=SYS_PTRACE", "--cap-add=SYS_ADMIN"}, nil},
	{"privileged", []string{"--privileged"}, nil},
	{"user namespace", []string{"--uidmap=0:100000:65536"}, podman},
	{"user namespace as a user", []string{"--uidmap=0:100000:65536", "--user=1000", "--cap-add=CHOWN"}, podman},
}

// eachWay runs a test in each configuration that an engine supports here.
func eachWay(t *testing.T, test func(t *testing.T, e *engine, w setting)) {
	eachEngine(t, func(t *testing.T, e *engine) {
		for _, w := range ways {
			if w.only != nil && w.only != e {
				continue
			}
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				if w.name == "privileged" && e == docker {
					allNeeded(t)
				}
				test(t, e, w)
			})
		}
	})
}

// allNeeded skips where the host's root lacks a capability: Docker asks runc for all of
// them in a privileged container, which is refused. Nothing can be installed for that.
func allNeeded(t *testing.T) {
	t.Helper()
	s, err := testenv.ReadStatus("/proc/self/status")
	must(t, err)
	if s["CapBnd"] != "000001ffffffffff" {
		t.Skipf("root of this host lacks capabilities (bounding set %s): Docker cannot run a privileged container", s["CapBnd"])
	}
}

// views is a script that shows the container from inside.
const views = `/capsh --print; echo ====
/capsh --json --print; echo ====
/busybox cat /proc/self/status; echo ====
/capsh --json --print --pid=1; echo ====
/busybox cat /proc/1/status; echo ====
echo ready; while :; do /busybox sleep 1000; done`

// What capsh shows inside and outside, the kernel's lines inside and outside, and what
// the engine reports are the same.
func TestViews(t *testing.T) {
	testenv.Libcap(t)
	eachWay(t, func(t *testing.T, e *engine, w setting) {
		image := e.image(t, "views", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t), accounts())...)
		c := e.start(t, w.options, image, "/bin/sh", "-c", views)
		v := strings.Split(c.waitFor(t, "ready"), "====\n")
		if len(v) != 6 {
			t.Fatalf("%q", v)
		}
		own, status := testenv.ParseReport(t, []byte(v[1])), testenv.SplitStatus(v[2])
		first, firstStatus := testenv.ParseReport(t, []byte(v[3])), testenv.SplitStatus(v[4])
		outside := testenv.ParseReport(t, []byte(hostCapsh(t, c, "--json", "--print")))

		// The shell and what it runs have the same, as three processes.
		for _, name := range []string{"Pid", "Tgid", "NSpid"} {
			status[name] = strconv.Itoa(own.PID)
		}
		disagree(t, "itself", own.Disagreements(status))
		disagree(t, "PID 1 inside", first.Disagreements(firstStatus))
		disagree(t, "PID 1 outside", outside.Disagreements(c.status(t)))
		if own.Masks != first.Masks || own.Masks != outside.Masks {
			t.Errorf("inside %v, PID 1 %v, outside %v", own.Masks, first.Masks, outside.Masks)
		}
		if ids := outside.NSPID; len(ids) != 2 || ids[0] != c.pid || ids[1] != 1 {
			t.Errorf("nspid %v", ids)
		}
		promised(t, c, outside)
		namespace(t, w, own, first, outside)

		sets, iab, err := testenv.Getpcaps(c.pid)
		must(t, err)
		if want := printed(t, status, sets, iab); v[0] != want {
			t.Errorf("--print inside:\n%s\nwant:\n%s", v[0], want)
		}
		text := hostCapsh(t, c, "--print")
		for _, want := range []string{"\nCurrent: " + sets + "\n", "\nCurrent IAB: " + iab + "\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("--print outside lacks%sbut is\n%s", want, text)
			}
		}
	})
}

// hostCapsh asks about the container's first process from outside.
func hostCapsh(t testing.TB, c *container, args ...string) string {
	t.Helper()
	r := testenv.Run(t, exec.Command(testenv.Build(t, "capsh"), append(args, "--pid="+strconv.Itoa(c.pid))...))
	if r.Code != 0 || r.Err != "" {
		t.Fatalf("%+v", r)
	}
	return r.Out
}

func disagree(t testing.TB, what string, list []string) {
	t.Helper()
	for _, problem := range list {
		t.Errorf("%s: %s", what, problem)
	}
}

// printed is all of --print, from the kernel's lines and libcap's words.
func printed(t testing.TB, s testenv.Status, sets, iab string) string {
	t.Helper()
	bounding, err := testenv.Decode(s["CapBnd"])
	must(t, err)
	ambient, err := testenv.Decode(s["CapAmb"])
	must(t, err)
	users := map[string]string{"0": "root", "1000": "app"}
	groups := map[string]string{"0": "root", "1001": "app", "1002": "extra"}
	named := func(id string, names map[string]string) string {
		if name := names[id]; name != "" {
			return id + "(" + name + ")"
		}
		return id + "(???)"
	}
	var all []string
	for _, gid := range s.Fields("Groups") {
		all = append(all, named(gid, groups))
	}
	return "Current: " + sets + "\nBounding set =" + bounding + "\nAmbient set =" + ambient + "\nCurrent IAB: " + iab +
		"\nSecurebits: 00/0x0/1'b0 (no-new-privs=" + s["NoNewPrivs"] + ")" + `
 secure-noroot: no (unlocked)
 secure-no-suid-fixup: no (unlocked)
 secure-keep-caps: no (unlocked)
 secure-no-ambient-raise: no (unlocked)
uid=` + named(s.Fields("Uid")[0], users) + " euid=" + named(s.Fields("Uid")[1], users) +
		"\ngid=" + named(s.Fields("Gid")[0], groups) + "\ngroups=" + strings.Join(all, ",") + "\nGuessed mode: HYBRID (4)\n"
}

// dockerDefault is what the Docker engine gives (FACTS: moby's
// daemon/pkg/oci/caps/defaults.go).
var dockerDefault = []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP"}

// promised compares with what the engine says: podman names the sets, Docker
// what was added to and dropped from its default.
func promised(t testing.TB, c *container, r *testenv.Report) {
	t.Helper()
	said := c.inspect(t)
	bounding, effective := said.BoundingCaps, said.EffectiveCaps
	if c.engine == docker {
		if said.HostConfig.Privileged {
			return // all, whatever that is
		}
		bounding = nil
		for _, name := range dockerDefault {
			if !slices.Contains(said.HostConfig.CapDrop, "ALL") && !slices.Contains(said.HostConfig.CapDrop, name) {
				bounding = append(bounding, name)
			}
		}
		bounding = append(bounding, said.HostConfig.CapAdd...)
		if effective = bounding; r.UID.Effective != 0 {
			effective = nil
		}
	}
	same(t, "bounding", r.Capabilities.Bounding, bounding)
	same(t, "effective", r.Capabilities.Effective, effective)
}

// same compares two lists of names, in any order and with or without CAP_.
func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	plain := func(list []string) []string {
		var out []string
		for _, name := range list {
			out = append(out, strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	if got, want := plain(got), plain(want); !slices.Equal(got, want) {
		t.Errorf("%s: %v, the engine promises %v", what, got, want)
	}
}

// namespace checks what capsh shows of the user namespace from both sides.
func namespace(t testing.TB, w setting, views ...*testenv.Report) {
	t.Helper()
	mapped := slices.Contains(w.options, "--uidmap=0:100000:65536")
	want := testenv.IDRange{Inside: 0, Outside: 0, Count: 4294967295}
	if mapped {
		want = testenv.IDRange{Inside: 0, Outside: 100000, Count: 65536}
	}
	for i, r := range views {
		ns := r.UserNamespace
		// A process of more capabilities may hide it; the others show it.
		if ns.Initial != nil && *ns.Initial == mapped || ns.Initial == nil && i != 1 {
			t.Errorf("view %d: initial is wrong: %+v", i, ns)
		}
		if len(ns.UIDMap) != 1 || ns.UIDMap[0] != want {
			t.Errorf("view %d: uid_map %v, want %v", i, ns.UIDMap, want)
		}
	}
}

// In an image with nothing but the program there are no names and no shell.
func TestFromScratch(t *testing.T) {
	eachWay(t, func(t *testing.T, e *engine, w setting) {
		image := e.image(t, "scratch", []string{`ENTRYPOINT ["/capsh"]`}, program(t, "capsh"))
		r := e.run(t, w.options, image, "--print", "--", "-c", "x")
		var ids []string
		for line := range strings.Lines(r.Out) {
			if strings.Contains(line, "id=") || strings.HasPrefix(line, "groups=") {
				ids = append(ids, line)
			}
		}
		if text := strings.Join(ids, ""); len(ids) != 3 || strings.Count(text, "(") != strings.Count(text, "(???)") {
			t.Errorf("names in an image without any: %q", ids)
		}
		if r.Code != 1 || r.Err != "capsh: there is neither /bin/bash nor /bin/sh here; --shell=PATH runs another program\n" {
			t.Errorf("no shell: exit status %d, %q", r.Code, r.Err)
		}
	})
}

// Where there is no bash but a sh, that is what -- and -+ run.
func TestShellOfTheImage(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "views", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t), accounts())...)
		r := e.run(t, []string{"--user=app"}, image, "/capsh", "--drop=cap_kill", "-+", "-c", "/capsh --dropped=cap_kill; exit $?")
		if r.Code != 1 { // a user may not drop
			t.Errorf("%+v", r)
		}
		r = e.run(t, nil, image, "/capsh", "--drop=cap_kill", "--user=app", "--", "-c", "/capsh --dropped=cap_kill && echo $USER $HOME; exit 7")
		if r.Code != 7 || r.Out != "app /home/app\n" {
			t.Errorf("%+v", r)
		}
	})
}

// A debug container sees the host's processes through the host's procfs.
func TestHostProc(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "scratch", []string{`ENTRYPOINT ["/capsh"]`}, program(t, "capsh"))
		sleeper := exec.Command("setpriv", "--reuid=1234", "--regid=5", "--clear-groups", "--bounding-set=-chown", "sleep", "1000")
		must(t, sleeper.Start())
		defer func() { sleeper.Process.Kill(); sleeper.Wait() }()
		pid := strconv.Itoa(sleeper.Process.Pid)
		var status testenv.Status
		for status["Name"] != "sleep" {
			var err error
			status, err = testenv.ReadStatus("/proc/" + pid + "/status")
			must(t, err)
		}
		r := e.run(t, []string{"-v=/proc:/host/proc:ro"}, image, "--proc=/host/proc", "--pid="+pid, "--json", "--print")
		if r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		disagree(t, "a process of the host", testenv.ParseReport(t, []byte(r.Out)).Disagreements(status))
	})
}
