package commands

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// bundle is a directory with an OCI bundle that has capsh and what runc spec
// makes, changed.
func bundle(t *testing.T, runc string, change func(config map[string]any)) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"rootfs/proc", "rootfs/dev", "rootfs/sys"} {
		must(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	binary, err := os.ReadFile(program(t))
	must(t, err)
	must(t, os.WriteFile(dir+"/rootfs/capsh", binary, 0o755))
	must(t, exec.Command(runc, "spec", "--bundle", dir).Run())
	text, err := os.ReadFile(dir + "/config.json")
	must(t, err)
	var config map[string]any
	must(t, json.Unmarshal(text, &config))
	process := config["process"].(map[string]any)
	process["terminal"] = false
	delete(process, "rlimits") // there need be no right to raise them
	change(config)
	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(dir+"/config.json", text, 0o644))
	return dir
}

// The OCI form, merged into what runc spec makes, gives just what was asked:
// also to another user than root.
func TestFormatOCI(t *testing.T) {
	testenv.Root(t)
	runc := testenv.Tool(t, "runc")
	for _, before := range [][]string{nil, {testenv.Tool(t, "setpriv"), "--reuid=1000", "--regid=1001", "--groups=7,8"}} {
		words := append(before, program(t), "show", "--format=oci", "--need=net_bind_service,kill")
		r := testenv.Run(t, exec.Command(words[0], words[1:]...))
		var process map[string]any
		if err := json.Unmarshal([]byte(r.Out), &process); err != nil || r.Code != 0 || r.Err != "" {
			t.Fatalf("%v: %+v", err, r)
		}
		dir := bundle(t, runc, func(config map[string]any) {
			for name, v := range process {
				config["process"].(map[string]any)[name] = v
			}
			config["process"].(map[string]any)["args"] = []string{"/capsh", "--json", "--print"}
		})
		r = testenv.Run(t, exec.Command(runc, "--root="+dir+"/state", "run", "--bundle="+dir, "format-oci-"+strconv.Itoa(len(before))))
		if r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		report := testenv.ParseReport(t, []byte(r.Out))
		want := "0000000000000420"
		if m := report.Masks; m.Bounding != want || m.Effective != want || m.Permitted != want || !*report.NoNewPrivs {
			t.Errorf("%+v", report)
		}
		if before != nil && (report.UID.Real != 1000 || report.GID.Real != 1001 || !slices.Contains(report.Groups, 7) || !slices.Contains(report.Groups, 8)) {
			t.Errorf("%+v", report)
		}
	}
}

// systemd takes the lines as they are meant: it says what it has read from a unit
// that has them.
func TestFormatSystemd(t *testing.T) {
	testenv.Root(t)
	user := []string{testenv.Tool(t, "setpriv"), "--reuid=1000", "--regid=1001", "--groups=7,8"}
	for _, c := range []struct {
		before            []string
		need              string
		bounding, ambient string
	}{
		{nil, "net_bind_service,sys_admin", "cap_net_bind_service cap_sys_admin", ""},
		{user, "net_bind_service,sys_admin", "cap_net_bind_service cap_sys_admin", "cap_net_bind_service cap_sys_admin"},
		{user, "none", "", ""},
	} {
		words := append(c.before, program(t), "show", "--format=systemd", "--need="+c.need)
		r := testenv.Run(t, exec.Command(words[0], words[1:]...))
		read := unitAsRead(t, r.Out)
		if r.Code != 0 || read["CapabilityBoundingSet"] != c.bounding || read["AmbientCapabilities"] != c.ambient {
			t.Errorf("%+v: %q", c, read)
		}
		if c.before != nil && (read["User"] != "1000" || read["Group"] != "1001" || read["SupplementaryGroups"] != "7 8") {
			t.Errorf("%+v: %q", c, read)
		}
	}
}

