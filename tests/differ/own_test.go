package differ

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// What follows is what libcap's capsh gets wrong, or a Go program would: there
// is nothing to compare with, so the right answer is written down.

// ours runs our capsh in the state that the operations make.
func ours(t *testing.T, ops []string, argv ...string) result {
	t.Helper()
	w := theWorld(t)
	r := w.run(w.ours, &state{name: t.Name(), ops: ops}, argv)
	if r.code == stageFailed {
		t.Fatalf("the start state could not be made: %s", r.errs)
	}
	return r
}

// asGiven are the ways to a command: by exec, after a re-exec, forked.
var asGiven = map[string][]string{
	"exec":          {"--shell=@STAGE@", "--", "dump"},
	"exec again":    {"==", "--shell=@STAGE@", "--", "dump"},
	"fork":          {"--shell=@STAGE@", "-+", "dump"},
	"fork again":    {"=+", "--shell=@STAGE@", "-+", "dump"},
	"after a fork":  {"--forkfor=9", "--killit=9", "--shell=@STAGE@", "--", "dump"},
	"after a print": {"--print", "--shell=@STAGE@", "--", "dump"},
}

// TestCommandFindsWhatWasGiven: what Go's runtime changes at its start, and
// what capsh has opened, reaches no command; but see TestClosedDescriptors.
func TestCommandFindsWhatWasGiven(t *testing.T) {
	all := "1,2,3,10,12,13,14,15,17,18,20,21,22,23,28,29,34,40,64"
	for name, ops := range map[string][]string{
		"nothing":     nil,
		"ignored":     {"ignore=" + all},
		"blocked":     {"block=" + all},
		"both":        {"ignore=1,13,15", "block=2,13,17,64"},
		"few files":   {"nofile=64,200"},
		"other files": {"open=3", "open=7", "open=63"},
		"umask":       {"umask=0027"},
	} {
		t.Run(name, func(t *testing.T) {
			w := theWorld(t)
			direct, err := exec.Command(w.stage, append(append([]string{"run"}, ops...), "--", w.stage, "x", "dump")...).Output()
			must(t, err)
			want := given(string(direct))
			for way, argv := range asGiven {
				r := ours(t, ops, argv...)
				_, dump, _ := strings.Cut(r.out, "--- dump\n")
				if got := given(dump); r.code != 0 || got != want {
					t.Errorf("%s: exit %d\n%s", way, r.code, firstDifference(got, want))
				}
			}
		})
	}
}

// given are the lines of a dump about what was handed over.
func given(dump string) string {
	var keep []string
	for line := range strings.SplitSeq(dump, "\n") {
		for _, label := range []string{"ignored:", "blocked:", "limit ", "fd ", "Umask:"} {
			if strings.HasPrefix(line, label) && !strings.HasPrefix(line, "fd 1") {
				keep = append(keep, strings.Split(line, " type")[0])
			}
		}
	}
	return strings.Join(keep, "\n")
}

