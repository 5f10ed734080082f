package fault

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	// What a program inherits here has to be restored for its command.
	signal.Ignore(syscall.SIGUSR1, syscall.SIGPIPE)
	var nofile syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &nofile)
	if err == nil && nofile.Max > 512 {
		nofile.Cur = 512
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &nofile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "RLIMIT_NOFILE:", err)
		os.Exit(1)
	}
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

// errnos are what calls fail with. None of them means that something is not
// there or not known, which is an answer.
var errnos = []syscall.Errno{syscall.EIO, syscall.EPERM, syscall.ENOMEM, syscall.EAGAIN, syscall.EINTR}

// build builds a program that others than root may start too.
func build(t testing.TB, name string) string {
	t.Helper()
	testenv.Root(t)
	testenv.Need(t, "an injector for this architecture", canInject, "the registers are known on amd64 only")
	path := testenv.Build(t, name)
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// harmless is a call whose failure may go unnoticed, and why.
type harmless struct {
	is     func(c *call, errno syscall.Errno) bool
	reason string
}

func isClose(c *call, _ syscall.Errno) bool { return c.NR == unix.SYS_CLOSE }

func isFSID(c *call, _ syscall.Errno) bool {
	return c.NR == unix.SYS_SETFSUID || c.NR == unix.SYS_SETFSGID
}

// fsIDs are asked for by calls that have no errors, and that some kernels lack.
var fsIDs = harmless{isFSID, "nothing is decided by the fs ids, which an execve sets to the effective ones; they are unknown"}

const nothingToChange = "there was nothing to change, and no seccomp filter answers for the kernel"

var capsetHarmless = []harmless{
	fsIDs,
	{func(c *call, _ syscall.Errno) bool { return c.name() == "prctl(PR_CAP_AMBIENT_CLEAR_ALL)" }, nothingToChange},
	{func(c *call, _ syscall.Errno) bool { return c.name() == "prctl(PR_GET_SECCOMP)" }, "without it /proc is read as under a filter, or the warning of user namespaces is given too often"},
	{isClose, "Linux closes the descriptor whatever close returns, and nothing was written to it"},
	{func(c *call, _ syscall.Errno) bool { return c.NR == unix.SYS_WRITE && c.Args[0] == 2 },
		"a warning that cannot be written; the launch itself is as it was asked for"},
}

// lockedHarmless is for --lock: only there it reads these files, and only these
// of /proc.
var lockedHarmless = append([]harmless{
	{func(c *call, _ syscall.Errno) bool {
		return slices.Contains([]string{"/proc", "/proc/self", "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone",
			"/proc/sys/kernel/apparmor_restrict_unprivileged_userns"}, c.Path)
	}, "they are read for one warning only; where they say nothing there is none"},
}, capsetHarmless...)

// warnedHarmless is for a launch that warns: what of its capabilities has an effect is
// a matter of its user namespace.
var warnedHarmless = append([]harmless{
	{func(c *call, _ syscall.Errno) bool {
		return slices.Contains([]string{"/proc", "/proc/self", "/proc/self/ns/user"}, c.Path)
	}, "it is read for the words of a warning only; where it is unknown they are general"},
}, capsetHarmless...)

func reason(list []harmless, c *call, errno syscall.Errno) string {
	for _, h := range list {
		if h.is(c, errno) {
			return h.reason
		}
	}
	return ""
}

// launches are calls of capset that between them make each of its steps.
func launches(t *testing.T) map[string][]string {
	filter := filepath.Join(t.TempDir(), "filter")
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f} // SECCOMP_RET_ALLOW
	if err := os.WriteFile(filter, allow, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string][]string{
		"default":    {},
		"user keeps": {"--user=nobody", "--keep=net_bind_service,kill"},
		"locked":     {"--lock", "--keep=chown", "--umask=0777"},
		"securebits": {"--securebits=noroot,noroot_locked", "--bounding=-sys_module", "--inheritable=chown"},
		"place":      {"--chroot=/", "--chdir=/tmp", "--user=65534:65534", "--groups=1,2", "--umask=027", "--rlimit=core=0", "--rlimit=nofile=64:128", "--pdeathsig=TERM"},
		"confined":   {"--seccomp-filter=" + filter, "--landlock-access=fs:read-dir", "--landlock-rule=path-beneath::/usr", "--keep=kill"},
		"signals":    {"--ignore-signal=HUP", "--default-signal=USR1", "--block-signal=USR2", "--user=daemon", "--login-env"},
		"stdio":      {"--if-root", "--user=nobody", "--own-stdio"},
		"all":        {"--cap-add=all", "--cap-drop=sys_resource", "--best-effort"},
	}
}

