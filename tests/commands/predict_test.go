package commands

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// holding is a state in capsh predict --json.
type holding struct {
	UID, GID     testenv.IDs
	Groups       []uint32
	Capabilities testenv.Five[[]string]
	Masks        testenv.Five[string]
	Securebits   *testenv.Securebits
	NoNewPrivs   *bool `json:"no_new_privs"`
}

// prediction is what capsh predict --json says.
type prediction struct {
	Version      int
	Path         string
	Interpreters []string
	Before       holding
	Refused      *string
	After        *holding
	Secure       *bool
	Rules        []string
}

func decodePrediction(t *testing.T, r testenv.Result) (p prediction) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.Out))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("exit status %d, %v: %q, %s", r.Code, err, r.Out, r.Err)
	}
	return p
}

// credentials are the lines of a status file that say the same.
func (h *holding) credentials(s testenv.Status) (mine, kernel string) {
	ids := func(i testenv.IDs) string { return fmt.Sprint(i.Real, "\t", i.Effective, "\t", i.Saved, "\t", i.FS) }
	t := testenv.Status{
		"Uid": ids(h.UID), "Gid": ids(h.GID), "Groups": strings.Trim(fmt.Sprint(h.Groups), "[]"),
		"CapInh": h.Masks.Inheritable, "CapPrm": h.Masks.Permitted, "CapEff": h.Masks.Effective,
		"CapBnd": h.Masks.Bounding, "CapAmb": h.Masks.Ambient,
		"NoNewPrivs": fmt.Sprint(map[bool]int{true: 1}[*h.NoNewPrivs]), "Seccomp": s["Seccomp"],
	}
	mine, kernel = strings.Join(strings.Fields(t.Credentials()), " "), strings.Join(strings.Fields(s.Credentials()), " ")
	return mine, kernel
}

// catFiles are copies of cat with all kinds of privileges, in a folder that all
// may enter.
func catFiles(t *testing.T) (dir string) {
	t.Helper()
	testenv.Root(t)
	dir, err := os.MkdirTemp("/var/tmp", "capsh-predict-") // /tmp is nosuid on some machines
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	cat, err := os.ReadFile("/bin/cat")
	must(t, err)
	make := func(name string, uid, gid int, mode uint32, c filecap.Caps) {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, cat, 0o755))
		must(t, os.Chown(path, uid, gid))
		must(t, unix.Chmod(path, mode))
		if c.Version != 0 {
			setCaps(t, path, c)
		}
	}
	raw := caps.Of(caps.NetRaw, caps.NetAdmin)
	make("plain", 0, 0, 0o755, filecap.Caps{})
	make("setuid", 0, 0, 0o4755, filecap.Caps{})
	make("setuid1000", 1000, 1000, 0o6755, filecap.Caps{})
	make("ep", 0, 0, 0o755, filecap.Caps{Version: 2, Permitted: raw, Effective: true})
	make("p", 0, 0, 0o755, filecap.Caps{Version: 2, Permitted: raw, Inheritable: caps.Kill.Set()})
	make("both", 0, 0, 0o4755, filecap.Caps{Version: 2, Permitted: raw})
	make("ns1000", 0, 0, 0o755, filecap.Caps{Version: 3, Permitted: raw, Effective: true, RootID: 1000})
	make("empty", 0, 0, 0o755, filecap.Caps{Version: 2})
	must(t, os.WriteFile(filepath.Join(dir, "script"), []byte("#!"+dir+"/ep\n"), 0o755))
	must(t, unix.Chmod(filepath.Join(dir, "script"), 0o4755))
	return dir
}

