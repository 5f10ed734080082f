package runtimes

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// kinds are the runtimes, and what capsh assess has to say of their containers.
var kinds = []struct {
	name    string
	make    func(t *testing.T, root string) *box
	runtime string // none if nothing in there shows it
	verdict string // empty where it is a matter of the host
	// sentry: /proc and /sys are not the host's.
	sentry bool
	// root are options that a launch as root takes there; noUser is why there is none
	// as another user.
	root   []string
	noUser string
}{
	// It has neither securebits nor, before 2026, an ambient set.
	{name: "gvisor", make: gVisor, runtime: "gvisor", sentry: true, root: []string{"--allow-mismatch"}, noUser: "no ambient set"},
	{name: "lxc", make: lxc, runtime: "lxc"},
	{name: "systemd-nspawn", make: nspawn, runtime: "systemd-nspawn"},
	{name: "bubblewrap", make: bubblewrap, noUser: "this user namespace denies setgroups"},
	{name: "bubblewrap, its own root", make: ownRoot, runtime: "bubblewrap", noUser: "this user namespace denies setgroups"},
	{name: "containerd", make: func(t *testing.T, root string) *box { return containerd(t, root) }, verdict: "default"},
	{name: "containerd, privileged", make: func(t *testing.T, root string) *box { return containerd(t, root, "--privileged") }, verdict: "privileged"},
}

func TestRuntimes(t *testing.T) {
	testenv.Root(t)
	root := rootFS(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			b := k.make(t, root)
			t.Run("print", func(t *testing.T) { b.comparePrint(t) })
			t.Run("show", func(t *testing.T) { b.compareShow(t) })
			t.Run("ps", func(t *testing.T) {
				if out := b.do("/bin/capsh", "ps"); !strings.Contains(out, "capsh") {
					t.Errorf("ps does not list itself:\n%s", out)
				}
			})
			t.Run("launch", func(t *testing.T) { b.launch(t, k.root, k.noUser) })
			t.Run("assess", func(t *testing.T) {
				a := b.assess(t)
				if a.Contained == nil || !*a.Contained {
					t.Errorf("contained: %v", a.Contained)
				}
				runtime := ""
				if a.Container != nil && a.Container.Runtime != nil {
					runtime = *a.Container.Runtime
				}
				if runtime != k.runtime {
					t.Errorf("runtime %q, want %q", runtime, k.runtime)
				}
				if k.verdict != "" && a.Verdict != k.verdict || a.Verdict == "not-a-container" {
					t.Errorf("verdict %s, want %s", a.Verdict, k.verdict)
				}
				b.try(t, a, k.sentry)
			})
		})
	}
}

// TestHostPIDs: with the host's PIDs and no capability but the default ones, a process
// becomes another user and writes the files that a process of that user reaches.
func TestHostPIDs(t *testing.T) {
	testenv.Root(t)
	b := podman(t, rootFS(t))
	dir := filepath.Join(t.TempDir(), "theirs")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Chown(dir, 4242, 4242))
	for d := filepath.Dir(dir); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	sleep := exec.Command("sleep", "1000")
	sleep.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}, Pdeathsig: syscall.SIGKILL}
	must(t, sleep.Start())
	t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
	file := fmt.Sprintf("/proc/%d/root%s/f", sleep.Process.Pid, dir)
	got := b.run("/bin/capset", "-q", "--user=4242:4242", "--", "/bin/sh", "-c", "echo written >"+file)
	text, _ := os.ReadFile(dir + "/f")
	if got.Code != 0 || string(text) != "written\n" {
		t.Errorf("writing %s: %q, %q", file, text, got.Err)
	}
	severity := ""
	for _, f := range b.assess(t).Findings {
		if f.ID == "pid-namespace" {
			severity = f.Severity
		}
	}
	if severity != "high" {
		t.Errorf("pid-namespace: %q", severity)
	}
}

// TestProot: proot answers setfsuid(-1) with -1, whoever runs: the fs ids are unknown,
// and a launch need not know them.
func TestProot(t *testing.T) {
	line := []string{testenv.Tool(t, "proot"), "-0", testenv.Build(t, "capset"), "-q", "--keep=none", "--", "/bin/echo", "started"}
	if got := testenv.Run(t, exec.Command(line[0], line[1:]...)); got.Code != 0 || got.Out != "started\n" {
		t.Errorf("status %d, %q, %q", got.Code, got.Out, got.Err)
	}
}

// comparePrint: --print is what libcap's says, to the byte.
func (b *box) comparePrint(t *testing.T) {
	theirs, ours := b.run("/bin/libcap", "--print"), b.run("/bin/capsh", "--print")
	if ours.Code != theirs.Code || ours.Out != theirs.Out {
		t.Errorf("status %d\n%s\nlibcap's: %d\n%s", ours.Code, ours.Out, theirs.Code, theirs.Out)
	}
}

