package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// copied adds a process of a Docker container to a copied procfs; without mounts, its
// mount table cannot be read.
func copied(t *testing.T, proc string, pid int, box string, mounts bool) {
	t.Helper()
	dir := filepath.Join(proc, fmt.Sprint(pid))
	must(t, os.MkdirAll(dir, 0o755))
	status := fmt.Sprintf("Name:\tx\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nNSpid:\t%d\nKthread:\t0\nThreads:\t1\n"+
		"CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n", pid, pid, pid)
	must(t, os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "cgroup"), []byte("0::/docker/"+strings.Repeat(box, 64)+"\n"), 0o644))
	if mounts {
		must(t, os.WriteFile(filepath.Join(dir, "mountinfo"), []byte("1 0 0:1 / / rw - overlay overlay rw\n"), 0o644))
	} else {
		must(t, os.Mkdir(filepath.Join(dir, "mountinfo"), 0o755)) // EISDIR
	}
}

// TestContainersUnread: a process that cannot be read hides no other one of its
// container, and a container of which none can be read is listed, as unknown.
func TestContainersUnread(t *testing.T) {
	proc := t.TempDir()
	copied(t, proc, 100, "a", false)
	copied(t, proc, 101, "a", true)
	copied(t, proc, 102, "b", false)
	for _, format := range []string{"text", "json"} {
		r := testenv.Run(t, exec.Command(program(t), "assess", "--all-containers", "--fail-on=privileged", "--proc="+proc, "--format="+format))
		rows := strings.Split(strings.TrimSpace(r.Out), "\n")
		if format == "text" {
			rows = rows[1:]
		}
		if len(rows) != 2 || r.Code != 1 || !strings.Contains(r.Err, "is a directory") {
			t.Fatalf("%s: %+v", format, r)
		}
		for i, want := range []struct{ id, pid, unknown string }{{"aaaa", "101", ""}, {"bbbb", "102", "unknown"}} {
			row := rows[i]
			if format == "json" {
				row = strings.Split(row, `"findings"`)[0]
			}
			if !strings.Contains(row, want.id) || !strings.Contains(row, want.pid) || want.unknown != "" && !strings.Contains(row, want.unknown) {
				t.Errorf("%s: %s", format, rows[i])
			}
		}
	}
}

// TestContainersUnknown: processes of which it is unknown whether they are in a container
// are counted, and the capability is named only to who lacks it.
func TestContainersUnknown(t *testing.T) {
	testenv.Root(t)
	proc := t.TempDir()
	must(t, os.Chmod(proc, 0o755))
	must(t, os.Chmod(filepath.Dir(proc), 0o755))
	copied(t, proc, 100, "a", true)
	must(t, os.Remove(filepath.Join(proc, "100", "cgroup")))
	must(t, os.Remove(filepath.Join(proc, "100", "mountinfo")))
	const text = "capsh: assess: processes of which it is unknown whether they are in a container: 1"
	for _, c := range []struct {
		before []string
		want   string
	}{
		{nil, text + "\n"},
		{[]string{testenv.Tool(t, "setpriv"), "--reuid=1000", "--clear-groups"}, text + " (needs CAP_SYS_PTRACE)\n"},
	} {
		argv := append(c.before, program(t), "assess", "--all-containers", "--proc="+proc)
		if r := testenv.Run(t, exec.Command(argv[0], argv[1:]...)); r.Code != 1 || r.Err != c.want {
			t.Errorf("%q: %+v, want %q", c.before, r, c.want)
		}
	}
}
