package fault

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// filterFile writes a compiled filter and gives its path.
func filterFile(t *testing.T, filter []unix.SockFilter) string {
	t.Helper()
	var text []byte
	for _, f := range filter {
		text = binary.NativeEndian.AppendUint16(text, f.Code)
		text = append(text, f.Jt, f.Jf)
		text = binary.NativeEndian.AppendUint32(text, f.K)
	}
	return write(t, filepath.Join(t.TempDir(), "filter"), string(text), 0o644)
}

// allow is a filter that lets everything pass.
var allow = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}

// answer is a filter that has one call report success without being done.
func answer(call uint32) []unix.SockFilter {
	return append([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO},
	}, allow...)
}

// TestFilterAnswers: under a seccomp filter that answers a call with errno 0, for
// reading and for setting alike, nothing is started, or it has all. That goes for
// Landlock too.
func TestFilterAnswers(t *testing.T) {
	testenv.Landlock(t)
	capset := build(t, "capset")
	inner := filterFile(t, allow)
	options := []string{"-q", "--user=1234:1235", "--groups=6", "--keep=kill", "--securebits=noroot", "--umask=0", "--chdir=/tmp",
		"--rlimit=core=0", "--pdeathsig=TERM", "--ignore-signal=USR2", "--block-signal=HUP",
		"--landlock-access=fs:read-dir", "--landlock-rule=path-beneath::/usr", "--seccomp-filter=" + inner}
	launch := func(outer []unix.SockFilter, options ...string) testenv.Result {
		argv := append([]string{"-q", "--from=current", "--allow-new-privs", "--seccomp-filter=" + filterFile(t, outer), capset}, options...)
		cmd := exec.Command(capset, append(argv, "sh", "-c", showAll)...)
		cmd.Env = environ
		return testenv.Run(t, cmd)
	}
	clean := launch(allow, options...)
	if clean.Code != 0 || !strings.Contains(clean.Out, "Seccomp_filters:\t2\n") {
		t.Fatalf("a filter that allows all: exit status %d, stdout %q, stderr %q", clean.Code, clean.Out, clean.Err)
	}
	refused := func(t *testing.T, r testenv.Result) {
		t.Helper()
		if r.Code != 125 && r.Code != 126 || r.Out != "" || !strings.HasPrefix(r.Err, "capset: ") || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("exit status %d, stdout %q, stderr %q", r.Code, without(r.Out, clean.Out), r.Err)
		}
	}
	for name, call := range map[string]uint32{
		"capset": unix.SYS_CAPSET, "setgroups": unix.SYS_SETGROUPS, "setresgid": unix.SYS_SETRESGID, "setresuid": unix.SYS_SETRESUID,
		"umask": unix.SYS_UMASK, "prlimit64": unix.SYS_PRLIMIT64, "fstat": unix.SYS_FSTAT, "chdir": unix.SYS_CHDIR,
		"rt_sigprocmask": unix.SYS_RT_SIGPROCMASK, "rt_sigaction": unix.SYS_RT_SIGACTION,
		"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET, "landlock_restrict_self": unix.SYS_LANDLOCK_RESTRICT_SELF,
		"seccomp": unix.SYS_SECCOMP, "pread64": unix.SYS_PREAD64,
	} {
		t.Run(name, func(t *testing.T) { refused(t, launch(answer(call), options...)) })
	}
	// What reads gives zeros, and with them what a launch without options is to lead to.
	for name, call := range map[string]uint32{
		"prctl": unix.SYS_PRCTL, "capget": unix.SYS_CAPGET, "getgroups": unix.SYS_GETGROUPS,
		"getresgid": unix.SYS_GETRESGID, "getresuid": unix.SYS_GETRESUID,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, launch(answer(call), options...))
			refused(t, launch(answer(call), "-q"))
			refused(t, launch(answer(call), "-q", "--allow-new-privs", "--allow-mismatch"))
		})
	}
}

