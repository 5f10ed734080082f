package trial

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/testenv"
)

// TestMain makes this test program a keeper and a launch, too, as capset is.
func TestMain(m *testing.M) {
	switch {
	case os.Args[0] == KeeperName:
		os.Exit(Keep(os.Args[1:], os.Environ()))
	case os.Args[0] == LaunchName:
		os.Exit(launch(os.Args[1:]))
	case len(os.Args) == 3 && os.Args[1] == "victim":
		os.Exit(victim(os.Args[2]))
	}
	os.Exit(m.Run())
}

// launch executes a command, or refuses to.
func launch(args []string) int {
	fd, rest, err := LaunchArgs(args)
	if err != nil {
		return 125
	}
	switch rest[0] {
	case "answer":
		Refuse(fd, Refusal{Answer: true, Status: 126, Text: "would not have it"})
	case "broken":
		Refuse(fd, Refusal{Status: 125, Text: "setgroups: operation not permitted"})
	}
	unix.Exec(rest[0], rest, os.Environ())
	return 125
}

// victim starts a command, says so and waits to be killed.
func victim(script string) int {
	p, err := Start(shell(script))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("started")
	<-p.Ended()
	select {}
}

func shell(script string) *Command {
	return &Command{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: os.Environ()}
}

// marked are the processes that have a mark among their arguments.
func marked(t *testing.T, mark string) (list []int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, _ := os.ReadFile(name)
		if strings.Contains(string(text), mark) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			list = append(list, pid)
		}
	}
	return list
}

// newMark is a sleep of a length that no other has, and the mark that it is.
func newMark(t *testing.T) string {
	return fmt.Sprintf("%d.%d", 1000+os.Getpid(), time.Now().UnixNano()%1000000000)
}

// trees are scripts that leave processes behind which are hard to end; each has
// its sleeps of the length $M, and says "ready".
var trees = map[string]string{
	"child":             `sleep $M & echo ready; wait`,
	"deaf to SIGTERM":   `trap "" TERM HUP INT QUIT; sleep $M & echo ready; wait`,
	"session":           `setsid sh -c 'trap "" TERM; sleep $M & sleep $M' & echo ready; wait`,
	"daemon":            `(setsid sh -c '(sleep $M; :) & echo ready >&3; exec >&- 2>&-; sleep $M; :' &) 3>&1 >/dev/null; exit 0`,
	"closed all files":  `(setsid sh -c 'echo ready; exec <&- >&- 2>&-; sleep $M; :' &); exit 0`,
	"stopped":           `sleep $M & kill -STOP $!; (setsid sh -c 'kill -STOP $$; sleep '$M &); sleep 0.1; echo ready; exit 0`,
	"deep":              `sh -c 'sh -c "sh -c \"sleep $M & sleep $M\" & sleep $M" & sleep $M' & sleep 0.2; echo ready; exit 0`,
	"forks and forks":   `f() { sleep 0.01; f & exit; }; f & sleep 0.1; echo ready; : $M; exit 0`,
	"namespace of pids": `unshare -p -f sh -c 'sleep $M & setsid sleep $M' & sleep 0.1; echo ready; wait`,
}

