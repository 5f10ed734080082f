package commands

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// untraceable is why predict may not answer for process 1: to open its root
// directory is a matter of ptrace(2).
const untraceable = "which needs permission to trace the process: permission denied"

// once is a call of each command, about process 1 and about itself. It succeeds, or
// its error of one line has refused in it.
var once = []struct {
	args, refused string
}{
	{"show 1", ""}, {"show", ""}, {"--print --pid=1", ""}, {"--print", ""},
	{"ps --pid=1", ""}, {"ps", ""},
	{"tree --pid=1", ""}, {"tree", ""},
	{"file /bin/sh", ""},
	{"predict --pid=1 /bin/sh", untraceable}, {"predict /bin/sh", ""},
	{"expect --pid=1 uid=0", ""}, {"expect nnp", ""},
	{"assess --pid=1", ""}, {"assess", ""},
	{"explain net_raw", ""}, {"completion bash", ""},
	{"trace -- /bin/true", "trace: "},
}

// TestEachCommand runs each command as root and as an ordinary user. On any kernel
// it answers, or says in one line why it can't.
func TestEachCommand(t *testing.T) {
	testenv.Root(t)
	program := program(t)
	for user, id := range map[string]uint32{"root": 0, "user": 1000} {
		for _, c := range once {
			t.Run(user+" "+c.args, func(t *testing.T) {
				args := append([]string{"--no-new-privs", program}, strings.Fields(c.args)...)
				cmd := exec.Command(testenv.Tool(t, "setpriv"), args...)
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
				got := testenv.Run(t, cmd)
				refused := got.Code != 0 && got.Out == "" && c.refused != "" && strings.Contains(got.Err, c.refused) &&
					strings.HasPrefix(got.Err, "capsh: ") && strings.Count(got.Err, "\n") == 1
				if !refused && (got.Code != 0 || got.Err != "" || got.Out == "" && !silent(c.args)) {
					t.Errorf("status %d, %q, %.500q", got.Code, got.Err, got.Out)
				}
			})
		}
	}
	t.Run("process 1", func(t *testing.T) { compareWithStatus(t, program) })
}

// silent says that a command has nothing to print where it succeeds.
func silent(args string) bool { return strings.HasPrefix(args, "expect ") }

// compareWithStatus compares what is reported of process 1 with its status file.
func compareWithStatus(t *testing.T, program string) {
	testenv.Libcap(t)
	status, err := testenv.ReadStatus("/proc/1/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint32{0, 1000} {
		cmd := exec.Command(program, "show", "--json", "1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
		got := testenv.Run(t, cmd)
		for _, d := range testenv.ParseReport(t, []byte(got.Out)).Disagreements(status) {
			t.Errorf("uid %d: %s", id, d)
		}
	}
}
