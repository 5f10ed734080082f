package commands

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// assessed is what capsh assess --json says, as far as these tests look.
type assessed struct {
	Verdict   string
	Contained *bool
	Container *struct{ Runtime *string }
	Findings  []struct{ ID, Severity string }
}

func (a *assessed) severity(id string) string {
	for _, f := range a.Findings {
		if f.ID == id {
			return f.Severity
		}
	}
	return ""
}

// assess runs capsh assess --json, behind the words before it.
func assess(t testing.TB, pid int, before ...string) *assessed {
	t.Helper()
	words := append(before, program(t), "assess", "--json")
	if pid > 0 {
		words = append(words, strconv.Itoa(pid))
	}
	r := testenv.Run(t, exec.Command(words[0], words[1:]...))
	var a assessed
	if err := json.Unmarshal([]byte(r.Out), &a); err != nil || r.Code != 0 || r.Err != "" {
		t.Fatalf("%v: %+v", err, r)
	}
	return &a
}

// onHost skips where the tests themselves run in a container.
func onHost(t testing.TB) {
	t.Helper()
	link, err := os.Readlink("/proc/self/ns/pid")
	testenv.Need(t, "the initial PID namespace", err == nil && link == "pid:[4026531836]", "the tests run in a container")
}

// A process that nothing contains is in no container, whoever it is and whoever
// asks.
func TestAssessHost(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	setpriv := testenv.Tool(t, "setpriv")
	user := []string{setpriv, "--reuid=1000", "--regid=1000", "--clear-groups"}
	for name, a := range map[string]*assessed{
		"this": assess(t, 0), "init": assess(t, 1), "a user": assess(t, 0, user...), "init, seen by a user": assess(t, 1, user...),
	} {
		if a.Verdict != "not-a-container" || a.Contained == nil || *a.Contained || a.Container != nil || len(a.Findings) > 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// Securebits take a BPF program. show tells of them, assess does not.
func TestAssessLoadsNothing(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "BPF iterators", err == nil, "the kernel has no BTF")
	if _, calls := traced(t, 0, []string{"show", "1"}); !strings.Contains(calls, "BPF_PROG_LOAD") {
		t.Errorf("show: %s", calls)
	}
	if _, calls := traced(t, 0, []string{"assess", "1"}); calls != "" {
		t.Errorf("assess: %s", calls)
	}
}

// What fails by --fail-on is the word and all that is worse.
func TestAssessFailOn(t *testing.T) {
	onHost(t)
	for word, want := range map[string]int{"unknown": 0, "not-a-container": 1, "privileged": 1, "default": 1, "no-capabilities": 1} {
		if r := capsh(t, "assess", "--fail-on="+word); r.Code != want || r.Err != "" || !strings.HasPrefix(r.Out, "verdict ") {
			t.Errorf("%s: %+v", word, r)
		}
	}
	for _, bad := range [][]string{{"--fail-on=bad"}, {"--fail-on"}, {"1", "2"}, {"0"}, {"x"}, {"--need=chown"}, {"--format=xml"}, {"--format=docker", "--need=x"}} {
		r := capsh(t, append([]string{"assess"}, bad...)...)
		if r.Code != 2 || r.Out != "" || !strings.HasPrefix(r.Err, "capsh: assess: ") || strings.Count(r.Err, "\n") > 2 {
			t.Errorf("%q: %+v", bad, r)
		}
	}
	if r := capsh(t, "assess", "2147483647"); r.Code != 1 || r.Err != "capsh: assess: process 2147483647: no such process\n" {
		t.Errorf("%+v", r)
	}
}

// A thread is told as one, by itself.
func TestAssessThread(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	for _, entry := range threads {
		var got struct{ PID, TID int }
		r := capsh(t, "assess", "--json", self+"/"+entry.Name())
		if err := json.Unmarshal([]byte(r.Out), &got); err != nil || got.PID != os.Getpid() || strconv.Itoa(got.TID) != entry.Name() {
			t.Errorf("%s: %+v, %v, %+v", entry.Name(), got, err, r)
		}
	}
	if r := capsh(t, "assess", self+"/1"); r.Code != 1 || r.Out != "" {
		t.Errorf("not its thread: %+v", r)
	}
}

// A file of Docker's makes no container, nor does a mount namespace besides; but
// it is told.
func TestAssessStrayFile(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	root := t.TempDir()
	binary, err := os.ReadFile(program(t))
	must(t, err)
	must(t, os.WriteFile(root+"/capsh", binary, 0o755))
	must(t, os.WriteFile(root+"/.dockerenv", nil, 0o644))
	must(t, os.Mkdir(root+"/proc", 0o755))
	for namespaces, want := range map[string]string{"-m": "not-a-container", "-mu": "privileged"} {
		cmd := exec.Command(testenv.Tool(t, "unshare"), namespaces, "sh", "-c", `mount --rbind /proc "$1/proc" && exec chroot "$1" /capsh assess`, "sh", root)
		r := testenv.Run(t, cmd)
		text := strings.Join(strings.Fields(r.Out), " ")
		if r.Code != 0 || !strings.HasPrefix(text, "verdict "+want+": ") || !strings.Contains(text, "/.dockerenv exists") {
			t.Errorf("%s: %+v", namespaces, r)
		}
	}
}

// Where no more files may be open it says so, or what it knows all the same.
func TestAssessFewFiles(t *testing.T) {
	for n := 3; n <= 12; n++ {
		for _, command := range []string{"assess", "show", "ps", "file /usr/bin/su", "predict id"} {
			cmd := exec.Command("sh", "-c", `ulimit -n $1; exec "$2" $3`, "sh", strconv.Itoa(n), program(t), command)
			if r := testenv.Run(t, cmd); r.Code > 1 || strings.Contains(r.Err, "goroutine") || r.Code == 1 && r.Err == "" {
				t.Errorf("%d files, %s: exit status %d, %s", n, command, r.Code, r.Err)
			}
		}
	}
}

// Without a /proc nothing says that it is a container, or that it is none.
func TestAssessNoProc(t *testing.T) {
	testenv.Root(t)
	unshare := testenv.Tool(t, "unshare")
	a := assess(t, 0, unshare, "-m", "sh", "-c", `umount -l /proc && exec "$@"`, "sh")
	if a.Verdict != "unknown" || a.Contained != nil || a.severity("pid-namespace") != "unknown" || a.severity("seccomp") != "unknown" {
		t.Errorf("%+v", a)
	}
	r := testenv.Run(t, exec.Command(unshare, "-m", "sh", "-c", `umount -l /proc && exec "$@"`, "sh", program(t), "assess", "--fail-on=privileged"))
	if r.Code != 1 || r.Err != "" {
		t.Errorf("unknown passes: %+v", r)
	}
}

// A full set in a user namespace is told from one on the host.
func TestAssessUserNamespace(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	user := []string{testenv.Tool(t, "setpriv"), "--reuid=1000", "--regid=1000", "--clear-groups", testenv.Tool(t, "unshare"), "-Ur"}
	if a := assess(t, 0, user...); a.Verdict != "confined-root" || a.severity("user-namespace") != "ok" {
		t.Errorf("inside: %+v", a)
	}
	if a := assess(t, 0, user[4], "-r"); a.Verdict != "over-privileged" || a.severity("user-namespace") != "high" {
		t.Errorf("with the host's root: %+v", a)
	}
	sleep := exec.Command(user[0], append(user[1:], "sh", "-c", "echo; exec sleep 1000")...)
	out, err := sleep.StdoutPipe()
	must(t, err)
	must(t, sleep.Start())
	defer func() { sleep.Process.Kill(); sleep.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if a := assess(t, sleep.Process.Pid); a.Verdict != "confined-root" {
		t.Errorf("outside: %+v", a)
	}
	r := capsh(t, "show", strconv.Itoa(sleep.Process.Pid))
	var ns unix.Stat_t
	must(t, unix.Stat("/proc/"+strconv.Itoa(sleep.Process.Pid)+"/ns/user", &ns))
	want := "a full set, but only inside user namespace " + strconv.FormatUint(ns.Ino, 10) + " owned by uid 1000."
	if got := strings.Join(strings.Fields(r.Out), " "); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant %s", r.Out, want)
	}
}

// A container that shares the host's PIDs is one all the same.
func TestAssessSharedPIDs(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	runc := testenv.Tool(t, "runc")
	bundle := bundle(t, runc, func(config map[string]any) {
		linux := config["linux"].(map[string]any)
		var kept []any
		for _, ns := range linux["namespaces"].([]any) {
			if ns.(map[string]any)["type"] != "pid" {
				kept = append(kept, ns)
			}
		}
		linux["namespaces"] = kept
		linux["cgroupsPath"] = "/docker/" + strings.Repeat("0a", 32)
		config["process"].(map[string]any)["args"] = []string{"/capsh", "assess", "--json"}
	})
	r := testenv.Run(t, exec.Command(runc, "--root="+bundle+"/state", "run", "--bundle="+bundle, "assess-shared-pids"))
	var a assessed
	if err := json.Unmarshal([]byte(r.Out), &a); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if a.Verdict != "over-privileged" || a.severity("pid-namespace") != "high" || a.severity("net-namespace") != "ok" || *a.Container.Runtime != "docker" {
		t.Errorf("%+v", a)
	}
}

// The host's root is not told to be out of reach where it is the process's own.
func TestAssessOwnRoot(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	unshare := testenv.Tool(t, "unshare")
	if a := assess(t, 0, unshare, "-mpf", "--mount-proc"); a.severity("host-root") != "unknown" || a.severity("mnt-namespace") == "critical" {
		t.Errorf("in a mount namespace of its own: %+v", a)
	}
	if a := assess(t, 0, unshare, "-pf"); a.severity("host-root") != "critical" || a.severity("mnt-namespace") != "critical" {
		t.Errorf("in the host's: %+v", a)
	}
}

// podman in a mount namespace of its own, where none of its state is the host's.
const podman = `mount -t tmpfs tmpfs /dev/shm && mkdir -p /run/libpod && mount -t tmpfs tmpfs /run/libpod || exit
run() { podman --root="$0/root" --runroot="$0/run" --storage-driver=vfs --runtime=runc --cgroup-manager=cgroupfs --events-backend=none "$@"; }
tar -C "$0/image" -c capsh | run import - capsh >"$0/log" 2>&1 || { cat "$0/log"; exit 1; }
run run --rm --network=none --ulimit=nofile=256:256 --ulimit=nproc=256:256 "$@"`

// So it is with the host's PIDs by podman, which has to run among them. From
// there the mount table of the host's init is to be seen.
func TestAssessPodmanPIDs(t *testing.T) {
	onHost(t)
	testenv.Root(t)
	for _, tool := range []string{"podman", "runc", "tar"} {
		testenv.Tool(t, tool)
	}
	unshare := testenv.Tool(t, "unshare")
	dir, err := os.MkdirTemp("", "assess-")
	must(t, err)
	defer os.RemoveAll(dir) // what podman leaves behind may still be at work
	binary, err := os.ReadFile(program(t))
	must(t, err)
	must(t, os.Mkdir(dir+"/image", 0o755))
	must(t, os.WriteFile(dir+"/image/capsh", binary, 0o755))
	for _, c := range []struct {
		options           []string
		root, directories string
	}{
		{nil, "ok", "ok"},
		{[]string{"--volume=/:/host"}, "critical", "ok"},
		{[]string{"--volume=/run:/x:ro"}, "ok", "medium"},
	} {
		args := append([]string{"-m", "sh", "-c", podman, dir, "--pid=host"}, c.options...)
		r := testenv.Run(t, exec.Command(unshare, append(args, "capsh", "/capsh", "assess", "--json")...))
		var a assessed
		if err := json.Unmarshal([]byte(r.Out), &a); err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
		if a.Verdict != "over-privileged" || a.severity("pid-namespace") != "high" || a.severity("capabilities") != "ok" ||
			a.severity("host-root") != c.root || a.severity("host-directories") != c.directories || *a.Container.Runtime != "podman" {
			t.Errorf("%q: %+v", c.options, a)
		}
	}
}
