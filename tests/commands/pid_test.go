package commands

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// sleeper starts a process behind a command that prepares its state, and returns
// its id once it is what it is to be.
func sleeper(t *testing.T, prepare ...string) string {
	t.Helper()
	cmd := exec.Command(prepare[0], append(prepare[1:], "sh", "-c", "echo ready; exec sleep 600")...)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// TestPID: --pid, -p and the operands are one list, in every command that speaks of
// processes.
func TestPID(t *testing.T) {
	testenv.Root(t)
	setpriv := testenv.Tool(t, "setpriv")
	a := sleeper(t, setpriv, "--bounding-set=-all,+chown,+kill", "--no-new-privs")
	b := sleeper(t, setpriv, "--reuid=1000", "--regid=1000", "--clear-groups")
	for _, test := range []struct {
		command string
		ways    []string // of naming the same
	}{
		{"show", []string{a, "--pid=" + a, "--pid " + a, "-p " + a, "-p" + a, "-p=" + a}},
		{"show", []string{a + " " + b, a + "," + b, "--pid=" + a + "," + b, "-p " + a + " " + b, "-p " + a + " -p " + b}},
		{"show --json", []string{a + "/" + a, "-p " + a + "/" + a}},
		{"assess --json", []string{a, "--pid=" + a, "-p " + a}},
		{"ps --json", []string{a + " " + b, b + " " + a, "--pid=" + a + "," + b, "-p " + a + " " + b, a + "," + b}},
		{"tree --json", []string{a, "--pid=" + a, "-p " + a}},
	} {
		first := ""
		for _, way := range test.ways {
			r := capsh(t, strings.Fields(test.command+" "+way)...)
			if first == "" {
				first = r.Out
			}
			if r.Code != 0 || r.Out == "" || r.Out != first {
				t.Errorf("%s %s: %+v, want %q", test.command, way, r, first)
			}
		}
	}
	for _, args := range []string{"assess --pid=" + a + "," + b, "assess " + a + " -p " + b, "predict -p " + a + "," + b + " id", "show --format=docker -p " + a + " " + b, "ps -p " + a + "/" + a} {
		if r := capsh(t, strings.Fields(args)...); r.Code != 2 || r.Out != "" || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// TestExpectOfSeveral: all processes must be as expected, and the report says which
// are not.
func TestExpectOfSeveral(t *testing.T) {
	testenv.Root(t)
	setpriv := testenv.Tool(t, "setpriv")
	a := sleeper(t, setpriv, "--bounding-set=-all,+chown,+kill", "--no-new-privs")
	b := sleeper(t, setpriv, "--reuid=1000", "--regid=1000", "--clear-groups")
	both := "-p" + a + "," + b
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{both + " euid<=0,1000 amb=none", 2, ""},
		{both + " amb=none seccomp=off", 0, ""},
		{both + " nnp", 1, "process " + b + ": no_new_privs"},
		{both + " bnd<=chown,kill uid=0", 1, "process " + b + ": bounding"},
		{"-p " + a + " -p " + b + " nnp", 1, "process " + b + ": no_new_privs"},
		{"-p " + b + " nnp", 1, "no_new_privs"},
		{both + " --tap nnp amb=none", 1, "TAP version 13\n1..4\nok 1 - process " + a + ": nnp\nok 2 - process " + a + ": amb=none\nnot ok 3 - process " + b + ": nnp\n"},
	} {
		r := capsh(t, append([]string{"expect"}, strings.Fields(test.args)...)...)
		if r.Code != test.code || !strings.HasPrefix(r.Out, test.want) || test.want == "" && r.Out != "" {
			t.Errorf("%s: %+v, want %q", test.args, r, test.want)
		}
	}
	r := capsh(t, "expect", both, "--json", "nnp")
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	if r.Code != 1 || len(lines) != 2 || !strings.Contains(lines[0], `"pid":`+a) || !strings.Contains(lines[1], `"pid":`+b) || !strings.Contains(lines[1], `"passed":false`) {
		t.Errorf("%+v", r)
	}
}
