package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// capsetFails has capset fail without starting anything.
func capsetFails(t *testing.T, cmd *exec.Cmd, code int, words ...string) {
	t.Helper()
	r := testenv.Run(t, cmd)
	if r.Code != code || r.Out != "" || !strings.HasPrefix(r.Err, "capset: ") || strings.Count(r.Err, "\n") != 1 {
		t.Errorf("%q: exit status %d, stdout %q, stderr %q", cmd.Args[1:], r.Code, r.Out, r.Err)
	}
	for _, word := range words {
		if !strings.Contains(r.Err, word) {
			t.Errorf("%q: stderr %q lacks %q", cmd.Args[1:], r.Err, word)
		}
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOutput: what a dry run cannot print is an error.
func TestOutput(t *testing.T) {
	capset := build(t, "capset")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	testenv.Need(t, "/dev/full", err == nil, "it gives ENOSPC")
	defer full.Close()
	for _, args := range [][]string{{"--dry-run", "true"}, {"--dry-run", "--json", "true"}, {"--help"}, {"--list-caps"}, {"--version"}} {
		cmd := exec.Command(capset, args...)
		cmd.Stdout = full
		capsetFails(t, cmd, 125, "no space left on device")
	}
}

// root makes a root directory with a static program.
func root(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	busybox, err := os.ReadFile(testenv.Tool(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/id", string(busybox), 0o755)
	if err := os.Mkdir(dir+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPasswd: a passwd or group file that cannot be read is no empty one.
func TestPasswd(t *testing.T) {
	capset := build(t, "capset")
	launch := func(dir string, options ...string) *exec.Cmd {
		return exec.Command(capset, append(append([]string{"-q", "--chroot=" + dir}, options...), "/id")...)
	}
	dir := root(t)
	passwd, group := dir+"/etc/passwd", dir+"/etc/group"
	if err := os.Mkdir(passwd, 0o755); err != nil {
		t.Fatal(err)
	}
	capsetFails(t, launch(dir, "--user=app"), 125, "read /etc/passwd: is a directory")
	capsetFails(t, launch(dir, "--user=1:2", "--login-env"), 125, "read /etc/passwd: is a directory")
	capsetFails(t, launch(dir, "--user=1"), 125, "read /etc/passwd: is a directory")
	capsetFails(t, launch(dir, "--user=1:2", "--groups=init"), 125, "read /etc/passwd: is a directory")
	r := testenv.Run(t, exec.Command(capset, "--chroot="+dir, "--user=1:2", "/id"))
	if want := "capset: warning: read /etc/passwd: is a directory: HOME is / "; r.Code != 0 ||
		!strings.HasPrefix(r.Out, "uid=1 gid=2 ") || !strings.Contains(r.Err, want) {
		t.Errorf("numbers alone: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
	os.Remove(passwd)
	if err := os.Symlink("passwd", passwd); err != nil {
		t.Fatal(err)
	}
	capsetFails(t, launch(dir, "--user=app"), 125, "open /etc/passwd: too many levels of symbolic links")
	os.Remove(passwd)

	// Longer than any one read, with the line that counts at the end.
	filler := strings.Repeat("x:x:7:7:"+strings.Repeat("y", 200)+":/:/bin/sh\n", 1000)
	write(t, passwd, filler+"app:x:1234:1235::/:/bin/sh\n", 0o644)
	write(t, group, strings.Repeat("g:x:9:"+strings.Repeat("z", 200)+"\n", 1000)+"more:x:1236:app\n", 0o644)
	r = testenv.Run(t, launch(dir, "--user=app"))
	if r.Code != 0 || !strings.HasPrefix(r.Out, "uid=1234(app) gid=1235") || !strings.Contains(r.Out, "1236(more)") {
		t.Errorf("a long passwd: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
	if err := os.Remove(group); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	capsetFails(t, launch(dir, "--user=app"), 125, "read /etc/group: is a directory")
}

// TestTooLarge: a file is read up to 64 MiB and not one byte more; it is no shorter
// file then.
func TestTooLarge(t *testing.T) {
	capset := build(t, "capset")
	dir := root(t)
	const limit = 64 << 20
	passwd := write(t, dir+"/etc/passwd", "app:x:1234:1235::/:\n", 0o644)
	for size, code := range map[int64]int{limit: 0, limit + 1: 125} {
		if err := os.Truncate(passwd, size); err != nil { // a hole of NULs, one long line
			t.Fatal(err)
		}
		cmd := exec.Command(capset, "-q", "--chroot="+dir, "--user=app", "--groups=none", "/id")
		if code != 0 {
			capsetFails(t, cmd, code, "read /etc/passwd: file too large")
		} else if r := testenv.Run(t, cmd); r.Code != 0 {
			t.Errorf("%d bytes: exit status %d, stderr %q", size, r.Code, r.Err)
		}
	}
}

// TestUnreadable: a file that this user may not read is no missing one; only where
// all are numbers does nobody need it. The host's own passwd must be readable,
// so a mount of our own hides it.
func TestUnreadable(t *testing.T) {
	capset := build(t, "capset")
	unreadable := write(t, filepath.Join(t.TempDir(), "passwd"), "root:x:0:0::/:\n", 0)
	launch := func(options ...string) *exec.Cmd {
		return exec.Command("unshare", append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/passwd && exec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$@"`,
			unreadable, capset, "-q"}, append(options, "true")...)...)
	}
	testenv.Tool(t, "unshare")
	testenv.Tool(t, "setpriv")
	capsetFails(t, launch("--user=nobody:65534"), 125, "open /etc/passwd: permission denied")
	capsetFails(t, launch("--user=65534"), 125, "open /etc/passwd: permission denied")
	if r := testenv.Run(t, launch("--user=65534:65534")); r.Code != 0 || r.Err != "" {
		t.Errorf("numbers alone: exit status %d, stderr %q", r.Code, r.Err)
	}
}

// TestReadErrors: short reads are no end of the file, and a read that fails
// after a good one is an error.
func TestReadErrors(t *testing.T) {
	capset := build(t, "capset")
	dir := root(t)
	write(t, dir+"/etc/passwd", strings.Repeat("x:x:7:7::/:/bin/sh\n", 1000)+"app:x:1:1::/:/bin/sh\n", 0o644)
	p := program{argv: []string{capset, "-q", "--chroot=" + dir, "--user=app", "--groups=none", "/id"}, env: environ}
	noGroups := harmless{func(c *call, _ syscall.Errno) bool { return c.NR == unix.SYS_SETGROUPS }, nothingToChange}
	everyCall(t, p, append([]harmless{noGroups}, idleHarmless...), judgeCapset)
}

// TestExec: why a command that is there does not start.
func TestExec(t *testing.T) {
	capset := build(t, "capset")
	dir := t.TempDir()
	launch := func(file string) *exec.Cmd { return exec.Command(capset, "-q", file) }
	capsetFails(t, launch(write(t, dir+"/text", "echo hello\n", 0o755)), 126, `"#!" line`)
	capsetFails(t, launch(write(t, dir+"/empty", "", 0o755)), 126, `"#!" line`)
	capsetFails(t, launch(write(t, dir+"/script", "#!/gone/sh\n", 0o755)), 126, "/gone/sh", "interpreter of "+dir+"/script")
	capsetFails(t, launch(write(t, dir+"/mode", "#!/bin/sh\n", 0o644)), 126, "permission denied")
	capsetFails(t, launch(dir), 126, "not a regular file")
	capsetFails(t, launch(dir+"/gone"), 127, dir+"/gone")
	capsetFails(t, launch("no-such-command"), 127, "no-such-command")
}

// TestProcessLimit: a user who has more processes than its limit allows gets no
// command: setresuid marks it, execve says EAGAIN.
func TestProcessLimit(t *testing.T) {
	capset := build(t, "capset")
	const uid = "54321"
	sleeper := exec.Command("setpriv", "--reuid="+uid, "--clear-groups", "sleep", "60")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	testenv.Tool(t, "setpriv")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { sleeper.Process.Kill(); sleeper.Wait() }()
	for { // until it is that user's
		var st unix.Stat_t
		if err := unix.Stat(fmt.Sprintf("/proc/%d", sleeper.Process.Pid), &st); err != nil {
			t.Fatal(err)
		}
		if st.Uid == 54321 {
			break
		}
	}
	cmd := exec.Command(testenv.Tool(t, "prlimit"), "--nproc=0", capset, "-q", "--user="+uid+":"+uid, "true")
	capsetFails(t, cmd, 126, "execve", "resource temporarily unavailable", "RLIMIT_NPROC")
}