// A form has the ids that a process has inside its user namespace, whoever looks;
// where these can't be told, there is no form.
func TestFormatIDs(t *testing.T) {
	testenv.Root(t)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	ids := []syscall.SysProcIDMap{{ContainerID: 5, HostID: 100000, Size: 100}}
	for _, test := range []struct {
		what string
		attr syscall.SysProcAttr
		want string // "" is an error
	}{
		{"a mapped user", syscall.SysProcAttr{UidMappings: ids, GidMappings: ids, Credential: &syscall.Credential{Uid: 6, Gid: 7, Groups: []uint32{8}}}, "--user=6:7 --group-add=8"},
		{"one that has no id", syscall.SysProcAttr{}, ""},
	} {
		cmd := exec.Command("/bin/sleep", "100")
		test.attr.Cloneflags = syscall.CLONE_NEWUSER
		test.attr.GidMappingsEnableSetgroups = true
		cmd.SysProcAttr = &test.attr
		must(t, cmd.Start())
		defer cmd.Wait()
		defer cmd.Process.Kill()
		for reader, who := range map[string]*syscall.Credential{"root": nil, "nobody": nobody} {
			show := exec.Command(program(t), "show", "--format=docker", strconv.Itoa(cmd.Process.Pid))
			show.SysProcAttr = &syscall.SysProcAttr{Credential: who}
			r := testenv.Run(t, show)
			if test.want == "" && (r.Code != 1 || r.Out != "" || !strings.Contains(r.Err, "no place")) ||
				test.want != "" && (r.Code != 0 || !strings.Contains(r.Out, " "+test.want+" ")) {
				t.Errorf("%s, seen by %s: %+v", test.what, reader, r)
			}
		}
	}
	inside := exec.Command(program(t), "show", "--format=docker")
	inside.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if r := testenv.Run(t, inside); r.Code != 1 || r.Out != "" || !strings.Contains(r.Err, "is unknown") {
		t.Errorf("of itself, without an id: %+v", r)
	}
}