// compareShow: what is reported is what the kernel's text has, as far as it goes.
func (b *box) compareShow(t *testing.T) {
	status := testenv.SplitStatus(b.do("/bin/cat", "/proc/self/status"))
	report := testenv.ParseReport(t, []byte(b.do("/bin/capsh", "show", "--json")))
	for _, d := range report.Disagreements(status) {
		name, _, _ := strings.Cut(d, ":")
		if status[name] == "" || slices.Contains([]string{"Tgid", "Pid", "NSpid"}, name) {
			continue // it is not there; another process
		}
		t.Error(d)
	}
}

// launch: the command has what was asked for, or an error says why it cannot.
func (b *box) launch(t *testing.T, root []string, noUser string) {
	const kill = "0000000000000020"
	command := []string{"--keep=kill", "--", "/bin/cat", "/proc/self/status"}
	if root != nil {
		got := b.run(slices.Concat([]string{"/bin/capset"}, command)...)
		if got.Code != 125 || got.Out != "" || !strings.Contains(got.Err, root[0]) {
			t.Errorf("as root, without %s: status %d, %q, %q", root[0], got.Code, got.Out, got.Err)
		}
	}
	status := testenv.SplitStatus(b.do(slices.Concat([]string{"/bin/capset", "-q"}, root, command)...))
	if status["CapEff"] != kill || status["CapPrm"] != kill || status["CapBnd"] != kill {
		t.Errorf("as root:\n%s", status.Credentials())
	}
	got := b.run(slices.Concat([]string{"/bin/capset", "-q", "--user=1000:1000"}, command)...)
	if noUser != "" {
		if got.Code != 125 || got.Out != "" || !strings.Contains(got.Err, noUser) {
			t.Errorf("as a user: status %d, %q, %q", got.Code, got.Out, got.Err)
		}
		return
	}
	status = testenv.SplitStatus(got.Out)
	if got.Code != 0 || status["CapEff"] != kill || status["CapBnd"] != kill || !slices.Equal(status.Fields("Uid"), []string{"1000", "1000", "1000", "1000"}) {
		t.Errorf("as a user: status %d, %q\n%s", got.Code, got.Err, status.Credentials())
	}
}

// assessed is what is read here of capsh assess --json.
type assessed struct {
	Verdict   string
	Contained *bool
	Container *struct{ Runtime *string }
	Findings  []struct{ ID, Severity, Evidence string }
}

func (b *box) assess(t *testing.T) *assessed {
	t.Helper()
	var a assessed
	got := b.run("/bin/capsh", "assess", "--json")
	if err := json.Unmarshal([]byte(got.Out), &a); err != nil {
		t.Fatalf("status %d, %q, %q: %v", got.Code, got.Out, got.Err, err)
	}
	return &a
}

// openScript opens a file of the tree $0 for writing and names it. It writes nothing,
// unless the tree is the kernel's settings: one of them is set to what it is. A tree
// without files is of status 2.
const openScript = `
setting=$0/kernel/panic
if test -e "$setting"; then
	value=$(cat "$setting") && echo "$value" >"$setting" && echo "$setting"
	exit
fi
files=$(find "$0" -type f | head -n 500)
test -n "$files" || exit 2
for file in $files; do
	if (: >>"$file") 2>/dev/null; then
		echo "$file"
		exit
	fi
done
exit 1`

// settings are a tree for each finding of a writable file system.
var settings = map[string][]string{
	"proc-sys": {"/proc/sys"},
	"sysfs":    {"/sys/kernel", "/sys/devices/system", "/sys/module"},
	"cgroupfs": {"/sys/fs/cgroup"},
}

// try opens for writing what is said to be writable, which succeeds, and what is said
// not to be, which fails.
func (b *box) try(t *testing.T, a *assessed, sentry bool) {
	for _, f := range a.Findings {
		t.Logf("%s: %s: %s", f.ID, f.Severity, f.Evidence)
		trees := settings[f.ID]
		if trees == nil {
			continue
		}
		_, list, writable := strings.Cut(f.Evidence, "writable: ")
		if writable {
			trees = strings.Split(list, ", ")
		} else if sentry || f.Severity != "held" && f.Severity != "ok" {
			continue
		}
		for _, tree := range trees {
			if !strings.HasPrefix(tree, "/") {
				continue // "and 3 more"
			}
			got := b.run("/bin/sh", "-c", openScript, tree)
			if got.Code != 2 && (got.Code == 0) != writable {
				t.Errorf("%s: %s: %q, but opening a file of %s for writing: status %d, %q, %q",
					f.ID, f.Severity, f.Evidence, tree, got.Code, got.Out, got.Err)
			}
		}
	}
}