// TestPredict: what is predicted in a state is what the kernel then does in it.
func TestPredict(t *testing.T) {
	dir := catFiles(t)
	setpriv := testenv.Tool(t, "setpriv")
	user := []string{"--reuid=1000", "--regid=1000", "--clear-groups"}
	states := [][]string{
		nil,
		user,
		append([]string{"--no-new-privs"}, user...),
		append([]string{"--inh-caps=+kill,+net_raw", "--ambient-caps=+kill"}, user...),
		append([]string{"--bounding-set=-net_admin"}, user...),
		append([]string{"--securebits=+noroot"}, user...),
		{"--securebits=+noroot"},
		{"--ruid=1000"},
		{"--inh-caps=+kill,+net_raw", "--ambient-caps=+kill,+net_raw", "--bounding-set=-chown"},
	}
	files := []string{"plain", "setuid", "setuid1000", "ep", "p", "both", "ns1000", "empty", "script"}
	refusals := 0
	for _, state := range states {
		for _, name := range files {
			file := filepath.Join(dir, name)
			run := func(args ...string) testenv.Result {
				return testenv.Run(t, exec.Command(setpriv, append(append(append([]string{}, state...), "--"), args...)...))
			}
			said := run(program(t), "predict", "--json", file)
			p := decodePrediction(t, said)
			real := run("env", file, "/proc/self/status") // env holds then what capsh held
			if p.After == nil {
				refusals++
				if !strings.Contains(real.Err, "Operation not permitted") || said.Code != 1 || !strings.Contains(said.Err, *p.Refused) {
					t.Errorf("%v, %s: refused, exit status %d, but %q", state, name, said.Code, real.Err)
				}
				continue
			}
			if mine, kernel := p.After.credentials(testenv.SplitStatus(real.Out)); mine != kernel {
				t.Errorf("%v, %s:\npredicted %s\nkernel    %s\n%q", state, name, mine, kernel, p.Rules)
			}
		}
	}
	if refusals == 0 {
		t.Error("no execve was refused: the test says little")
	}
}

// TestPredictChanges: the options do what a process gets that does the same by
// its own calls. Setpriv keeps capabilities over a change of user, which an
// execve in between takes away.
func TestPredictChanges(t *testing.T) {
	dir := catFiles(t)
	setpriv := testenv.Tool(t, "setpriv")
	for _, test := range []struct{ options, same []string }{
		{[]string{"--user=1000:1000"}, []string{"--reuid=1000", "--regid=1000", "--groups=1000"}},
		{[]string{"-u", "1000:1001", "--no-new-privs"}, []string{"--reuid=1000", "--regid=1001", "--groups=1001", "--no-new-privs"}},
		{[]string{"--user=daemon"}, []string{"--reuid=daemon", "--regid=daemon", "--init-groups"}},
		{[]string{"--user=nobody:tty"}, []string{"--reuid=nobody", "--regid=tty", "--groups=tty"}},
		{[]string{"--securebits=noroot"}, []string{"--securebits=+noroot"}},
		{[]string{"--inheritable=kill,net_raw"}, []string{"--inh-caps=-all,+kill,+net_raw"}},
		{[]string{"--inheritable=kill,net_raw", "--ambient=kill"}, []string{"--inh-caps=+kill,+net_raw", "--ambient-caps=+kill"}},
		{[]string{"--bounding=net_raw"}, []string{"--bounding-set=-all,+net_raw"}},
	} {
		for _, name := range []string{"plain", "setuid", "setuid1000", "p"} {
			file := filepath.Join(dir, name)
			p := decodePrediction(t, capsh(t, append(append([]string{"predict", "--json"}, test.options...), file)...))
			same := append([]string{}, test.same...)
			if strings.HasPrefix(same[0], "--reuid") {
				same = append(same, "env")
			}
			real := testenv.Run(t, exec.Command(setpriv, append(same, file, "/proc/self/status")...))
			if mine, kernel := p.After.credentials(testenv.SplitStatus(real.Out)); mine != kernel {
				t.Errorf("%v, %s:\npredicted %s\nkernel    %s %s", test.options, name, mine, kernel, real.Err)
			}
		}
	}
}

// TestPredictOther: another process, in a user namespace and a root folder of its
// own, then does what was predicted of it.
func TestPredictOther(t *testing.T) {
	dir := catFiles(t)
	for _, namespace := range [][]string{
		{"unshare", "-Um", "--map-root-user"},
		{"unshare", "-Um", "--map-user=1000", "--map-group=1000"},
		{"unshare", "-Um", "--map-root-user", "setpriv", "--securebits=+noroot"},
		{"env"},
	} {
		gains := 0
		for _, name := range []string{"plain", "setuid", "setuid1000", "ep", "p", "both", "ns1000"} {
			file := filepath.Join(dir, name)
			before, said, real := becomes(t, namespace, file)
			p := decodePrediction(t, said)
			if p.After == nil {
				if real != "" {
					t.Errorf("%v, %s: refused, %q", namespace, name, real)
				}
				continue
			}
			status := testenv.SplitStatus(real)
			if status["CapPrm"] != before["CapPrm"] {
				gains++
			}
			if mine, kernel := p.After.credentials(status); mine != kernel {
				t.Errorf("%v, %s:\npredicted %s\nkernel    %s\n%q", namespace, name, mine, kernel, p.Rules)
			}
		}
		if gains == 0 && namespace[len(namespace)-1] != "--map-root-user" {
			t.Errorf("%v: no file changed anything, the test says little", namespace)
		}
	}
}

