//go:build guest

package inside

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// as runs a command as a user, found in PATH.
func as(t *testing.T, uid uint32, argv ...string) testenv.Result {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return testenv.Run(t, cmd)
}

// label is what the kernel says of a process of ours, without the newline.
func label(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/attr/current")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(text), "\n\x00")
}

// security is whether the kernel has a security module switched on.
func security(t *testing.T, name string) {
	t.Helper()
	list, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		t.Fatal(err)
	}
	for module := range strings.SplitSeq(string(list), ",") {
		if module == name {
			return
		}
	}
	testenv.Need(t, name, false, string(list))
}

// refused is what a launch that cannot be done has to look like.
func refused(t *testing.T, got testenv.Result, words ...string) {
	t.Helper()
	if got.Code != 125 || got.Out != "" || strings.Count(got.Err, "\n") != 1 || !strings.HasPrefix(got.Err, "capset: ") {
		t.Errorf("status %d, %q, %q", got.Code, got.Out, got.Err)
	}
	for _, word := range words {
		if !strings.Contains(got.Err, word) {
			t.Errorf("%q does not say %q", got.Err, word)
		}
	}
}
