// Package discover tries capset --discover on real programs, with a judge of its
// own: setpriv(1) runs each program with the claimed set, and with that less each
// one of its capabilities.
package discover

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "6") // most of the time is waiting for what hangs
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

// report is what the test reads of the JSON document.
type report struct {
	Version  int
	Keep     *[]string
	Reason   *string
	Runs     int
	Seconds  float64
	Guided   bool
	Warnings []string
	Needs    []struct{ Capability, Without string }
}

// TestPrograms: what is claimed suffices in repeated runs and nothing of it can
// go, as setpriv and the kernel have it; the table says what it is.
func TestPrograms(t *testing.T) {
	testenv.Root(t)
	capset := testenv.Build(t, "capset")
	setpriv := testenv.Tool(t, "setpriv")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, tool := range c.tools {
				testenv.Tool(t, tool)
			}
			w := newWorld(t, &c, 600+i)
			got, status := w.discover(t, capset, "prove")
			names := "none claimed"
			if got.Keep != nil {
				names = short(*got.Keep)
			}
			t.Logf("%s: {%s}%s, %d runs, %.1f s", c.name, names, reason(got), got.Runs, got.Seconds)
			if got.Keep == nil != (got.Reason != nil) || status != map[bool]int{true: 0, false: 1}[got.Keep != nil] {
				t.Errorf("keep %v, reason %v, exit status %d", got.Keep, got.Reason, status)
			}
			if c.reason != "" {
				if got.Reason == nil || *got.Reason != c.reason {
					t.Errorf("reason%s, want %s", reason(got), c.reason)
				}
				return
			}
			if got.Keep == nil {
				t.Fatalf("none is claimed:%s", reason(got))
			}
			if want := strings.Split(c.want, "|"); !slices.Contains(want, names) {
				t.Errorf("{%s} is claimed, want {%s}", names, c.want)
			}
			if c.warning != "" && !strings.Contains(strings.Join(got.Warnings, "\n"), c.warning) {
				t.Errorf("warnings %q lack %q", got.Warnings, c.warning)
			}
			w.judge(t, setpriv, names)
		})
	}
}

// TestGuided: where the kernel can be watched, the answer is the same after half of
// the 20 runs that leaving out one capability after the other takes in the median.
func TestGuided(t *testing.T) {
	testenv.Root(t)
	capset := testenv.Build(t, "capset")
	var mu sync.Mutex
	var runs []int
	t.Run("programs", func(t *testing.T) {
		for i, c := range cases {
			if c.check != "" || c.reason != "" || strings.Contains(c.want, "|") || c.name == "mlock" || c.name == "tcpdump" {
				continue // slow, or with more than one answer
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				for _, tool := range c.tools {
					testenv.Tool(t, tool)
				}
				got, _ := newWorld(t, &c, 600+i).discover(t, capset, "both")
				watched := !strings.Contains(strings.Join(got.Warnings, "\n"), "could not be watched")
				testenv.Need(t, "a kernel that can be watched", watched, strings.Join(got.Warnings, "\n"))
				if got.Keep == nil || short(*got.Keep) != c.want {
					t.Fatalf("%v%s, want {%s}", got.Keep, reason(got), c.want)
				}
				t.Logf("{%s}, %d runs, guided %v", c.want, got.Runs, got.Guided)
				mu.Lock()
				defer mu.Unlock()
				runs = append(runs, got.Runs)
			})
		}
	})
	slices.Sort(runs)
	if len(runs) > 0 && runs[len(runs)/2] > 10 {
		t.Errorf("%d runs in the median: %v", runs[len(runs)/2], runs)
	}
}

func reason(r *report) string {
	if r.Reason == nil {
		return ""
	}
	return " " + *r.Reason
}

// short are names as setpriv has them, with commas between.
func short(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strings.ToLower(strings.TrimPrefix(n, "CAP_"))
	}
	return strings.Join(list, ",")
}

// patience is how long something that works may take where the host is busy.
const patience = 30 * time.Second

// world is the directory of one case, and its words with that and a port put in.
type world struct {
	*program
	dir, timeout        string
	check, ready, reset string
	argv                []string
	stdout              []byte // what a run has to write, where that counts
}

func newWorld(t *testing.T, c *program, port int) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "capset-discover-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	words := strings.NewReplacer("{W}", dir, "{P}", strconv.Itoa(port))
	in := words.Replace
	w := &world{program: c, dir: dir, timeout: cmp.Or(c.timeout, patience.String()), check: in(c.check), ready: in(c.ready), reset: in(c.reset)}
	for _, word := range c.argv {
		w.argv = append(w.argv, in(word))
	}
	for _, step := range []struct {
		script string
		undo   bool
	}{{c.setup, false}, {c.undo, true}} {
		if step.script == "" {
			continue
		}
		run := func() {
			if out, err := exec.Command("/bin/sh", "-ec", in(step.script)).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", step.script, err, out)
			}
		}
		if step.undo {
			t.Cleanup(run)
		} else {
			run()
		}
	}
	return w
}