// TestCapset: whichever call fails, nothing is started, and the error names it.
func TestCapset(t *testing.T) {
	capset := build(t, "capset")
	for name, options := range launches(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			allowed := capsetHarmless
			switch {
			case slices.Contains(options, "--best-effort"):
				allowed = warnedHarmless
			case slices.Contains(options, "--lock"):
				allowed = lockedHarmless
			case slices.ContainsFunc(options, begins("--user=")) && !slices.ContainsFunc(options, begins("--keep=")):
				allowed = idleHarmless
			}
			if !slices.Contains(options, "--best-effort") {
				options = append(options, "--quiet")
			}
			everyCall(t, program{argv: capsetArgv(capset, options...), env: environ}, allowed, judgeCapset)
		})
	}
}

func begins(prefix string) func(string) bool {
	return func(s string) bool { return strings.HasPrefix(s, prefix) }
}

// idleHarmless is for a launch that has no capability by the time it gives up all.
var idleHarmless = append([]harmless{
	{func(c *call, _ syscall.Errno) bool { return c.NR == unix.SYS_CAPSET }, nothingToChange},
}, capsetHarmless...)

// TestCapsetRestricted: the same, where there is hardly anything left to do.
func TestCapsetRestricted(t *testing.T) {
	t.Parallel()
	p := program{argv: capsetArgv(build(t, "capset"), "--user=nobody"), env: environ}
	p.attr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	everyCall(t, p, idleHarmless, judgeCapset)
}

// environ has the command found in the second directory.
var environ = []string{"PATH=/nonexistent:/usr/bin:/bin", "LANG=C"}

// capsetArgv has capset start a program that shows what it has.
func capsetArgv(capset string, options ...string) []string {
	return append(append([]string{capset}, options...), "--", "grep", "^Cap\\|^Sig[BI]\\|^[UG]id\\|^Groups\\|^NoNew\\|^Secc", "/proc/self/status")
}

// judge says what is wrong with a run in which a call failed.
type judge func(c *call, errno syscall.Errno, r *run) error

func judgeCapset(c *call, errno syscall.Errno, r *run) error {
	switch {
	case r.started:
		return fmt.Errorf("the command was started")
	case r.code != 125 && r.code != 126 || c.NR == unix.SYS_EXECVE && r.code != 126:
		return fmt.Errorf("exit status %d", r.code)
	}
	return judgeMessage("capset: ", append(c.words(), errno.Error()), r)
}

// judgeMessage checks that the last line has the words.
func judgeMessage(prefix string, words []string, r *run) error {
	last := r.err[strings.LastIndexByte(strings.TrimSuffix(r.err, "\n"), '\n')+1:]
	if !strings.HasPrefix(last, prefix) || !strings.HasSuffix(last, "\n") {
		return fmt.Errorf("no message")
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			return fmt.Errorf("the message does not name %q", word)
		}
	}
	return nil
}

var everyFlag = flag.Int("every", 1, "inject only every n-th fault of a program")

// everyCall has each call of a program fail in a run of its own: all with EIO,
// the first of each kind with the other errnos too.
func everyCall(t *testing.T, p program, allowed []harmless, judge judge) {
	clean := trace(t, p, nil)
	if !clean.started || clean.code != 0 || len(clean.calls) == 0 {
		t.Fatalf("without a fault: started %v, exit status %d, stderr %q", clean.started, clean.code, clean.err)
	}
	seen := map[string]bool{}
	faults, runs := 0, 0
	for _, c := range clean.calls {
		if callNames[c.NR] == "" && c.NR != unix.SYS_PRCTL {
			t.Errorf("%v", &c)
		}
		errnos := errnos
		if kind := fmt.Sprint(c.InChild, c.name()); seen[kind] {
			errnos = errnos[:1]
		} else {
			seen[kind] = true
		}
		for _, errno := range errnos {
			if faults++; faults%*everyFlag != 0 {
				continue
			}
			runs++
			oneFault(t, p, &clean, &c, errno, reason(allowed, &c, errno), judge)
		}
	}
	t.Logf("%d calls, %d runs", len(clean.calls), runs)
}

func oneFault(t *testing.T, p program, clean *run, c *call, errno syscall.Errno, reason string, judge judge) {
	r := trace(t, p, &fault{c.InChild, c.Index, errno})
	if r.injected == nil || r.injected.String() != c.String() {
		t.Errorf("call %v: another run has %v", c, r.injected)
		return
	}
	if reason != "" { // then all must be as if nothing had been
		if r.started != clean.started || r.code != clean.code || r.out != clean.out {
			t.Errorf("%v fails with %v, which is harmless (%s): started %v, exit status %d, stderr %q\ngot %s\nwant %s",
				c, errno, reason, r.started, r.code, r.err, r.out, clean.out)
		}
		return
	}
	if err := judge(c, errno, &r); err != nil {
		t.Errorf("%v fails with %q: %v; exit status %d, stderr %q", c, errno.Error(), err, r.code, r.err)
	}
}
