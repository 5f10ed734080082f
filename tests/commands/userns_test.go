package commands

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// as runs capsh as another user, behind what prepares its state.
func as(t *testing.T, uid uint32, prepare []string, args ...string) testenv.Result {
	t.Helper()
	argv := append(append(append([]string{}, prepare...), program(t)), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return testenv.Run(t, cmd)
}

// TestUserNSUnseen: who may not see which user namespace a process is in is shown by
// every command alike what its uid_map proves.
func TestUserNSUnseen(t *testing.T) {
	testenv.Root(t)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	sleep := exec.Command("/bin/sleep", "100")
	sleep.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Pdeathsig: syscall.SIGKILL}
	must(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	pid := strconv.Itoa(sleep.Process.Pid)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"show PID", 0, "userns not the host's, by its uid_map; its number is unknown"},
		{"show --json PID", 0, `"user_namespace":{"inode":null,"initial":false,`},
		{"assess --json PID", 0, `"id":"user-namespace","severity":"ok"`},
		{"ps PID", 0, " sleep unknown -bu- none"},
		{"ps --json PID", 0, `"user_namespace":{"inode":null,"initial":false}`},
		{"tree PID", 0, "userns)"},
		{"tree --json PID", 0, `"user_namespace":{"inode":null,"initial":false}`},
		{"--pid=PID --print", 0, "User namespace: unknown (not initial)"},
		{"--pid=PID --print --json", 0, `"user_namespace":{"inode":null,"initial":false,`},
		{"expect --pid=PID userns!=initial", 0, ""},
		{"expect --pid=PID userns=initial", 1, "user namespace: is another, not initial"},
		{"expect --pid=PID userns!=7", 1, "user namespace: unknown"},
	} {
		r := as(t, 1000, nil, strings.Fields(strings.Replace(test.args, "PID", pid, 1))...)
		if out := strings.Join(strings.Fields(r.Out), " "); r.Code != test.code || r.Err != "" || !strings.Contains(out, test.want) {
			t.Errorf("%s: exit status %d, %s%s, want %q", test.args, r.Code, r.Out, r.Err, test.want)
		}
	}
}

// TestUserNSFromChild: to a reader in a user namespace without the machine's uid 0
// the map of one with all ids shows that uid as one that there is not. That is no
// proof that it is not the initial one.
func TestUserNSFromChild(t *testing.T) {
	testenv.Root(t)
	unshare := []string{testenv.Tool(t, "unshare"), "-Ur"}
	text, err := os.ReadFile("/proc/self/uid_map")
	must(t, err)
	testenv.Need(t, "a user namespace with all ids", strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295", string(text))
	pid := strconv.Itoa(os.Getpid())
	for args, want := range map[string]string{
		"show PID":        "userns unknown; its uid_map is that of the initial one",
		"show --json PID": `"user_namespace":{"inode":null,"initial":null,"uid_map":[{"inside":0,"outside":4294967295,"count":4294967295}]`,
		"ps --json PID":   `"user_namespace":{"inode":null,"initial":null}`,
	} {
		r := as(t, 1000, unshare, strings.Fields(strings.Replace(args, "PID", pid, 1))...)
		if out := strings.Join(strings.Fields(r.Out), " "); r.Code != 0 || r.Err != "" || !strings.Contains(out, want) {
			t.Errorf("%s: exit status %d, %s%s, want %q", args, r.Code, r.Out, r.Err, want)
		}
	}
	// That it is not the reader's is sure.
	r := as(t, 1000, unshare, "ps", pid)
	if lines := strings.Split(strings.TrimSpace(r.Out), "\n"); len(lines) < 2 || strings.Fields(lines[1])[4][2] != 'u' {
		t.Errorf("%s%s", r.Out, r.Err)
	}
}
