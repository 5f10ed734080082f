package procfs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/testenv"
)

// Processes that cannot be seen: an error says so, and nothing is on stdout.
func TestHidden(t *testing.T) {
	testenv.Tool(t, "setpriv")
	const asUser = `setpriv --reuid=1000 --regid=1000 --clear-groups "$capsh" `
	for _, test := range []struct {
		hidepid string
		words   []string
	}{
		{"1", []string{"process 1", "permitted", "hidepid="}}, // "operation not permitted (hidepid=noaccess on /proc)"
		{"2", []string{"process 1", "hidden", "hidepid="}},
		{"4", []string{"process 1", "hidden", "hidepid="}},
	} {
		for _, action := range []string{"--print", "--current", "--json --print", "--mode", "--has-p=cap_chown", "--is-uid=0", "--has-no-new-privs"} {
			t.Run("hidepid="+test.hidepid+" "+action, func(t *testing.T) {
				script := "mount -t proc -o hidepid=" + test.hidepid + " proc /proc; " + asUser + "--pid=1 " + action
				refused(t, shell(t, script), 1, test.words...)
			})
		}
	}
	t.Run("itself under hidepid", func(t *testing.T) {
		r := shell(t, `mount -t proc -o hidepid=2 proc /proc; `+asUser+`--pid=$$ --json --print`)
		refused(t, r, 1, "hidden") // $$ is root's shell
		r = shell(t, `mount -t proc -o hidepid=2 proc /proc; exec setpriv --reuid=1000 --regid=1000 --clear-groups sh -c 'exec "$capsh" --pid=$$ --json --print'`)
		if report := testenv.ParseReport(t, []byte(r.Out)); report.UID.Real != 1000 || report.PID != report.TID || r.Code != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("hidden or not, root sees", func(t *testing.T) {
		if r := shell(t, `mount -t proc -o hidepid=2 proc /proc; "$capsh" --pid=1 --current`); r.Code != 0 || r.Err != "" {
			t.Errorf("%+v", r)
		}
	})
}

// No process, no thread, no procfs: each says what it is.
func TestNotThere(t *testing.T) {
	self := itoa(os.Getpid())
	last := exec.Command("/bin/true")
	must(t, last.Run())
	gone := itoa(last.ProcessState.Pid())
	for args, words := range map[string][]string{
		"--pid=" + gone:                       {"process " + gone, "no such process"},
		"--pid=" + gone + "/" + gone:          {"process " + gone, "no such process"},
		"--pid=2147483647":                    {"process 2147483647", "no such process"},
		"--pid=" + self + "/" + gone:          {"process " + self, "thread " + gone},
		"--proc=/none --pid=" + self:          {"/none"},
		"--proc=/etc --pid=" + self:           {"/etc", "not a procfs"},
		"--proc=/etc/passwd --pid=" + self:    {"/etc/passwd"},
		"--proc=/etc":                         {"/etc"},
		"--proc=/proc/self/fd --pid=" + self:  {"no such process"},
		"--proc=" + strings.Repeat("x", 5000): {"name too long"},
	} {
		for _, action := range []string{" --print", " --json --print", " --current", " --mode", " --has-b=cap_chown", " --print --print"} {
			t.Run(args[:min(len(args), 60)]+action, func(t *testing.T) {
				refused(t, testenv.Run(t, exec.Command(capsh(t), strings.Fields(args+action)...)), 1, words...)
			})
		}
	}
}

// A process chooses its name, all of its fifteen bytes.
var hostileNames = []string{
	"plain", " ", "  two  ", "a\nUid:\t0\t0", "\nCapEff:\t1fff", "\x1b[31m\x1b]0;x\a", "a)b (c) S 1", "\\n\\", "\\", "\"quote\"",
	"\xff\xfe\xfd", "é漢😀", "\u202egpj.exe", "\xe2\x80", "tab\there", "\x7f\x01\x02", "{\"a\":1},", "%s%n%d", "'; rm -rf /", "\u2028\u2029",
}

func TestNames(t *testing.T) {
	plain := len(strings.Split(told(t, "plain", "--print"), "\n"))
	for _, name := range hostileNames {
		t.Run(strconv.Quote(name), func(t *testing.T) {
			text := told(t, name, "--print")
			lines := strings.Split(text, "\n")
			if len(lines) != plain {
				t.Errorf("%d lines, want %d:\n%q", len(lines), plain, text)
			}
			for _, line := range lines {
				if !clean(line) {
					t.Errorf("a terminal would act on %q", line)
				}
			}
			shown := regexp.MustCompile(`^Process: \d+ \((.*)\)$`).FindStringSubmatch(lines[0])
			if shown == nil {
				t.Fatalf("first line %q", lines[0])
			}
			back, err := strconv.Unquote(`"` + strings.ReplaceAll(shown[1], `"`, `\"`) + `"`)
			if err != nil || back != name {
				t.Errorf("shown as %q, which is %q, %v", shown[1], back, err)
			}
			nameInJSON(t, name)
		})
	}
}

func nameInJSON(t *testing.T, name string) {
	t.Helper()
	text := []byte(told(t, name, "--json --print"))
	if !utf8.Valid(text) || !json.Valid(text) || bytes.Count(text, []byte("\n")) != 1 || !clean(strings.TrimSpace(string(text))) {
		t.Errorf("not a clean line of JSON: %q", text)
	}
	if got, want := testenv.ParseReport(t, text).Name, string([]rune(name)); got != want {
		t.Errorf("JSON has the name %q, want %q", got, want)
	}
}

// told is what capsh says of a process with a name.
func told(t *testing.T, name, args string) string {
	t.Helper()
	p := start(t, "name", name)
	r := testenv.Run(t, exec.Command(capsh(t), append(strings.Fields(args), "--pid="+itoa(p.pid))...))
	if r.Code != 0 || r.Err != "" {
		t.Fatalf("%q: %+v", name, r)
	}
	return r.Out
}

// An error that quotes a hostile process is clean as well.
func TestNamesInErrors(t *testing.T) {
	p := start(t, "name", "\x1b[31m\nx")
	for _, args := range []string{"--has-a=cap_chown", "--is-uid=7", "--inmode=NOPRIV", "--has-no-new-privs"} {
		refused(t, testenv.Run(t, exec.Command(capsh(t), "--pid="+itoa(p.pid), args)), 1, "process "+itoa(p.pid))
	}
}

// A process that has ended and waits for its parent is called a zombie; the
// kernel still shows its sets.
func TestZombie(t *testing.T) {
	dead := exec.Command("/bin/true")
	must(t, dead.Start())
	defer dead.Wait()
	pid := dead.Process.Pid
	for state(pid) != 'Z' {
	}
	aboutZombie(t, pid)
}

// So is a leader that ended before its threads did; they are still there.
func TestHeadless(t *testing.T) {
	p := start(t, "headless")
	aboutZombie(t, p.pid)
	r := testenv.Run(t, exec.Command(capsh(t), "--json", "--print", "--pid="+itoa(p.pid)))
	report := testenv.ParseReport(t, []byte(r.Out))
	if report.Threads == nil || *report.Threads < 2 || report.DifferingThreads == nil {
		t.Errorf("its threads are not told of: %s", r.Out)
	}
}

func aboutZombie(t *testing.T, pid int) {
	t.Helper()
	r := testenv.Run(t, exec.Command(capsh(t), "--print", "--pid="+itoa(pid)))
	if r.Code != 0 || !strings.Contains(strings.SplitN(r.Out, "\n", 2)[0], "zombie") {
		t.Errorf("no word of a zombie: %+v", r)
	}
	r = testenv.Run(t, exec.Command(capsh(t), "--json", "--print", "--pid="+itoa(pid)))
	report := testenv.ParseReport(t, []byte(r.Out))
	if report.State == nil || *report.State != "Z" {
		t.Errorf("state is not Z: %s", r.Out)
	}
	status, err := testenv.ReadStatus("/proc/" + itoa(pid) + "/status")
	must(t, err)
	if list := report.Disagreements(status); list != nil {
		t.Errorf("%q", list)
	}
}
