// Package watch watches the capability checks of real programs. What the kernel
// checks is known from its system calls, and strace judges what was denied.
package watch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"capsh/internal/linux/watch"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(provokeVariable); name != "" {
		os.Exit(provoke(name))
	}
	os.Exit(m.Run())
}

// tracepoint needs what watching needs.
func tracepoint(t *testing.T) {
	t.Helper()
	testenv.Root(t)
	w, err := watch.Start(watch.Target{Threads: []int{0}, FromExec: true}, nil)
	testenv.Need(t, "the tracepoint capability:cap_capable", err == nil, fmt.Sprint(err))
	if _, err := w.Stop(); err != nil {
		t.Fatal(err)
	}
}

// watched runs a command to its end and returns what was found.
func watched(t *testing.T, cmd *exec.Cmd, each func(checks.Check, checks.Verdict)) *checks.Found {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := watch.Start(watch.Target{Threads: []int{0}, FromExec: true}, each)
	if err != nil {
		t.Fatal(err)
	}
	runErr := cmd.Run()
	found, err := w.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if exit := new(exec.ExitError); runErr != nil && !errors.As(runErr, &exit) {
		t.Fatal(runErr)
	}
	if !found.Complete() || found.Blind != "" || found.Missed() != 0 {
		t.Errorf("%v: incomplete %q, blind %q, missed %s", cmd.Args, found.Incomplete, found.Blind, found.Missed())
	}
	return found
}

// TestOneNeed: of all that a shell and its child are checked for, the one need.
func TestOneNeed(t *testing.T) {
	tracepoint(t)
	dir := t.TempDir()
	var program string
	found := watched(t, exec.Command("/bin/sh", "-c", `touch "$1/f" && chown 12:34 "$1/f"; true`, "sh", dir), func(c checks.Check, v checks.Verdict) {
		if v.Kind == checks.Need {
			program = c.Comm
		}
	})
	needs := found.Needs()
	if len(needs) != 1 || needs[0] != caps.Of(caps.Chown) || program != "chown" {
		t.Errorf("needs %v of %q, want cap_chown of chown: %+v", needs, program, found.Seen)
	}
	if !found.Granted.Has(caps.SysAdmin) {
		t.Error("the counters saw no mapping")
	}
}

// TestNotOurs: what a command does in a user namespace that it made itself needs no
// capability here.
func TestNotOurs(t *testing.T) {
	tracepoint(t)
	cmd := exec.Command("/bin/sh", "-c", "unshare -n true; mount -t tmpfs x /mnt")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	foreign := 0
	found := watched(t, cmd, func(c checks.Check, v checks.Verdict) {
		if v.Kind != checks.Noise && !c.Ours {
			foreign++
			if c.Namespace.Kind != checks.Other || c.Namespace.Inode == 0 {
				t.Errorf("%s by %s in %v", c.Cap, v.Asker, c.Namespace)
			}
		}
	})
	if foreign == 0 || len(found.Needs()) != 0 {
		t.Errorf("%d checks in the namespace, needs here %v: %+v", foreign, found.Needs(), found.Seen)
	}
}
