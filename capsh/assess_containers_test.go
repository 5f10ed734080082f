package main

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
)

// TestGone: a process is gone once it is a zombie, and so is one that was reaped.
func TestGone(t *testing.T) {
	l := &listing{view: view{proc: procfs.Proc}}
	if l.gone(os.Getpid()) {
		t.Error("this process is gone")
	}
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if !l.gone(cmd.Process.Pid) {
		t.Error("a zombie is not gone")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !l.gone(cmd.Process.Pid) {
		t.Error("a reaped process is not gone")
	}
}
