package watch

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// TestProbesEnd: where kprobes deliver the checks, they end with the program, however
// that ends. The kernel's list of probes is the judge.
func TestProbesEnd(t *testing.T) {
	watchable(t)
	cmd := exec.Command(testenv.Build(t, "capsh"), "trace", "--", "/bin/sh", "-c", "echo ready; read end")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(output); lines.Scan() && lines.Text() != "ready"; {
	}
	const watched = " cap_capable+" // 0 or, after an endbr64, 4
	if probes := listProbes(t); strings.Contains(probes, watched) == hasTracepoint() {
		t.Errorf("kprobes while it watches:\n%s", probes)
	}
	cmd.Process.Kill()
	cmd.Process.Wait() // its command still has the pipe
	if probes := listProbes(t); strings.Contains(probes, watched) {
		t.Errorf("kprobes that are left:\n%s", probes)
	}
}

// listProbes reads the kernel's list of probes from a debugfs that is mounted nowhere;
// empty where it has no kprobes.
func listProbes(t *testing.T) string {
	t.Helper()
	ctx, err := unix.Fsopen("debugfs", unix.FSOPEN_CLOEXEC)
	if err == unix.ENODEV {
		return ""
	} else if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		t.Fatal(err)
	}
	root, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	list, err := unix.Openat(root, "kprobes/list", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return ""
	} else if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(list), "kprobes/list")
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(fmt.Errorf("kprobes/list: %w", err))
	}
	return string(text)
}