// becomes starts a shell as user 1000 in a namespace, lets capsh predict what it
// would become by a file, and lets it become that.
func becomes(t *testing.T, namespace []string, file string) (before testenv.Status, said testenv.Result, real string) {
	t.Helper()
	const script = `echo ready; read go; exec "$0" /proc/self/status`
	args := append([]string{"--reuid=1000", "--regid=1000", "--clear-groups"}, namespace...)
	cmd := exec.Command("setpriv", append(args, "sh", "-ec", script, file)...)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	defer stdin.Close()
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%v: %q, %v", cmd, line, err)
	}
	before, err = testenv.ReadStatus(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	must(t, err)
	bits := "--securebits=none"
	if strings.Contains(strings.Join(namespace, " "), "noroot") {
		bits = "--securebits=noroot"
	}
	said = capsh(t, "predict", "--json", fmt.Sprint("--pid=", cmd.Process.Pid), bits, file)
	io.WriteString(stdin, "\n")
	text, err := io.ReadAll(out)
	must(t, err)
	return before, said, string(text)
}

// TestPredictText: what people see, and how it is refused.
func TestPredictText(t *testing.T) {
	dir := catFiles(t)
	r := capsh(t, "predict", "--user=1000:1000", "--bounding=docker", dir+"/script")
	if r.Code != 1 || r.Out != "" || !strings.Contains(r.Err, "/ep (the interpreter of "+dir+"/script): operation not permitted (its file capabilities need cap_net_admin,") {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	r = capsh(t, "predict", "--user=1000:1000", "--bounding=net_raw,net_admin,kill", dir+"/ep", "--json")
	want := dir + `/ep: cap_net_admin,cap_net_raw=ep

              before  after
user          1000    1000
group         1000    1000
securebits    none    none
no_new_privs  off     off

before  after
b----   bep--  gained  cap_net_admin, cap_net_raw
b----   b----          cap_kill
b bounding, e effective, p permitted, i inheritable, a ambient

by these rules of the kernel
- file capabilities: permitted is (file permitted & bounding) | (file
  inheritable & inheritable)
- the file's effective flag: all that is permitted becomes effective

AT_SECURE is set: the C library ignores LD_PRELOAD and the like
`
	if r.Code != 0 || r.Out != want || r.Err != "" {
		t.Errorf("exit status %d, %s%s", r.Code, r.Out, r.Err)
	}
}

// TestPredictSearch: a file that this user may not execute, or whose interpreter it may
// not, is skipped as execvp(3) skips it, and is the reason where no other is found.
func TestPredictSearch(t *testing.T) {
	dir := catFiles(t)
	setpriv := testenv.Tool(t, "setpriv")
	must(t, os.Rename(filepath.Join(dir, "both"), filepath.Join(dir, "closed")))
	must(t, unix.Chmod(filepath.Join(dir, "closed"), 0o700))
	for _, sub := range []string{"file", "script", "open"} {
		must(t, os.Mkdir(filepath.Join(dir, "in-"+sub), 0o755))
	}
	must(t, os.Link(filepath.Join(dir, "closed"), filepath.Join(dir, "in-file", "prog")))
	must(t, os.Link(filepath.Join(dir, "plain"), filepath.Join(dir, "in-open", "prog")))
	script := filepath.Join(dir, "in-script", "prog")
	must(t, os.WriteFile(script, []byte("#!"+dir+"/closed\n"), 0o755))
	user := []string{"--reuid=1000", "--regid=1000", "--clear-groups", "--", "env"}
	for _, c := range []struct{ path, want string }{
		{"in-file in-open", "in-open"},
		{"in-script in-file in-open", "in-open"},
		{"in-open in-file", "in-open"},
		{"in-file", ""},
		{"in-script", ""},
	} {
		path := "PATH=" + dir + "/" + strings.ReplaceAll(c.path, " ", ":"+dir+"/")
		run := func(args ...string) testenv.Result {
			return testenv.Run(t, exec.Command(setpriv, slices.Concat(user, []string{path}, args)...))
		}
		said, real := run(program(t), "predict", "--json", "prog"), run("prog", "/proc/self/status")
		if c.want == "" {
			if said.Code != 1 || !strings.Contains(said.Err, "permission denied") || real.Code != 126 {
				t.Errorf("%s: %+v, the kernel: %+v", c.path, said, real)
			}
			continue
		}
		p := decodePrediction(t, said)
		mine, kernel := p.After.credentials(testenv.SplitStatus(real.Out))
		if p.Path != filepath.Join(dir, c.want, "prog") || mine != kernel {
			t.Errorf("%s: %s\npredicted %s\nkernel    %s", c.path, p.Path, mine, kernel)
		}
	}
}

// TestPredictRefuses: what cannot be answered is said.
func TestPredictRefuses(t *testing.T) {
	dir := catFiles(t)
	must(t, os.WriteFile(dir+"/dead", nil, 0o644))
	sleep := exec.Command("sleep", "60")
	must(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	pid := fmt.Sprint("--pid=", sleep.Process.Pid)
	for _, test := range []struct {
		args []string
		code int
		err  string
	}{
		{nil, 2, "needs a COMMAND"},
		{[]string{""}, 2, "needs a COMMAND"},
		{[]string{"--usr=1", "id"}, 2, "did you mean --user?"},
		{[]string{"--pid=x", "id"}, 2, `"x" is not a process id`},
		{[]string{"--pid=1,2", "id"}, 2, "only one process"},
		{[]string{"--bounding=nonsense", "id"}, 2, "unknown"},
		{[]string{"--securebits=root", "id"}, 2, "unknown securebit"},
		{[]string{"--securebits=", "id"}, 2, "unknown securebit"},
		{[]string{"no such command"}, 1, "not found in PATH"},
		{[]string{dir + "/none"}, 1, "no such file"},
		{[]string{dir}, 1, "not a regular file"},
		{[]string{dir + "/dead"}, 1, "no execute permission for anyone"},
		{[]string{"--user=nobody-there", "id"}, 1, "no user"},
		{[]string{"--user=4000000000", "id"}, 1, "its group is unknown"},
		{[]string{"--user=root:", "id"}, 1, "no group"},
		{[]string{"--user=", "id"}, 2, "--user: the value is empty"},
		{[]string{"--user=4294967295:0", "id"}, 1, "out of range"},
		{[]string{"--bounding=kill", "--inheritable=chown", "id"}, 1, "only what is in the bounding set can become inheritable"},
		{[]string{"--ambient=kill", "id"}, 1, "must be permitted and inheritable"},
		{[]string{pid, "--securebits=none", "bin/id"}, 1, "must begin with a slash"},
	} {
		r := capsh(t, append([]string{"predict"}, test.args...)...)
		if r.Code != test.code || r.Out != "" || !strings.Contains(r.Err, test.err) || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("%q: exit status %d, %q, want %q", test.args, r.Code, r.Err, test.err)
		}
	}
	// Securebits are known to who may load a BPF program only.
	blind := exec.Command("setpriv", "--bounding-set=-bpf", program(t), "predict", pid, "id")
	if r := testenv.Run(t, blind); r.Code != 1 || !strings.Contains(r.Err, "depends on securebits, unknown here; --securebits says which") {
		t.Errorf("exit status %d, %q", r.Code, r.Err)
	}
	// Who may change nothing is told so, and who may not look as well.
	cmd := exec.Command(program(t), "predict", "--user=0", "id")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	if r := testenv.Run(t, cmd); r.Code != 1 || !strings.Contains(r.Err, ": would not be permitted (needs CAP_SETGID") {
		t.Errorf("exit status %d, %q", r.Code, r.Err)
	}
	cmd = exec.Command(program(t), "predict", pid, "id")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	if r := testenv.Run(t, cmd); r.Code != 1 || !strings.Contains(r.Err, "needs permission to trace the process: permission denied") {
		t.Errorf("exit status %d, %q", r.Code, r.Err)
	}
}
