package commands

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// TestIDsOfParents: a reader in a user namespace sees the ids of a process outside
// as 65534. They are unknown, and no question about them is answered with yes.
func TestIDsOfParents(t *testing.T) {
	testenv.Root(t)
	unshare := []string{testenv.Tool(t, "unshare"), "-Ur"}
	pid := strconv.Itoa(os.Getpid())
	const unknown = "unknown, the user namespace of capsh does not show it"
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"expect --pid=PID uid=nobody", 1, "uid: " + unknown},
		{"expect --pid=PID uid!=0", 1, "uid: " + unknown},
		{"expect --pid=PID egid=65534", 1, "egid: " + unknown},
		{"expect --pid=PID fsgid!=65534", 1, "fsgid: " + unknown},
		{"expect uid=0 gid=0", 0, ""},
		{"--pid=PID --is-uid=65534", 1, "uid is unknown"},
		{"--pid=PID --is-uid=0", 1, "uid is unknown"},
		{"--pid=PID --is-gid=65534", 1, "gid is unknown"},
		{"--pid=PID --print", 0, "uid=? euid=? gid=? groups="},
		{"--pid=PID --print --json", 0, `"uid":{"real":null,"effective":null,"saved":null,"fs":null},"gid":{"real":null,`},
		{"ps --user=nobody", 1, "capsh: ps: no process runs as nobody"},
		{"ps PID", 0, pid + " ? "},
		{"tree PID", 0, pid + " ? "},
		{"show PID", 0, "users uid ?, gid ?"},
		{"show PID --format=docker", 1, "an id of it is unknown: the user namespace of capsh does not show it"},
	} {
		r := as(t, 1000, unshare, strings.Fields(strings.Replace(test.args, "PID", pid, 1))...)
		if out := strings.Join(strings.Fields(r.Out+r.Err), " "); r.Code != test.code || !strings.Contains(out, test.want) ||
			test.want == "" && out != "" {
			t.Errorf("%s: exit status %d, %s%s, want %q", test.args, r.Code, r.Out, r.Err, test.want)
		}
	}
}

// TestIDsOfOwn: of this process itself, whose ids its user namespace does not map,
// classic text is libcap's; all else is unknown.
func TestIDsOfOwn(t *testing.T) {
	testenv.Root(t)
	unmapped := []string{testenv.Tool(t, "unshare"), "-U"}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"--print", 0, "uid=65534(nobody) euid=65534(nobody) gid=65534(nogroup)"},
		{"--is-uid=65534", 0, ""},
		{"--json --is-uid=65534", 0, ""},
		{"--print --json", 0, `"uid":{"real":null,`},
		{"expect uid=65534", 1, "uid: unknown"},
		{"show", 0, "users uid ?, gid ?"},
		{"predict --user=:0 true", 1, "setgroups"}, // not: uid 65534 does not exist
	} {
		r := as(t, 1000, unmapped, strings.Fields(test.args)...)
		if out := strings.Join(strings.Fields(r.Out+r.Err), " "); r.Code != test.code || !strings.Contains(out, test.want) {
			t.Errorf("%s: exit status %d, %s%s, want %q", test.args, r.Code, r.Out, r.Err, test.want)
		}
	}
}

// TestIDsOfFiles: with 65534 among the ids of a user namespace a file that is shown
// so may be nobody's or have no owner there. The kernel knows, the reader does not.
func TestIDsOfFiles(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	inside := func(size int, argv ...string) testenv.Result {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: size}}
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
			Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		return testenv.Run(t, cmd)
	}
	text, err := os.ReadFile("/usr/bin/id")
	must(t, err)
	for _, f := range []struct {
		name       string
		owner      int
		euid       string // the kernel's answer, in a namespace of 65536 ids
		all, fewer string // file's, in namespaces with and without 65534
	}{
		{"nobody", 165534, "euid=65534", "setuid ?; setgid users UNKNOWN: the owner or the group may have no id", "setuid ?; setgid users IGNORED: the owner or the group has no id"},
		{"none", 1, "uid=1000", "setuid ?; setgid users UNKNOWN: the owner or the group may have no id", "setuid ?; setgid users IGNORED: the owner or the group has no id"},
		{"seven", 100007, "euid=7", "setuid lp; setgid users", "setuid lp; setgid users"},
	} {
		path := filepath.Join(dir, f.name)
		must(t, os.WriteFile(path, text, 0o755))
		must(t, os.Chown(path, f.owner, 100100))
		must(t, os.Chmod(path, 0o6755|os.ModeSetuid|os.ModeSetgid))
		if r := inside(65536, path); !strings.Contains(r.Out, f.euid) || f.name == "none" && strings.Contains(r.Out, "euid") {
			t.Errorf("%s: the kernel gives %s%s", f.name, r.Out, r.Err)
		}
		for size, want := range map[int]string{65536: f.all, 2000: f.fewer} {
			r := inside(size, program(t), "file", path)
			if out := strings.Join(strings.Fields(r.Out), " "); r.Code != 0 || !strings.Contains(out, want) || f.name == "seven" && strings.Contains(out, ":") {
				t.Errorf("%s, %d ids: exit status %d, %s%s, want %q", f.name, size, r.Code, r.Out, r.Err, want)
			}
		}
		r := inside(65536, program(t), "predict", path)
		if known := f.name == "seven"; known != (r.Code == 0) || !known && !strings.Contains(r.Err, "the outcome depends on the file's owner or group, unknown here") {
			t.Errorf("predict %s: exit status %d, %s%s", f.name, r.Code, r.Out, r.Err)
		}
	}
	// The namespace's owner is uid 0 outside, which has no id in it.
	r := inside(65536, program(t), "show")
	if !strings.Contains(r.Out, "not the ") || strings.Contains(r.Out, "owned by") {
		t.Errorf("show: exit status %d, %s%s", r.Code, r.Out, r.Err)
	}
}
