package watch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/checks"
	"capsh/internal/testenv"
)

// refusals are run by a user without capabilities. Each ends with a system call that
// a capability would have permitted.
const refusals = `
cat /etc/shadow
chown 1 "$1/file"
chmod 700 "$1/file"
rm "$1/file"
mkdir /refused
mount -t tmpfs x /mnt
hostname x
kill 1
mknod "$1/tmp/device" c 1 3
chroot / true
date -s 12:00
ls "$1/closed"
(exec 3>/etc/refused)
true
`

// TestStrace: in one and the same run, strace sees each system call fail with EPERM or
// EACCES that was denied a need, and each call that failed so was denied something
// that is not incidental.
func TestStrace(t *testing.T) {
	watchable(t)
	strace := testenv.Tool(t, "strace")
	setpriv := testenv.Tool(t, "setpriv")
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"closed": 0o700, "tmp": 0o777} {
		if err := os.Mkdir(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // t.TempDir's own parent
		t.Fatal(err)
	}
	log := filepath.Join(dir, "tmp", "log")
	cmd := exec.Command(setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
		strace, "-f", "-qq", "-e", "signal=none", "-o", log, "/bin/sh", "-c", refusals, "sh", dir)
	var needs, all []string
	watched(t, cmd, func(c checks.Check, v checks.Verdict) {
		if c.Granted || v.Kind == checks.Incidental || c.Comm == "strace" || c.Comm == "setpriv" {
			return
		}
		call := fmt.Sprint(c.PID, " ", c.Syscall)
		if all = append(all, call); v.Kind == checks.Needed {
			needs = append(needs, call)
		}
	})
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	theirs := refusedCalls(string(text))
	if len(theirs) < 12 {
		t.Errorf("strace saw only %v", theirs)
	}
	for _, call := range needs {
		if !slices.Contains(theirs, call) {
			t.Errorf("%s was denied a need and did not fail", call)
		}
	}
	for _, call := range theirs {
		if !slices.Contains(all, call) {
			t.Errorf("%s failed and was denied nothing of %v", call, all)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// refusedCalls are the process and the name of each call in strace's output that
// failed with EPERM or EACCES.
func refusedCalls(text string) (list []string) {
	for line := range strings.Lines(text) {
		pid, call, _ := strings.Cut(line, " ")
		call = strings.TrimSpace(call)
		if _, err := strconv.Atoi(pid); err != nil || !strings.Contains(call, "= -1 EPERM") && !strings.Contains(call, "= -1 EACCES") {
			continue
		}
		if rest, ok := strings.CutPrefix(call, "<... "); ok { // <... mount resumed>) = -1 EPERM
			call, _, _ = strings.Cut(rest, " ")
		}
		call, _, _ = strings.Cut(call, "(")
		list = append(list, pid+" "+call)
	}
	return list
}
