// Package container runs our programs in real containers, of podman and of a
// Docker engine that it starts, and judges by what the kernel and the engines
// say from outside.
package container

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// The tests run in a PID and a mount namespace of their own: whatever happens,
// no engine, container or mount outlives them. Three processes of this binary
// do the work: the one that go test started, PID 1, and the one that tests.
const (
	stageVar = "CONTAINER_STAGE"
	dirVar   = "CONTAINER_DIR" // a directory for all that is written
)

func TestMain(m *testing.M) {
	stage := os.Getenv(stageVar)
	if os.Geteuid() != 0 {
		stage = "test" // and skip all
	}
	code, err := 1, error(nil)
	switch stage {
	case "":
		code, err = enclose()
	case "init":
		code, err = reap()
	case "test":
		code = m.Run()
		stopDocker()
		testenv.CleanBuilt()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// enclose starts the second stage and cleans up behind it.
func enclose() (int, error) {
	dir, err := os.MkdirTemp("", "container-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for root in a user namespace
		return 1, err
	}
	os.Setenv(dirVar, dir)
	runtime.LockOSThread() // Pdeathsig is about the thread
	cmd := again("init")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = cmd.Run()
	if _, ended := err.(*exec.ExitError); ended {
		err = nil
	}
	return max(cmd.ProcessState.ExitCode(), 0), err
}

// reap is PID 1: it waits for the tests and for every orphan.
func reap() (int, error) {
	if err := private(); err != nil {
		return 1, err
	}
	cmd := again("test")
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 1, err
		case pid == cmd.Process.Pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == cmd.Process.Pid:
			return status.ExitStatus(), nil
		}
	}
}

// private mounts the namespace's own /proc and hides podman's state that all
// stores of a host share.
func private() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, dir := range []string{"/dev/shm", "/run/libpod"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	return nil
}

// again is this binary with the same arguments in another stage.
func again(stage string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVar+"="+stage)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
