package commands

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// under runs capsh expect behind a command that prepares its state.
func under(t *testing.T, prepare []string, args ...string) testenv.Result {
	t.Helper()
	argv := append(append(append([]string{}, prepare...), program(t), "expect"), args...)
	return testenv.Run(t, exec.Command(argv[0], argv[1:]...))
}

// TestExpect: states that other programs make are as expected, and no other way.
func TestExpect(t *testing.T) {
	testenv.Root(t)
	setpriv := testenv.Tool(t, "setpriv")
	user := []string{setpriv, "--reuid=1000", "--regid=1000", "--groups=4,20"}
	for _, test := range []struct {
		prepare     []string
		holds, fail string // with blanks between
	}{
		{user,
			"eff=none prm<=none inh=none amb=none uid=1000 euid=1000 gid!=0 groups=4,20 groups>=4 !nnp userns=initial mode=HYBRID securebits=none",
			"eff!=none prm>none uid=0 groups=4 groups<4,20 nnp userns!=initial mode=NOPRIV securebits=noroot"},
		{append(user, "--no-new-privs", "--bounding-set=-all,+chown,+kill"),
			"nnp bnd=chown,kill bnd<docker bnd>=kill bounding<=podman", "!nnp bnd=none bnd>=docker bnd<=crio,none_such"},
		{append(user, "--inh-caps=+net_raw", "--ambient-caps=+net_raw"),
			"amb=net_raw eff=13 prm=CAP_NET_RAW inh=net_raw", "amb=none eff<net_raw inh!=net_raw"},
		{[]string{setpriv, "--securebits=+noroot,+noroot_locked"},
			"securebits=noroot+locked securebits>=noroot securebits=3 mode=UNCERTAIN eff=none", "securebits=none securebits=noroot mode=HYBRID"},
		{[]string{"unshare", "-Ur"}, "uid=root eff=all userns!=initial", "userns=initial"},
	} {
		for _, expr := range strings.Fields(test.holds) {
			if r := under(t, test.prepare, expr); r.Code != 0 || r.Out != "" || r.Err != "" {
				t.Errorf("%v: %s: exit status %d, %q, %q", test.prepare, expr, r.Code, r.Out, r.Err)
			}
		}
		for _, expr := range strings.Fields(test.fail) {
			r := under(t, test.prepare, expr)
			wrong := strings.Contains(expr, "none_such")
			if wrong && (r.Code != 2 || r.Out != "" || r.Err == "") ||
				!wrong && (r.Code != 1 || strings.Count(r.Out, "\n") != 1 || r.Err != "") {
				t.Errorf("%v: %s: exit status %d, %q, %q", test.prepare, expr, r.Code, r.Out, r.Err)
			}
		}
	}
}