func TestOutputKeepsItsOrderInAPipe(t *testing.T) {
	for _, argv := range [][]string{
		{"--print", "--", "-c", "echo hi"},
		{"--print", "-+", "-c", "echo hi"},
		{"--print", "==", "--", "-c", "echo hi"},
		{"--print", "=+", "--", "-c", "echo hi"},
		{"--print", "--forkfor=1", "--killit=9", "--", "-c", "echo hi"},
	} {
		r := ours(t, nil, argv...)
		if r.code != 0 || !strings.HasPrefix(r.out, "Current: ") || !strings.HasSuffix(r.out, "\nhi\n") || strings.Count(r.out, "Current: ") != 1 {
			t.Errorf("%q: exit %d, %q", argv, r.code, r.out)
		}
	}
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	w := theWorld(t)
	for _, argv := range [][]string{
		{"--print"}, {"--current"}, {"--modes"}, {"--mode"}, {"--decode=1"}, {"--help"}, {"--license"},
		{"--explain=cap_chown"}, {"--suggest=chown"}, {"--print", "--", "-c", "exit 0"},
		{"--print", "==", "--strict"}, {"--bad"}, {"--mode=bad"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		cmd := exec.CommandContext(ctx, "/bin/bash", append([]string{"-c", `exec -- "$0" "$@" >/dev/full`,
			filepath.Join(w.ours.dir, "capsh")}, argv...)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		code := exitCode(ctx, cmd.Run())
		cancel()
		if code != 1 || errs.Len() == 0 {
			t.Errorf("%q: exit %d, stderr %q; want 1 and a reason", argv, code, errs.String())
		}
	}
}

// TestClosedDescriptors: a known difference. What is closed when libcap's capsh
// starts is closed for the shell; here it is /dev/null, as Go's runtime has it in
// any Go program. Both exit with 0.
func TestClosedDescriptors(t *testing.T) {
	w := theWorld(t)
	for dir, want := range map[string]string{w.theirs.dir: "", w.ours.dir: "/dev/null\n/dev/null\n"} {
		out := filepath.Join(t.TempDir(), "out")
		// Each readlink is a child, the shell's own descriptors stay as they are.
		look := "readlink /proc/$$/fd/0 >>" + out + "; readlink /proc/$$/fd/2 >>" + out + "; true"
		cmd := exec.Command("/bin/bash", "-c", `exec -- "$0" -- -c "$1" <&- 2>&-`, filepath.Join(dir, "capsh"), look)
		if err := cmd.Run(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(out)
		must(t, err)
		if string(text) != want {
			t.Errorf("%s: closed descriptors are %q for the shell, not %q", dir, text, want)
		}
	}
}

func TestManyGroups(t *testing.T) {
	r := ours(t, []string{"groups=x300"}, "--print", "--shell=@STAGE@", "--", "dump")
	if r.code != 0 || !strings.Contains(r.out, "10299(???)") || strings.Count(r.out, "(???)") != 300 {
		t.Errorf("exit %d, %s", r.code, r.out)
	}
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprint(20000+i))
	}
	r = ours(t, nil, "--groups="+strings.Join(list, ","), "--shell=@STAGE@", "--", "dump")
	if want := "groups: " + strings.Join(list, " ") + "\n"; r.code != 0 || !strings.Contains(r.out, want) {
		t.Errorf("exit %d, %s", r.code, r.errs)
	}
}

// TestUserInManyGroups: a chroot brings its own passwd and group.
func TestUserInManyGroups(t *testing.T) {
	w := theWorld(t)
	etc := filepath.Join(w.ours.dir, "root/etc")
	must(t, os.MkdirAll(etc, 0o755))
	defer os.RemoveAll(etc)
	must(t, os.WriteFile(filepath.Join(etc, "passwd"), []byte("many:x:4000:4001::/home/many:/bin/sh\n"), 0o644))
	var group strings.Builder
	want := "groups: 4001"
	for i := range 250 {
		fmt.Fprintf(&group, "g%d:x:%d:root,many\n", i, 5000+i)
		want += fmt.Sprint(" ", 5000+i)
	}
	must(t, os.WriteFile(filepath.Join(etc, "group"), []byte(group.String()), 0o644))
	r := ours(t, nil, "--chroot=@ROOT@", "--user=many", "--shell=/stage", "--", "dump")
	for _, line := range []string{want, "uid: 4000 4000 4000", "gid: 4001 4001 4001", "env: HOME=/home/many", "env: USER=many"} {
		if !strings.Contains(r.out, line+"\n") {
			t.Errorf("exit %d %s: no line %q in\n%s", r.code, r.errs, line, r.out)
		}
	}
}

// TestForkThatFails: nothing is signalled, least of all everything. The stage
// makes a kill of all processes the sender's death.
func TestForkThatFails(t *testing.T) {
	for _, argv := range [][]string{
		{"--forkfor=1"},
		{"--forkfor=1", "--killit=9"},
		{"--forkfor=1", "--killit=15", "--print"},
		{"-+", "-c", "exit 0"},
		{"=+", "--print"},
	} {
		r := ours(t, []string{"nofork"}, argv...)
		if r.code != 1 || r.errs == "" || r.out != "" {
			t.Errorf("%q: exit %d, stderr %q, stdout %q; want 1 and a reason", argv, r.code, r.errs, r.out)
		}
	}
	w := theWorld(t)
	if r := w.run(w.theirs, &state{ops: []string{"nofork"}}, []string{"--forkfor=1", "--killit=9"}); r.code != 128+int(unix.SIGSYS) {
		t.Errorf("libcap's: exit %d %q: no kill(-1), so the stage's guard is not one", r.code, r.errs)
	}
}

func TestStoppedChild(t *testing.T) {
	for _, sig := range []string{"19", "20", "21", "22"} {
		r := ours(t, nil, "--forkfor=600", "--killit="+sig)
		if r.code != 1 || r.errs == "" {
			t.Errorf("--killit=%s: exit %d, stderr %q; want 1, not a wait for ever", sig, r.code, r.errs)
		}
	}
}

// TestSignalsAreForwarded: who signals capsh means the command.
func TestSignalsAreForwarded(t *testing.T) {
	w := theWorld(t)
	// A process substitution in the loop would now and then swallow the signal: bash
	// fails to parse a trap while it parses one.
	script := `trap 'echo got; exit 5' TERM INT HUP QUIT; echo ready; while :; do sleep 60 >/dev/null 2>&1 & wait; done`
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		for _, argv := range [][]string{{"-+", "-c", script}, {"=+", "--", "-c", script}} {
			t.Run(fmt.Sprint(argv[0], " ", unix.SignalName(sig)), func(t *testing.T) {
				// The command of one who handles a signal begins with the default
				// action, also where it was ignored when the tests were started.
				signal.Notify(make(chan os.Signal, 1), sig)
				defer signal.Reset(sig)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				out, code := signalled(t, w.command(ctx, w.ours, &state{}, argv), ctx, sig)
				if code != 5 || out != "ready\ngot\n" {
					t.Errorf("exit %d, %q; want the command's 5", code, out)
				}
			})
		}
	}
}