func TestStopEndsTheTree(t *testing.T) {
	for name, script := range trees {
		t.Run(name, func(t *testing.T) {
			mark := newMark(t)
			p, err := Start(shell("M=" + mark + "; export M; " + script))
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { return strings.Contains(string(p.out.soFar()), "ready") })
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if left := marked(t, mark); left != nil {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestKilled: whoever made the trial is killed at any moment.
func TestKilled(t *testing.T) {
	for name, script := range trees {
		t.Run(name, func(t *testing.T) {
			for _, moment := range []time.Duration{-1, 0, 2 * time.Millisecond, 8 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond} {
				mark := newMark(t)
				cmd := exec.Command("/proc/self/exe", "victim", "M="+mark+"; export M; "+script)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if moment >= 0 {
					out.Read(make([]byte, 100))
				}
				time.Sleep(moment)
				cmd.Process.Kill()
				cmd.Wait()
				waitFor(t, func() bool { return marked(t, mark) == nil })
			}
		})
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

// TestWithoutProcfs: where there is none, this program finds itself by the path
// that it was started by, and the children by asking of every number.
func TestWithoutProcfs(t *testing.T) {
	testenv.Root(t)
	unshare := testenv.Tool(t, "unshare")
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range trees {
		if strings.Contains(script, "unshare") {
			continue // needs a procfs itself
		}
		t.Run(name, func(t *testing.T) {
			mark := newMark(t)
			script := "M=" + mark + "; export M; " + script
			cmd := exec.Command(unshare, "-m", "sh", "-c", `mount -t tmpfs none /proc && exec "$0" victim "$1"`, own, script)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if text, err := bufio.NewReader(out).ReadString('\n'); text != "started\n" {
				t.Error(text, err)
			}
			waitFor(t, func() bool { return len(marked(t, mark)) > 1 }) // that, and its keeper
			cmd.Process.Kill()
			cmd.Wait()
			waitFor(t, func() bool { return marked(t, mark) == nil })
		})
	}
}

func TestEnded(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0": "exit 0", "exit 7": "exit 7", "kill -SEGV $$": "killed by SIGSEGV",
		"sleep 100 & exit 3": "exit 3",
	} {
		p, err := Start(shell(script))
		if err != nil {
			t.Fatal(err)
		}
		e := <-p.Ended()
		if got := StatusText(e.Status); e.Err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", script, got, e.Err, want)
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestNotThere: a program that cannot be executed is an error of the keeper.
func TestNotThere(t *testing.T) {
	p, err := Start(&Command{Path: "/nonexistent", Argv: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	if e := <-p.Ended(); e.Err == nil || !strings.Contains(e.Err.Error(), "/nonexistent") {
		t.Error(e.Err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// TestSurroundings: a session of its own, an empty input, no descriptor of ours.
func TestSurroundings(t *testing.T) {
	script := `cat; echo $(ps -o sid= -p $$) $$; ls -l /proc/self/fd | grep -c pipe; ls /proc/$$/fd; cat /proc/$$/status | grep SigIgn`
	want, err := exec.Command("/bin/sh", "-c", "ls /proc/$$/fd; cat /proc/$$/status | grep SigIgn").Output()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(shell(script))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	out, _, sum := p.Output()
	first, rest, _ := strings.Cut(string(out), "\n")
	ids := strings.Fields(first)
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("session and process: %s", first)
	}
	if _, rest, _ = strings.Cut(rest, "\n"); rest != string(want) {
		t.Errorf("got\n%s\nwant\n%s", rest, want)
	}
	if sum.Length != int64(len(out)) {
		t.Error(sum, len(out))
	}
}

// TestOutput: the last 64 KiB are kept, all of it is read.
func TestOutput(t *testing.T) {
	p, err := Start(shell("head -c 1000000 /dev/zero; echo end; echo err >&2"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	out, errs, sum := p.Output()
	if len(out) != keepOutput || !strings.HasSuffix(string(out), "\x00end\n") || sum.Length != 1000004 || string(errs) != "err\n" {
		t.Error(len(out), sum.Length, string(errs))
	}
}

func try(t *testing.T, r *Runner) *Outcome {
	t.Helper()
	o, err := r.Try(0)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func runner(script string) *Runner {
	return &Runner{Timeout: time.Minute, Fixed: true, Command: func(caps.Set) *Command { return shell(script) }}
}

func TestJudge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	t.Setenv("F", file)
	for _, test := range []struct {
		name, script        string
		reset, ready, check string
		works, ended        bool
	}{
		{name: "status 0", script: "exit 0", works: true, ended: true},
		{name: "status 1", script: "exit 1", ended: true},
		{name: "hangs", script: "sleep 100"},
		{name: "check alone decides", script: "exit 1", check: "true", works: true},
		{name: "check fails", script: "exit 0", check: "false", ended: true},
		{name: "check beside a server", script: "sleep 0.1; touch $F; sleep 100", check: "test -e $F", works: true},
		{name: "check of a server that fails", script: "sleep 100", check: "test -e $F"},
		{name: "late", script: "(sleep 0.7; touch $F) & exit 0", check: "test -e $F", works: true, ended: true},
		{name: "too late", script: "(sleep 30; touch $F) & exit 0", check: "test -e $F", ended: true},
		{name: "ready first", script: "touch $F; sleep 0.1; rm $F; touch $F.ready; sleep 100", ready: "test -e $F.ready; ", check: "test ! -e $F", works: true},
		{name: "never ready", script: "sleep 100", ready: "false", check: "true"},
		{name: "a check that hangs", script: "sleep 100", check: "sleep 100"},
		{name: "reset", script: "mkdir $F", reset: "rm -rf $F", works: true, ended: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			os.RemoveAll(file)
			os.RemoveAll(file + ".ready")
			r := runner(test.script)
			if !test.works {
				r.Timeout = 500 * time.Millisecond
			}
			for script, to := range map[string]**Command{test.reset: &r.Reset, test.ready: &r.Ready, test.check: &r.Check} {
				if script != "" {
					*to = shell(script)
				}
			}
			o := try(t, r)
			if o.Works != test.works || test.check == "" && o.Ended != test.ended {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestResetFails: a reset that fails is noted, and the trial made.
func TestResetFails(t *testing.T) {
	r := runner("exit 0")
	r.Timeout = 2 * time.Second
	for script, want := range map[string]string{
		"echo no such thing >&2; exit 3": "exit 3, no such thing", "sleep 100": "had not ended after 2s",
	} {
		r.Reset, r.ResetFailures = shell(script), nil
		if o := try(t, r); !o.Works || !slices.Equal(r.ResetFailures, []string{want}) {
			t.Errorf("%s: %+v, %q", script, o, r.ResetFailures)
		}
	}
}

func TestSameOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	r := runner("cat " + file)
	r.SameOutput = true
	for _, text := range []string{"a", "a", "b", "a"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if o := try(t, r); o.Works != (text == "a") || o.OtherOutput != (text == "b") {
			t.Errorf("%s: %+v", text, o)
		}
	}
}

func TestLaunch(t *testing.T) {
	r := &Runner{Timeout: 5 * time.Second}
	what := []string{"/bin/true"}
	r.Command = func(caps.Set) *Command { return &Command{Launch: true, Argv: what, Env: os.Environ()} }
	if o := try(t, r); !o.Works || o.Refused != nil {
		t.Errorf("%+v", o)
	}
	what = []string{"answer"}
	if o := try(t, r); o.Works || o.Refused == nil || o.Refused.Status != 126 || o.Refused.Text != "would not have it" {
		t.Errorf("%+v", o)
	}
	what = []string{"broken"}
	if _, err := r.Try(0); err == nil || err.Error() != "setgroups: operation not permitted" {
		t.Error(err)
	}
}

func TestStopped(t *testing.T) {
	mark := newMark(t)
	r := runner("sleep " + mark + "; true")
	r.Timeout = 100 * time.Second
	stopped := make(chan struct{})
	r.Stopped = stopped
	time.AfterFunc(50*time.Millisecond, func() { close(stopped) })
	if _, err := r.Try(0); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	if left := marked(t, mark); left != nil {
		t.Errorf("left: %v", left)
	}
}

// TestKeeperStopped: a command that stops its keeper is ended, by what made the trial
// or when that is killed.
func TestKeeperStopped(t *testing.T) {
	file, mark := filepath.Join(t.TempDir(), "f"), newMark(t)
	script := "M=" + mark + "; sleep $M & kill -STOP $PPID; touch " + file + "; wait"
	stopped := func() bool { return os.Remove(file) == nil }
	p, err := Start(shell(script))
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, stopped)
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if left := marked(t, mark); left != nil {
		t.Errorf("left: %v", left)
	}
	cmd := exec.Command("/proc/self/exe", "victim", script)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, stopped)
	cmd.Process.Kill()
	cmd.Wait()
	waitFor(t, func() bool { return marked(t, mark) == nil })
}

// TestKeeperKilled: a command that kills its keeper is ended all the same, and that is
// said once.
func TestKeeperKilled(t *testing.T) {
	Adopt()
	mark := newMark(t)
	r := runner("kill -KILL $PPID; M=" + mark + "; export M; setsid sleep $M & sleep $M")
	_, err := r.Try(0)
	if err == nil || strings.Count(err.Error(), errKeeper.Error()) != 1 {
		t.Errorf("error %v", err)
	}
	if left := marked(t, mark); left != nil {
		t.Errorf("left: %v", left)
	}
}

// TestForeign: neither a keeper nor a launch takes descriptors that were not handed
// over to it, be they pipes or those of one that was.
func TestForeign(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	other, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	ran := filepath.Join(t.TempDir(), "ran")
	program := []string{"", "/bin/touch", "touch", ran}
	keeper := func(words ...string) []string { return slices.Concat([]string{KeeperName}, words, program) }
	launch := func(words ...string) []string {
		return slices.Concat([]string{LaunchName}, words, []string{"/bin/touch", ran})
	}
	theirs := strings.Replace(handed(int(other.Fd())), fmt.Sprint(other.Fd()), "3", 1)
	for _, argv := range [][]string{
		keeper("3", "3", "0"), keeper("99", "98", "97"), keeper("0", "0", "0"), keeper("3:", "3:", "0"), keeper("-1", "-1", "0"),
		keeper(theirs, theirs, "0"), keeper(), launch("3", "0"), launch("99", "98"), launch("0", "0"), launch(theirs, theirs), launch(),
	} {
		cmd := exec.Cmd{Path: "/proc/self/exe", Args: argv, ExtraFiles: []*os.File{r}}
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 125 {
			t.Errorf("%q: %v, not 125", argv, err)
		}
		if os.Remove(ran) == nil {
			t.Errorf("%q: the program ran", argv)
		}
	}
}