// TestExpectOutput: one line for each that does not hold; TAP; JSON.
func TestExpectOutput(t *testing.T) {
	testenv.Root(t)
	prepare := []string{testenv.Tool(t, "setpriv"), "--no-new-privs", "--bounding-set=-all,+chown,+net_raw,+sys_admin"}
	args := []string{"nnp", "bnd<=docker", "bnd>=kill", "uid=0"}
	r := under(t, prepare, args...)
	const lines = "bounding: has cap_sys_admin beyond docker\nbounding: lacks cap_kill\n"
	if r.Code != 1 || r.Out != lines || r.Err != "" {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	r = under(t, prepare, append(args, "--tap")...)
	const tap = `TAP version 13
1..4
ok 1 - nnp
not ok 2 - bnd<=docker
  ---
  message: "bounding: has cap_sys_admin beyond docker"
  result: fail
  ...
not ok 3 - bnd>=kill
  ---
  message: "bounding: lacks cap_kill"
  result: fail
  ...
ok 4 - uid=0
`
	if r.Code != 1 || r.Out != tap || r.Err != "" {
		t.Errorf("exit status %d, %s%s", r.Code, r.Out, r.Err)
	}
	r = under(t, prepare, append(args, "--json")...)
	var report struct {
		Version, PID, TID int
		Passed            bool
		Expressions       []struct {
			Expression, Result string
			Message            *string
		}
	}
	d := json.NewDecoder(strings.NewReader(r.Out))
	d.DisallowUnknownFields()
	must(t, d.Decode(&report))
	if e := report.Expressions; report.Passed || len(e) != 4 || e[0].Message != nil || e[0].Result != "pass" ||
		e[1].Result != "fail" || *e[1].Message+"\n"+*e[2].Message+"\n" != lines {
		t.Errorf("%+v", report)
	}
}

// TestExpectOther: another process; what of it cannot be read passes in no form.
func TestExpectOther(t *testing.T) {
	testenv.Root(t)
	sleep := exec.Command("setpriv", "--reuid=0", "--no-new-privs", "--securebits=+noroot", "sleep", "60")
	must(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	for { // until it is sleep
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", sleep.Process.Pid))
		must(t, err)
		if string(name) == "sleep\n" {
			break
		}
		runtime.Gosched()
	}
	pid := fmt.Sprint("--pid=", sleep.Process.Pid)
	if r := capsh(t, "expect", pid, "nnp", "seccomp=off", "userns=initial", "eff=none", "uid=0"); r.Code != 0 || r.Out != "" {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	// Securebits are known to who may load a BPF program only.
	if r := capsh(t, "expect", pid, "securebits=noroot", "mode=UNCERTAIN"); r.Code != 0 || r.Out != "" {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	const noBits = "; /proc does not show them, and reading those of another process needs BPF: capsh(1), BPF PROGRAMS\n"
	blind := exec.Command("setpriv", "--bounding-set=-bpf", program(t), "expect", pid, "securebits=noroot", "securebits!=noroot", "mode=UNCERTAIN")
	if r := testenv.Run(t, blind); r.Code != 1 ||
		r.Out != "securebits: unknown"+noBits+"securebits: unknown"+noBits+"mode: unknown, as it depends on the securebits"+noBits {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	cmd := exec.Command(program(t), "expect", pid, "userns=initial", "userns!=initial", "nnp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	if r := testenv.Run(t, cmd); r.Code != 1 || r.Out != strings.Repeat("user namespace: unknown; reading it needs permission to trace the process\n", 2) {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
}

// TestExpectThreads: one thread of many that is not as expected is enough.
func TestExpectThreads(t *testing.T) {
	tid, done := make(chan int), make(chan bool)
	var start func()
	start = func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // keep the main thread until another is taken
			go start()
			<-done
			runtime.UnlockOSThread()
			return
		}
		// Locked for good: the thread ends with this function.
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		tid <- unix.Gettid()
		<-done
	}
	go start()
	odd := <-tid
	defer close(done)
	pid := fmt.Sprint("--pid=", os.Getpid())
	r := capsh(t, "expect", pid, "!nnp")
	if want := fmt.Sprintf("thread %d: no_new_privs: is set\n", odd); r.Code != 1 || r.Out != want {
		t.Errorf("exit status %d, %q, want %q; %s", r.Code, r.Out, want, r.Err)
	}
	if r := capsh(t, "expect", fmt.Sprintf("%s/%d", pid, odd), "nnp"); r.Code != 0 {
		t.Errorf("the thread by itself: exit status %d, %q", r.Code, r.Out)
	}
	if r := capsh(t, "expect", fmt.Sprintf("%s/%d", pid, os.Getpid()), "!nnp"); r.Code != 0 {
		t.Errorf("the first thread by itself: exit status %d, %q", r.Code, r.Out)
	}
}

// TestExpectUsage: what is wrong is said, and nothing is judged.
func TestExpectUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		err  string
	}{
		{nil, 2, "needs an EXPR"},
		{[]string{""}, 2, "it is empty"},
		{[]string{"uid=0", "eff=nonsense"}, 2, "unknown"},
		{[]string{"--tap", "--json", "nnp"}, 2, "exclude each other"},
		{[]string{"--tpa", "nnp"}, 2, "did you mean --tap?"},
		{[]string{"--pid", "nnp"}, 2, "not a process id"},
		{[]string{"--pid=2147483647", "nnp"}, 1, "no such process"},
		{[]string{"uid=no such user"}, 2, "no user"},
		{[]string{"--proc=/nonexistent", "nnp"}, 1, "no such file"},
		{[]string{"a\x1b[31m=b"}, 2, "unknown subject"},
	} {
		r := capsh(t, append([]string{"expect"}, test.args...)...)
		if r.Code != test.code || r.Out != "" || !strings.Contains(r.Err, test.err) ||
			strings.Count(r.Err, "\n") != 1 || strings.ContainsRune(r.Err, '\x1b') {
			t.Errorf("%q: exit status %d, %q, %q", test.args, r.Code, r.Out, r.Err)
		}
	}
}