// signalled sends the signal once the command is ready.
func signalled(t *testing.T, cmd *exec.Cmd, ctx context.Context, sig unix.Signal) (string, int) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = killGroup // all that holds the pipe
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer killGroup()
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(pipe, ready); err != nil {
		t.Fatal(err)
	}
	must(t, cmd.Process.Signal(sig))
	rest, err := io.ReadAll(pipe)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	return string(ready) + string(rest), exitCode(ctx, cmd.Wait())
}

func TestFailedExecSaysWhy(t *testing.T) {
	for path, why := range map[string]string{
		"/nonexistent": "no such file",
		"/etc/passwd":  "permission denied",
		"/etc":         "permission denied",
		"/etc/passwd/": "not a directory",
	} {
		for _, how := range []string{"--", "-+"} {
			r := ours(t, nil, "--shell="+path, how, "x")
			if r.code != 1 || !strings.Contains(strings.ToLower(r.errs), why) || !strings.Contains(r.errs, path) {
				t.Errorf("%s %s: exit %d, stderr %q, want %q in it", how, path, r.code, r.errs, why)
			}
		}
	}
}

// TestNoShell: an image without any shell is told so.
func TestNoShell(t *testing.T) {
	w := theWorld(t)
	sh := filepath.Join(w.ours.dir, "root/bin/sh")
	must(t, os.Rename(sh, sh+"-"))
	defer os.Rename(sh+"-", sh)
	r := ours(t, nil, "--chroot=@ROOT@", "--", "-c", "echo hi")
	if r.code != 1 || !strings.Contains(r.errs, "/bin/bash") || !strings.Contains(r.errs, "/bin/sh") {
		t.Errorf("exit %d, stderr %q; want both shells named", r.code, r.errs)
	}
}

// TestHomeAndUserReachTheCommand: also where they were not set before, which
// libcap's loses.
func TestHomeAndUserReachTheCommand(t *testing.T) {
	w := theWorld(t)
	testenv.Tool(t, "/bin/bash")
	for name, env := range map[string][]string{"neither": {}, "one": {"USER=x"}, "both": {"HOME=x", "USER=x"}, "twice": {"HOME=x", "HOME=y"}} {
		for _, how := range []string{"--", "-+"} {
			r := w.run(w.ours, &state{env: env}, []string{"--user=daemon", how, "-c", "echo $HOME $USER"})
			if r.code != 0 || r.out != "/usr/sbin daemon\n" {
				t.Errorf("%s, %s: exit %d %q %q", name, how, r.code, r.out, r.errs)
			}
		}
	}
}