// discover runs capset, as others would, and looks for what it left behind.
func (w *world) discover(t *testing.T, capset, how string) (*report, int) {
	t.Helper()
	args := []string{"--discover=" + how, "--json"}
	add := func(option, value string) {
		if value != "" {
			args = append(args, option, value)
		}
	}
	add("-u", w.user)
	add("--check", w.check)
	add("--ready", w.ready)
	add("--reset", w.reset)
	add("--timeout", w.timeout)
	args = append(append(append(args, w.options...), "--"), w.argv...)
	mark := "DISCOVER_TEST=" + w.dir
	cmd := exec.Command(capset, args...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), mark)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if left := marked(t, mark); left != "" {
		t.Errorf("left behind: %s", left)
	}
	var r report
	if json.Unmarshal(out.Bytes(), &r) != nil {
		t.Fatalf("capset %q: %v\n%s%s", args, err, out.Bytes(), errs.Bytes())
	}
	return &r, cmd.ProcessState.ExitCode()
}

// marked are the processes that have a variable in their environment.
func marked(t *testing.T, mark string) (list string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if text, _ := os.ReadFile(name); bytes.Contains(text, []byte(mark)) {
			command, _ := os.ReadFile(filepath.Dir(name) + "/cmdline")
			list += filepath.Base(filepath.Dir(name)) + " " + strings.ReplaceAll(string(command), "\x00", " ") + "; "
		}
	}
	return list
}

// judge runs the program with the set, several times, and with less.
func (w *world) judge(t *testing.T, setpriv, names string) {
	t.Helper()
	var list []string
	if names != "" {
		list = strings.Split(names, ",")
	}
	for range 3 {
		if !w.works(t, setpriv, list, patience) {
			t.Errorf("{%s} is claimed and does not suffice", names)
		}
	}
	limit, err := time.ParseDuration(w.timeout)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range list {
		less := slices.Delete(slices.Clone(list), i, i+1)
		if w.works(t, setpriv, less, limit) {
			t.Errorf("{%s} is claimed, and %s can go", names, name)
		}
	}
}

// works runs the program in a PID namespace, so that all of it ends, with a set and
// within a time limit.
func (w *world) works(t *testing.T, setpriv string, names []string, limit time.Duration) bool {
	t.Helper()
	if w.reset != "" {
		exec.Command("/bin/sh", "-c", w.reset).Run() // there may be nothing to undo
	}
	set := "-all"
	for _, n := range names {
		set += ",+" + n
	}
	if w.stdout == nil && slices.Contains(w.options, "--expect-output") {
		var err error
		if w.stdout, err = exec.Command(w.argv[0], w.argv[1:]...).Output(); err != nil {
			t.Fatal(err)
		}
	}
	// The first process of a PID namespace has ended when all of it has. What
	// setpriv executes still has all of setpriv's permissions to be executed, what
	// that executes has not.
	const script = `mount --make-rprivate / && mount -t proc proc /proc || exit 99; "$@"; status=$?; test -z "$CHECK" || sleep 10; exit $status`
	args := []string{"-c", script, "sh", setpriv, "--bounding-set=" + set, "--inh-caps=" + set, "--ambient-caps=" + set}
	if w.user != "" {
		args = append(args, "--reuid="+w.user, "--regid="+w.user, "--clear-groups")
	}
	if !slices.Contains(w.options, "--allow-new-privs") {
		args = append(args, "--no-new-privs")
	}
	args = append(args, "/bin/sh", "-c", `exec "$@"`, "sh")
	cmd := exec.Command("/bin/sh", append(args, w.argv...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "CHECK="+w.check)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Setsid: true}
	if w.hostPIDs {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	late := time.After(limit)
	defer func() {
		cmd.Process.Kill()
		<-ended
	}()
	for w.check != "" {
		if (w.ready == "" || exec.Command("/bin/sh", "-c", w.ready).Run() == nil) && exec.Command("/bin/sh", "-c", w.check).Run() == nil {
			return true
		}
		select {
		case <-late:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	select {
	case err := <-ended:
		ended <- nil
		return err == nil && (w.stdout == nil || bytes.Equal(out.Bytes(), w.stdout))
	case <-late:
		return false
	}
}
