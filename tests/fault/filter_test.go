package fault

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// when is a condition on the lower half of an argument: "=" value, "<" value or "!" for
// another one.
type when struct {
	arg   uint32
	op    string
	value uint32
}

// rule answers a call with an errno where all conditions are met; what follows it
// decides otherwise.
func rule(call uint32, errno syscall.Errno, conditions ...when) []unix.SockFilter {
	test := func(offset uint32, op string, value uint32, skip uint8) []unix.SockFilter {
		jump := map[string]unix.SockFilter{
			"=": {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip},
			"!": {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: skip},
			"<": {Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: value, Jt: skip},
		}[op]
		return []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}, jump}
	}
	filter := test(0, "=", call, uint8(2*len(conditions)+1))
	for i, c := range conditions {
		filter = append(filter, test(16+8*c.arg, c.op, c.value, uint8(2*(len(conditions)-i)-1))...)
	}
	return append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)})
}

// TestFilterReads: where a filter answers what reads the credentials, what is to be set
// is set all the same. Where it refuses that, too, nothing is started, unless /proc
// shows that nothing had to be set.
func TestFilterReads(t *testing.T) {
	capset := build(t, "capset")
	const none = ":\t0000000000000000\n"
	// What asks whether such answers are to be believed has other arguments.
	var (
		capget    = rule(unix.SYS_CAPGET, 0, when{0, "!", 0})
		bounding  = rule(unix.SYS_PRCTL, 0, when{0, "=", unix.PR_CAPBSET_READ}, when{1, "<", 64})
		getgroups = rule(unix.SYS_GETGROUPS, 0, when{0, "=", 0})
		ambient   = rule(unix.SYS_PRCTL, 0, when{0, "=", unix.PR_CAP_AMBIENT}, when{1, "=", unix.PR_CAP_AMBIENT_IS_SET})
		unknown   = rule(unix.SYS_PRCTL, unix.EINVAL, when{0, "=", unix.PR_CAP_AMBIENT}, when{1, "=", unix.PR_CAP_AMBIENT_IS_SET})
		capsetNo  = rule(unix.SYS_CAPSET, unix.EPERM)
		groupsNo  = rule(unix.SYS_SETGROUPS, unix.EPERM)
	)
	mixed := []string{"--inheritable=chown", "--permitted=chown", "--allow-mismatch"}
	for _, c := range []struct {
		name    string
		filter  [][]unix.SockFilter
		had     string
		options []string
		shown   string
		want    string // empty for a failure
	}{
		{"capget", [][]unix.SockFilter{capget}, "current", nil, "CapEff", "CapEff" + none},
		{"bounding", [][]unix.SockFilter{bounding}, "current", []string{"--allow-new-privs"}, "CapBnd", "CapBnd" + none},
		{"getgroups", [][]unix.SockFilter{getgroups}, "current", []string{"--groups=none"}, "Groups", "Groups:\t \n"},
		{"ambient", [][]unix.SockFilter{ambient}, "current", mixed, "CapAmb", "CapAmb" + none},
		{"no ambient set", [][]unix.SockFilter{unknown}, "current", mixed, "CapAmb", "CapAmb" + none},
		{"capget, no capset", [][]unix.SockFilter{capget, capsetNo}, "current", nil, "CapEff", ""},
		{"no capset", [][]unix.SockFilter{capsetNo}, "none", nil, "CapEff", "CapEff" + none},
		{"getgroups, no setgroups", [][]unix.SockFilter{getgroups, groupsNo}, "current", []string{"--groups=none"}, "Groups", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			filter := filterFile(t, slices.Concat(append(c.filter, allow)...))
			argv := slices.Concat([]string{"-q", "--from=" + c.had, "--user=1000:1000", "--groups=5,6", "--seccomp-filter=" + filter, capset, "-q"},
				c.options, []string{"grep", c.shown, "/proc/self/status"})
			r := testenv.Run(t, exec.Command(capset, argv...))
			switch {
			case c.want == "" && r.Code == 125 && r.Out == "" && strings.HasPrefix(r.Err, "capset: reading back: "):
			case c.want == "" || r.Code != 0 || r.Out != c.want:
				t.Errorf("exit status %d, stdout %q, stderr %q; want %q", r.Code, r.Out, r.Err, c.want)
			}
		})
	}
}

// TestFilterAnswersBoth: a filter answers what sets and, for the arguments that the
// kernel accepts, what reads. What /proc shows decides.
func TestFilterAnswersBoth(t *testing.T) {
	capset := build(t, "capset")
	for name, c := range map[string]struct {
		filter  [][]unix.SockFilter
		options []string
		shown   string
	}{
		"sets": {[][]unix.SockFilter{rule(unix.SYS_CAPSET, 0), rule(unix.SYS_CAPGET, 0, when{0, "!", 0})}, nil, "permitted still has"},
		"groups": {[][]unix.SockFilter{rule(unix.SYS_SETGROUPS, 0), rule(unix.SYS_GETGROUPS, 0, when{0, "=", 0})},
			[]string{"--groups=none"}, "groups is 0,5,6 instead of none"},
		"bounding": {[][]unix.SockFilter{rule(unix.SYS_PRCTL, 0, when{0, "=", unix.PR_CAPBSET_DROP}),
			rule(unix.SYS_PRCTL, 0, when{0, "=", unix.PR_CAPBSET_READ}, when{1, "<", 64})},
			[]string{"--allow-new-privs", "--bounding=none"}, "bounding still has"},
	} {
		t.Run(name, func(t *testing.T) {
			launch := func(filter []unix.SockFilter) testenv.Result {
				return testenv.Run(t, exec.Command(capset, slices.Concat(
					[]string{"-q", "--from=current", "--allow-new-privs", "--groups=5,6", "--seccomp-filter=" + filterFile(t, filter), capset, "-q"},
					c.options, []string{"echo", "started"})...))
			}
			if r := launch(slices.Concat(append(c.filter, allow)...)); r.Code != 125 || r.Out != "" ||
				!strings.HasPrefix(r.Err, "capset: reading back: /proc/thread-self/status: ") || !strings.Contains(r.Err, c.shown) {
				t.Errorf("exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
			}
			if r := launch(allow); r.Code != 0 || r.Out != "started\n" {
				t.Errorf("a filter that allows all: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
			}
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
