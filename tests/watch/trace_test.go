package watch

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"capsh/internal/testenv"
)

// object is what capsh trace --json writes, as a stranger reads it.
type object struct {
	Version    int
	Time       string
	PID, TID   int
	Name       string
	Capability string
	Granted    bool
	Namespace  struct {
		Kind  string
		Inode *uint64
	} `json:"user_namespace"`
	Syscall, Asker, Reason, Help *string
	Kind                         string
	Alternatives                 []string
	Summary                      *struct {
		Seconds         float64
		Needs, Optional [][]string
		Checks          []json.RawMessage
		Lost            int
		Complete        bool
		Incomplete      []string
		Missed          []string
		Blind           *string
	}
}

// objects reads the lines of --json, of which the last is the summary.
func objects(t *testing.T, text string) (list []object) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o object
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if o.Version != 1 || (o.Summary == nil) != (o.Time != "") {
			t.Errorf("%s", line)
		}
		list = append(list, o)
	}
	if len(list) == 0 || list[len(list)-1].Summary == nil {
		t.Fatalf("no summary: %q", text)
	}
	return list
}

// trace runs capsh trace.
func trace(t *testing.T, args ...string) testenv.Result {
	t.Helper()
	watchable(t)
	return testenv.Run(t, exec.Command(testenv.Build(t, "capsh"), append([]string{"trace"}, args...)...))
}

// TestTraceJSON: each check is an object and the last is the summary; the command's own
// output goes elsewhere with --output.
func TestTraceJSON(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "trace")
	r := trace(t, "--json", "--output="+file, "--", "/bin/sh", "-c", `chown 12:34 "$0"; echo output; exit 7`, dir)
	if r.Code != 7 || r.Out != "output\n" || r.Err != "" {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := objects(t, string(text))
	s := list[len(list)-1].Summary
	if len(s.Needs) != 1 || s.Needs[0][0] != "CAP_CHOWN" || hasTracepoint() && !s.Complete || s.Lost != 0 || len(s.Checks) == 0 {
		t.Errorf("%+v", s)
	}
	for _, o := range list[:len(list)-1] {
		if o.Capability != "CAP_CHOWN" || !o.Granted || o.Name != "chown" || o.Namespace.Kind != "initial" || *o.Syscall != "fchownat" {
			t.Errorf("%+v", o)
		}
	}
}

// TestTraceDenied: what was denied, where, and what would help, for each reason.
func TestTraceDenied(t *testing.T) {
	testenv.Tool(t, "setpriv")
	for name, c := range map[string]struct{ options, help string }{
		"bounding":  {"--bounding-set=-sys_admin --inh-caps=-all --reuid=65534 --clear-groups", "cap_sys_admin is not in the bounding set: add it where that was set, as with --cap-add=SYS_ADMIN"},
		"user":      {"--reuid=65534 --clear-groups", "cap_sys_admin is not permitted: start it with cap_sys_admin ambient, or from a file that has it"},
		"nnp":       {"--reuid=65534 --clear-groups --no-new-privs", "under no_new_privs no file gives it"},
		"namespace": {"", "its capabilities have effect only in its own user namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			watchable(t)
			args := append([]string{"trace", "--denied", "--", "setpriv"}, strings.Fields(c.options)...)
			if name == "namespace" {
				args = []string{"trace", "--denied", "--", "unshare", "-Ur"}
			}
			text := untilHelped(t, exec.Command(testenv.Build(t, "capsh"), append(args, "/bin/sh", "-c", "hostname x; read end")...), c.help)
			if !strings.Contains(text, "cap_sys_admin") || !strings.Contains(text, c.help) {
				t.Errorf("no %q in\n%s", c.help, text)
			}
			if strings.Contains(text, "granted") {
				t.Errorf("granted ones are shown:\n%s", text)
			}
		})
	}
}

// A process that has ended is judged by the namespace that it was in at the check.
func TestTraceDeniedEnded(t *testing.T) {
	r := trace(t, "--denied", "--", "unshare", "-Ur", "hostname", "x")
	if want := "have effect only in its own user namespace"; !strings.Contains(r.Out, want) {
		t.Errorf("no %q in\n%s", want, r.Out)
	}
}

