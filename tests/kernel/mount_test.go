package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// TestMounts: the privileges of a file count by the namespaces of its mount. The
// kernel is the judge: the program on the mount is executed and says what it has.
func TestMounts(t *testing.T) {
	testenv.Root(t)
	capsh := testenv.Build(t, "capsh")
	for _, test := range []struct {
		name string
		// holder keeps the mount: the options of unshare(1) that start it.
		holder []string
		// from starts capsh and the program; PID stands for the holder's.
		from string
		// file is what capsh file says, predict whether capsh predict gives the
		// capability; got is what the kernel gives.
		file, predict, got string
	}{
		{"in this mount namespace", []string{"--mount", "--propagation=unchanged"}, "nsenter -t PID -m --", "", "yes", "yes"},
		{"in another mount namespace", []string{"--mount"}, "", "IGNORED: the mount belongs to another mount namespace", "no", "no"},
		{"of another user namespace, entered", []string{"--user", "--map-root-user", "--mount"}, "nsenter -t PID -m --",
			"UNKNOWN: the mount may belong to another user or mount namespace", "unknown", "no"},
		{"of a user namespace, in it", []string{"--user", "--map-root-user", "--mount"}, "nsenter -t PID -m -U --preserve-credentials --", "", "yes", "yes"},
		{"of an ancestor of the user namespace", []string{"--mount"}, "nsenter -t PID -m -- unshare --user --map-root-user --", "", "yes", "yes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pid, path := holdMount(t, capsh, test.holder)
			prefix := strings.Fields(strings.ReplaceAll(test.from, "PID", fmt.Sprint(pid)))
			if len(prefix) == 0 {
				path = fmt.Sprintf("/proc/%d/root%s", pid, path)
			}
			run := func(argv ...string) testenv.Result {
				argv = append(prefix, argv...)
				return testenv.Run(t, exec.Command(argv[0], argv[1:]...))
			}
			if got := run(capsh, "file", path); strings.Contains(got.Out, "IGNORED") != (test.got == "no" && test.predict == "no") ||
				!strings.Contains(got.Out, test.file) {
				t.Errorf("capsh file: %q, want %q", got.Out, test.file)
			}
			// As a user without privileges and without anything to keep.
			predicted := run(capsh, "predict", "--securebits=noroot", "--bounding=net_bind_service", "--json", path)
			if got := answer(predicted.Out, predicted.Code); got != test.predict {
				t.Errorf("capsh predict: %s, want %s: %+v", got, test.predict, predicted)
			}
			had := run("setpriv", "--securebits=+noroot", "--inh-caps=-all", path, "--has-p=cap_net_bind_service")
			if got := map[int]string{0: "yes", 1: "no"}[had.Code]; got != test.got {
				t.Errorf("the kernel: %s, want %s: %+v", got, test.got, had)
			}
		})
	}
}

// answer is whether a prediction in JSON says that the capability is permitted
// afterwards.
func answer(text string, status int) string {
	if status != 0 {
		return "unknown"
	}
	_, after, _ := strings.Cut(text, `"after"`)
	_, permitted, _ := strings.Cut(after, `"permitted":`)
	permitted, _, _ = strings.Cut(permitted, "]")
	if strings.Contains(permitted, "CAP_NET_BIND_SERVICE") {
		return "yes"
	}
	return "no"
}

// holdMount starts a process with a tmpfs in namespaces of its own, on which a
// copy of a program has a file capability.
func holdMount(t *testing.T, program string, options []string) (pid int, path string) {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "program")
	script := `mount -t tmpfs none "$1" && cp "$2" "$1/program" && chmod 755 "$1/program" && echo ready && read x`
	cmd := exec.Command("unshare", append(options, "sh", "-c", script, "sh", dir, program)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); io.Copy(io.Discard, out); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the mount: %q, %v", line, err)
	}
	c := filecap.Caps{Permitted: 1 << 10, Effective: true, Version: 2}
	value, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, path), filecap.XattrName, value, 0); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, path
}
