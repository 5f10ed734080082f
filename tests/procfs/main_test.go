// Package procfs runs capsh in worlds that are broken, strange or hostile, and on
// every process of the host. Its judges are the kernel's own status lines and
// the installed libcap.
package procfs

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"capsh/internal/testenv"
)

// roleVar makes this test binary play a role instead of testing: the process
// that capsh is asked about.
const roleVar = "WORLD_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		play(role, os.Args[1:])
	}
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

// capsh is the program under test, for every user to run.
func capsh(t testing.TB) string {
	t.Helper()
	return testenv.Build(t, "capsh")
}

// shell runs a script as root in a mount namespace of its own, where $capsh is
// the program; more are the arguments of the script.
func shell(t testing.TB, script string, more ...string) testenv.Result {
	t.Helper()
	testenv.Root(t)
	cmd := exec.Command("/bin/sh", append([]string{"-ec", script, "sh"}, more...)...)
	cmd.Env = append(os.Environ(), "capsh="+capsh(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return testenv.Run(t, cmd)
}

// actor is a process that plays a role until its stdin is closed.
type actor struct {
	pid   int
	stdin io.Closer
	cmd   *exec.Cmd
}

// start starts an actor and waits until it is ready.
func start(t testing.TB, role string, args ...string) *actor {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s: %q, %v", role, line, err)
	}
	return &actor{cmd.Process.Pid, stdin, cmd}
}

// refused checks a refusal: the status, nothing on stdout, one line on stderr
// that begins with the program's name and has all of the words.
func refused(t testing.TB, r testenv.Result, code int, words ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit status %d, want %d", r.Code, code)
	}
	if r.Out != "" {
		t.Errorf("stdout has %q", r.Out)
	}
	oneLine(t, r.Err)
	for _, word := range words {
		if !strings.Contains(r.Err, word) {
			t.Errorf("stderr lacks %q: %q", word, r.Err)
		}
	}
}

// oneLine checks the form of an error: one line, and perhaps one below it, indented,
// that says what to do.
func oneLine(t testing.TB, text string) {
	t.Helper()
	body, ok := strings.CutPrefix(text, "capsh: ")
	body, end := strings.CutSuffix(body, "\n")
	body = strings.Replace(body, "\n  ", " ", 1)
	if !ok || !end || body == "" || !clean(body) || strings.Contains(body, "goroutine") {
		t.Errorf("not one line of the program's: %q", text)
	}
}

// clean reports whether a line can do nothing to a terminal.
func clean(line string) bool {
	return utf8.ValidString(line) && strings.IndexFunc(line, unicode.IsControl) < 0
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