// untilHelped runs a trace whose command waits for the end of its input, so that it is
// there when it is asked about, until the help is shown.
func untilHelped(t *testing.T, cmd *exec.Cmd, help string) (text string) {
	t.Helper()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(time.Minute, func() { input.Close() })
	defer giveUp.Stop()
	for lines := bufio.NewScanner(output); lines.Scan(); {
		text += lines.Text() + "\n"
		if strings.Contains(text, help) {
			input.Close()
		}
	}
	cmd.Wait()
	return text
}

// TestTraceStatus: the status is the command's, or says why there was none.
func TestTraceStatus(t *testing.T) {
	watchable(t)
	for args, want := range map[string]int{
		"-- /bin/sh -c 'exit 3'":      3,
		"-- /bin/sh -c 'kill -9 $$'":  128 + 9,
		"-- /nonesuch":                127,
		"-- nonesuch":                 127,
		"-- /etc/passwd":              126,
		"":                            2,
		"--pid=1 -- /bin/true":        2,
		"--pid=1 --user=root":         2,
		"--nonesuch":                  2,
		"--pid=2147483647":            1,
		"--output=/none/x -- /bin/sh": 125,
	} {
		r := testenv.Run(t, exec.Command("/bin/sh", "-c", "exec "+testenv.Build(t, "capsh")+" trace "+args))
		if r.Code != want || (want == 2 || want > 3 && want < 128 || want == 1) != (r.Err != "") {
			t.Errorf("%s: status %d, want %d: %s", args, r.Code, want, r.Err)
		}
		if strings.Count(r.Err, "\n") > 1 {
			t.Errorf("%s: more than a line: %s", args, r.Err)
		}
	}
}

// TestTraceHostile: the name of a program cannot write to the terminal.
func TestTraceHostile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a\x1b[31m\n\xff\"b")
	if err := os.Symlink(testenv.Tool(t, "chroot"), name); err != nil {
		t.Fatal(err)
	}
	text := trace(t, "--", name, "/", "/bin/true")
	if !strings.Contains(text.Out, `a\x1b[31m\n\xff"b`) || strings.Contains(text.Out, "\x1b") || strings.Contains(text.Out, "\xff") {
		t.Errorf("%q", text.Out)
	}
	for _, o := range objects(t, trace(t, "--json", "--", name, "/", "/bin/true").Out) {
		if o.Summary == nil && o.Capability == "CAP_SYS_CHROOT" && o.Name != "a\x1b[31m\n\ufffd\"b" {
			t.Errorf("%q", o.Name)
		}
	}
}

// TestTraceInterrupted: Ctrl-C ends the view of a running process with a summary.
func TestTraceInterrupted(t *testing.T) {
	watchable(t)
	asker := exec.Command("/bin/sh", "-c", "while read go; do chroot / true; done")
	input, err := asker.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := asker.Start(); err != nil {
		t.Fatal(err)
	}
	defer asker.Wait()
	defer asker.Process.Kill() // it has more lines to read than were needed
	defer input.Close()
	cmd := exec.Command(testenv.Build(t, "capsh"), "trace", "--json", "--pid="+strconv.Itoa(asker.Process.Pid))
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(output); scan.Scan(); {
			lines <- scan.Text() + "\n"
		}
	}()
	var text string
	for text == "" { // until it watches
		if _, err := input.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		select {
		case text = <-lines:
		case <-time.After(50 * time.Millisecond):
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	for line := range lines {
		text += line
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if first := objects(t, text)[0]; first.Capability != "CAP_SYS_CHROOT" {
		t.Errorf("%+v", first)
	}
}

// TestTraceForwards: a signal to capsh reaches the command, whose end is shown.
func TestTraceForwards(t *testing.T) {
	watchable(t)
	cmd := exec.Command(testenv.Build(t, "capsh"), "trace", "--", "/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "ready" {
	}
	cmd.Process.Signal(syscall.SIGTERM)
	var summary string
	for lines.Scan() {
		summary += lines.Text() + "\n"
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 || !strings.Contains(summary, " of them incidental\n") {
		t.Errorf("status %d, summary %q", code, summary)
	}
}