// TestFilterWithoutProc: without /proc a filter cannot be read back, and one that
// answers for seccomp(2) is noticed all the same.
func TestFilterWithoutProc(t *testing.T) {
	capset := build(t, "capset")
	launch := func(outer []unix.SockFilter) testenv.Result {
		return testenv.Run(t, exec.Command(testenv.Tool(t, "unshare"), "--mount", "sh", "-c", `mount -t tmpfs none /proc && exec "$@"`, "sh",
			capset, "-q", "--from=current", "--allow-new-privs", "--seccomp-filter="+filterFile(t, outer),
			capset, "-q", "--seccomp-filter="+filterFile(t, allow), "echo", "started"))
	}
	if r := launch(allow); r.Code != 0 || r.Out != "started\n" || r.Err != "" {
		t.Errorf("a filter that allows all: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
	if r := launch(answer(unix.SYS_SECCOMP)); r.Code != 125 || r.Out != "" || !strings.HasPrefix(r.Err, "capset: seccomp: reports success and does nothing") {
		t.Errorf("a filter that answers: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
}

// TestOneProcessor: where both threads share a processor the filter is read back
// all the same, and nothing that the filter forbids is called before the execve.
func TestOneProcessor(t *testing.T) {
	capset := build(t, "capset")
	only := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	forbidden := []uint32{unix.SYS_FUTEX, unix.SYS_RT_SIGRETURN, unix.SYS_SCHED_YIELD, unix.SYS_NANOSLEEP, unix.SYS_TGKILL, unix.SYS_CLONE}
	for _, call := range forbidden {
		only = append(only, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS})
	}
	filter := filterFile(t, append(only, allow...))
	for range 20 {
		cmd := exec.Command(testenv.Tool(t, "taskset"), "-c", fmt.Sprint(processor(t)), capset, "-q", "--seccomp-filter="+filter,
			testenv.Tool(t, "busybox"), "grep", "-c", "^Seccomp:.2$", "/proc/self/status")
		if r := testenv.Run(t, cmd); r.Code != 0 || r.Out != "1\n" {
			t.Fatalf("exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
		}
	}
}

// TestFilterSignal: a signal between the filter and the execve, such as those of Go's
// runtime, runs no handler: its end is a system call that the filter may forbid.
func TestFilterSignal(t *testing.T) {
	argv := []string{build(t, "capset"), "-q", "--seccomp-filter=" + filterFile(t, allow), "true"}
	for _, signal := range []syscall.Signal{syscall.SIGURG, syscall.SIGCHLD, syscall.SIGWINCH} {
		r := trace(t, program{argv: argv, env: environ, signal: signal}, nil)
		if !r.started || r.handled || r.code != 0 {
			t.Errorf("%v: started %v, handler ran %v, exit status %d, stderr %q", signal, r.started, r.handled, r.code, r.err)
		}
	}
}

// TestFilterOnce: where the first file of PATH is not this user's to execute, the
// filter is there already for the next, and is loaded once.
func TestFilterOnce(t *testing.T) {
	capset := build(t, "capset")
	busybox, err := os.ReadFile(testenv.Tool(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var path []string
	for i, mode := range []os.FileMode{0o700, 0o755} {
		sub := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, sub+"/grep", string(busybox), mode)
		path = append(path, sub)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for that user
		t.Fatal(err)
	}
	cmd := exec.Command(capset, "-q", "--user=1234:1235", "--seccomp-filter="+filterFile(t, allow), "grep", "^Seccomp_filters", "/proc/self/status")
	cmd.Env = []string{"PATH=" + strings.Join(path, ":")}
	if r := testenv.Run(t, cmd); r.Code != 0 || r.Out != "Seccomp_filters:\t1\n" {
		t.Errorf("exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
}

// processor is one that this process may run on.
func processor(t *testing.T) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			return i
		}
	}
	t.Fatal("no processor")
	return 0
}