// TestFormatBeyondDefault: a form for a container warns if it asks for more than the
// default, unless that was asked for.
func TestFormatBeyondDefault(t *testing.T) {
	testenv.Root(t)
	const warning = "show: warning: this asks for more capabilities than docker's default; use --need=LIST"
	for _, c := range []struct {
		keep, options string
		want          bool
	}{
		{"kill,sys_admin", "--format=docker", true},
		{"kill,sys_admin", "--format=oci", true},
		{"kill,sys_admin", "--format=systemd", false},
		{"kill,sys_admin", "--format=docker --need=sys_admin", false},
		{"kill", "--format=docker", false},
	} {
		words := append([]string{"--keep=" + c.keep, "-q", "--", program(t), "show"}, strings.Fields(c.options)...)
		r := testenv.Run(t, exec.Command(testenv.Build(t, "capset"), words...))
		if r.Code != 0 || strings.Contains(r.Err, warning) != c.want {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

// TestFormatCapset: the command line leads to the same ids, groups and permitted
// set, or warns that it does not.
func TestFormatCapset(t *testing.T) {
	testenv.Root(t)
	setpriv := testenv.Tool(t, "setpriv")
	for _, groups := range []string{"--clear-groups", "--groups=5,6", "--groups=5,1001", "--groups=1001"} {
		before := []string{setpriv, "--reuid=1000", "--regid=1001", groups, "--inh-caps=+kill", "--ambient-caps=+kill"}
		words := append(before, program(t), "show", "--format=capset")
		r := testenv.Run(t, exec.Command(words[0], words[1:]...))
		if r.Code != 0 || (r.Err != "") != (groups == "--groups=5,6") {
			t.Fatalf("%s: %+v", groups, r)
		}
		command := strings.Fields(r.Out)
		command = append(command[1:len(command)-1], "cat", "/proc/self/status")
		got := testenv.SplitStatus(testenv.Run(t, exec.Command(testenv.Build(t, "capset"), append([]string{"-q"}, command...)...)).Out)
		want := testenv.SplitStatus(testenv.Run(t, exec.Command(before[0], append(before[1:], "cat", "/proc/self/status")...)).Out)
		for _, name := range []string{"Uid", "Gid", "Groups", "CapPrm"} {
			g, w := strings.Join(got.Fields(name), " "), strings.Join(want.Fields(name), " ")
			if g != w && !(name == "Groups" && r.Err != "") {
				t.Errorf("%s: %s %q, not %q", groups, name, g, w)
			}
		}
	}
}

// unitAsRead is what systemd says of a service with the given lines, which must
// be all that it has to say of the file.
func unitAsRead(t *testing.T, lines string) map[string]string {
	t.Helper()
	unit := filepath.Join(t.TempDir(), "test-format.service")
	must(t, os.WriteFile(unit, []byte("[Unit]\nDescription=Test\n[Service]\nExecStart=/bin/true\n"+lines), 0o644))
	cmd := exec.Command(testenv.Tool(t, "systemd-analyze"), "verify", "--man=no", unit)
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=debug")
	r := testenv.Run(t, cmd)
	read := map[string]string{}
	for line := range strings.Lines(r.Out + r.Err) {
		if strings.HasPrefix(line, unit) {
			t.Errorf("systemd complains: %s", line)
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		read[name] = strings.TrimSpace(value)
	}
	if r.Code != 0 || read["CapabilityBoundingSet"] == "" && !strings.Contains(lines, "CapabilityBoundingSet=\n") {
		t.Fatalf("%+v", r)
	}
	return read
}

// The matrix has each set as the kernel and libcap have it.
func TestShowMatrix(t *testing.T) {
	testenv.Root(t)
	testenv.Libcap(t)
	held := exec.Command("/usr/sbin/capsh", "--drop=cap_kill,cap_sys_time", "--inh=cap_chown,cap_net_raw", "--caps=cap_chown,cap_net_raw,cap_setuid+p cap_chown+i cap_net_raw+i cap_setuid+e", "--addamb=cap_chown",
		"--shell=/bin/sleep", "--", "1000")
	must(t, held.Start())
	defer func() { held.Process.Kill(); held.Wait() }()
	pid := held.Process.Pid
	for range 200 {
		if name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); string(name) == "sleep\n" {
			break
		}
		exec.Command("sleep", "0.02").Run()
	}
	status, err := testenv.ReadStatus("/proc/" + strconv.Itoa(pid) + "/status")
	must(t, err)
	text := capsh(t, "show", strconv.Itoa(pid)).Out
	names := map[string][]string{} // by the letter of the set
	for line := range strings.Lines(text) {
		f := strings.Fields(strings.TrimLeft(line, " !"))
		if len(f) < 6 || strings.Trim(strings.Join(f[1:6], ""), "*.") != "" {
			continue
		}
		for i, set := range []string{"CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"} {
			if f[i+1] == "*" {
				names[set] = append(names[set], "cap_"+f[0])
			}
		}
	}
	for _, set := range []string{"CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"} {
		want, err := testenv.Decode(status[set])
		must(t, err)
		if got := strings.Join(names[set], ","); got != want {
			t.Errorf("%s: %s, want %s", set, got, want)
		}
	}
	report := testenv.ParseReport(t, []byte(capsh(t, "show", "--json", strconv.Itoa(pid)).Out))
	for _, problem := range report.Disagreements(status) {
		t.Error(problem)
	}
	thread := strconv.Itoa(pid) + "/" + strconv.Itoa(pid)
	if r := capsh(t, "show", thread, strconv.Itoa(os.Getpid())); r.Code != 0 || strings.Count(r.Out, "\nusers ") != 2 {
		t.Errorf("%+v", r)
	}
}

// TestSecurebitsRead: a BPF program is loaded for the securebits of another process
// only where they are shown or decide.
func TestSecurebitsRead(t *testing.T) {
	testenv.Root(t)
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "BPF iterators", err == nil, "the kernel has no BTF")
	for args, want := range map[string]bool{
		"--pid=1 --print": true, "--pid=1 --current --json": true, "--pid=1 --mode": true, "show 1": true, "show --json 1": true,
		"--pid=1 --current": false, "--pid=1 --supports=cap_chown": false, "show --format=docker --need=chown 1": false, "show": false,
	} {
		if _, calls := traced(t, 0, strings.Fields(args)); strings.Contains(calls, "BPF_PROG_LOAD") != want || !want && calls != "" {
			t.Errorf("%s: %q, want %v", args, calls, want)
		}
	}
}

func TestShowUsage(t *testing.T) {
	for _, bad := range [][]string{{"x"}, {"0"}, {"1/"}, {"1/2/3"}, {"--pid="}, {"--pid=x"}, {"-p"}, {"--need=chown"}, {"--format=yaml"}, {"--color=blue"}, {"--proc="}, {"1", "1", "--format=kubernetes"}, {"1", "--pid=1", "--format=docker"}} {
		r := capsh(t, append([]string{"show"}, bad...)...)
		if r.Code != 2 || r.Out != "" || !strings.HasPrefix(r.Err, "capsh: show: ") || strings.Count(r.Err, "\n") != 1+strings.Count(r.Err, "\n  ") {
			t.Errorf("%q: %+v", bad, r)
		}
	}
	for _, command := range []string{"show", "assess", "explain"} {
		r := capsh(t, command, "--help")
		if r.Code != 0 || !strings.HasPrefix(r.Out, "usage: capsh "+command) || strings.Count(r.Out, "\n") > 24 {
			t.Errorf("%+v", r)
		}
		for line := range strings.Lines(r.Out) {
			if len(line) > 81 {
				t.Errorf("%s: wide: %q", command, line)
			}
		}
	}
}

// TestCannotRead: what can't be read is no wrong usage, whichever command it is.
func TestCannotRead(t *testing.T) {
	for _, args := range []string{"show", "assess", "ps", "tree", "predict PROC id", "expect nnp", "explain chown", "explain --json", "show --format=docker"} {
		if !strings.Contains(args, "PROC") {
			args += " PROC"
		}
		r := capsh(t, strings.Fields(strings.Replace(args, "PROC", "--proc=/no/such", 1))...)
		if r.Code != 1 || r.Out != "" || !strings.HasPrefix(r.Err, "capsh: ") || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// TestShowGone: one that is not there keeps none of the others from being shown.
func TestShowGone(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	r := capsh(t, "show", own, "2147483647", own)
	if r.Code != 1 || r.Err != "capsh: show: process 2147483647: no such process\n" || strings.Count(r.Out, "\nusers ") != 2 {
		t.Errorf("%+v", r)
	}
}

// TestExplainProc: which capabilities the kernel has is said of another procfs's.
func TestExplainProc(t *testing.T) {
	proc := t.TempDir()
	must(t, os.MkdirAll(proc+"/sys/kernel", 0o755))
	must(t, os.WriteFile(proc+"/sys/kernel/cap_last_cap", []byte("37\n"), 0o644))
	for name, want := range map[string]string{"audit_read": `"supported":true`, "bpf": `"supported":false`} {
		if r := capsh(t, "explain", "--json", "--proc="+proc, name); r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestShowWithoutProc: what only /proc has is null without it, not empty.
func TestShowWithoutProc(t *testing.T) {
	for command, want := range map[string]string{"show": `"name":null,"state":null,"threads":null,"nspid":null,`, "assess": `"name":null,`} {
		r := script(t, "-m", `umount -l /proc && exec "$0" `+command+" --json")
		if r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

// TestOtherProc: where /proc is that of another PID namespace, this process is
// still the one that is spoken of, and not whoever has its id there.
func TestOtherProc(t *testing.T) {
	testenv.Root(t)
	unshare := testenv.Tool(t, "unshare")
	for _, args := range [][]string{
		{"--print", "--json"}, {"--print", "--json", "--proc=/proc"}, {"show", "--json"}, {"assess", "--json"},
	} {
		cmd := exec.Command(unshare, append([]string{"--pid", "--fork", program(t)}, args...)...)
		r := testenv.Run(t, cmd)
		if r.Code != 0 || !strings.Contains(r.Out, `"name":"capsh"`) {
			t.Errorf("%q: %+v", args, r)
		}
	}
}
