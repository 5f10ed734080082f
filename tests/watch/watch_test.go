// Package watch watches the capability checks of real programs. What the kernel
// checks is known from its system calls, and strace judges what was denied.
package watch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"capsh/internal/linux/watch"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(provokeVariable); name != "" {
		os.Exit(provoke(name))
	}
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

// watchable needs what watching needs: the tracepoint, or kprobes.
func watchable(t *testing.T) {
	t.Helper()
	testenv.Root(t)
	w, err := watch.Start(commandsOfThisThread, nil)
	testenv.Need(t, "a kernel that can be watched", err == nil, fmt.Sprint(err))
	if _, err := w.Stop(); err != nil {
		t.Fatal(err)
	}
}

// tracepoint needs the tracepoint: by kprobes there are no counters, and the checks of
// security/commoncap.c itself are not seen.
func tracepoint(t *testing.T) {
	t.Helper()
	watchable(t)
	testenv.Need(t, "the tracepoint capability:cap_capable", hasTracepoint(), "Linux 6.14")
}

// hasTracepoint asks the kernel's symbols, which have a function for each tracepoint.
var hasTracepoint = sync.OnceValue(func() bool {
	text, err := os.ReadFile("/proc/kallsyms")
	return err == nil && bytes.Contains(text, []byte(" trace_event_raw_event_cap_capable\n"))
})

// commandsOfThisThread are what this thread starts, from their execve on.
var commandsOfThisThread = watch.Target{Threads: []int{0}, FromExec: true}

// run runs a command to its end and returns what was found. The thread is locked, since
// the command has to be started on the one that is watched.
func run(t *testing.T, cmd *exec.Cmd, each func(checks.Check, checks.Verdict)) (found *checks.Found, runErr error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := watch.Start(commandsOfThisThread, each)
	if err != nil {
		t.Fatal(err)
	}
	runErr = cmd.Run()
	if found, err = w.Stop(); err != nil {
		t.Fatal(err)
	}
	return found, runErr
}

// watched is run for a command that starts, and of which every check is seen.
func watched(t *testing.T, cmd *exec.Cmd, each func(checks.Check, checks.Verdict)) *checks.Found {
	t.Helper()
	found, runErr := run(t, cmd, each)
	if exit := new(exec.ExitError); runErr != nil && !errors.As(runErr, &exit) {
		t.Fatal(runErr)
	}
	if found.Lost > 0 || found.Blind != "" || found.Missed() != 0 {
		t.Errorf("%v: %d lost, blind %q, missed %s", cmd.Args, found.Lost, found.Blind, found.Missed())
	}
	if !hasTracepoint() {
		return found
	}
	if !found.Complete() {
		t.Errorf("%v: incomplete %q", cmd.Args, found.Incomplete)
	}
	var granted, denied caps.Set
	for _, s := range found.Seen {
		if s.Granted {
			granted |= s.Cap.Set()
		} else {
			denied |= s.Cap.Set()
		}
	}
	if granted != found.Granted || denied != found.Denied {
		t.Errorf("%v: granted %s, counted %s; denied %s, counted %s", cmd.Args, granted, found.Granted, denied, found.Denied)
	}
	return found
}

// TestOneNeed: of all that a shell and its child are checked for, the one need.
func TestOneNeed(t *testing.T) {
	watchable(t)
	dir := t.TempDir()
	var program string
	found := watched(t, exec.Command("/bin/sh", "-c", `touch "$1/f" && chown 12:34 "$1/f"; true`, "sh", dir), func(c checks.Check, v checks.Verdict) {
		if v.Kind == checks.Needed {
			program = c.Comm
		}
	})
	needs := found.Needs()
	if len(needs) != 1 || needs[0] != caps.Of(caps.Chown) || program != "chown" {
		t.Errorf("needs %v of %q, want cap_chown of chown: %+v", needs, program, found.Seen)
	}
	if hasTracepoint() && !found.Granted.Has(caps.SysAdmin) {
		t.Error("the counters saw no mapping")
	}
}

// TestNotOurs: what a command does in a user namespace that it made itself needs no
// capability here.
func TestNotOurs(t *testing.T) {
	watchable(t)
	cmd := exec.Command("/bin/sh", "-c", "unshare -n true; mount -t tmpfs x /mnt")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	foreign, traced := 0, hasTracepoint()
	found := watched(t, cmd, func(c checks.Check, v checks.Verdict) {
		if v.Kind != checks.Incidental && !c.Ours {
			foreign++
			if c.Namespace.Kind != checks.Other || c.Namespace.Inode == 0 && traced {
				t.Errorf("%s by %s in %v", c.Cap, v.Asker, c.Namespace)
			}
		}
	})
	if foreign == 0 || len(found.Needs()) != 0 {
		t.Errorf("%d checks in the namespace, needs here %v: %+v", foreign, found.Needs(), found.Seen)
	}
}

// TestOverlay: on overlayfs the kernel checks the process and then, for the file below,
// who mounted it. The second is not the command's.
func TestOverlay(t *testing.T) {
	tracepoint(t)
	testenv.Tool(t, "unshare")
	const script = `mount -t tmpfs x "$1" && cd "$1" && mkdir lower upper work all &&
		mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work x all &&
		touch all/f && chown 65534 all/f && exec setpriv --reuid=65534 --clear-groups chmod 600 all/f`
	below := 0
	found := watched(t, exec.Command("unshare", "-m", "/bin/sh", "-c", script, "sh", t.TempDir()), func(c checks.Check, v checks.Verdict) {
		if c.Comm == "chmod" && c.Cap == caps.Fowner {
			below++
			if v.Kind != checks.Incidental {
				t.Errorf("%s: %s by %v", c.Cap, v.Kind, c.Chain)
			}
		}
	})
	if below == 0 {
		t.Errorf("no check below overlayfs: %s", summary(found))
	}
}

// TestOwner: who makes a user namespace may do everything there, without any capability
// here.
func TestOwner(t *testing.T) {
	watchable(t)
	found := watched(t, exec.Command(testenv.Tool(t, "unshare"), "-Urm", "true"), nil)
	if len(found.Needs()) != 0 || len(found.Optional()) != 1 {
		t.Errorf("needs %v, optional %v: %s", found.Needs(), found.Optional(), summary(found))
	}
}

// TestRunning: a process that runs already, with what it starts from then on, until all
// of it has ended.
func TestRunning(t *testing.T) {
	watchable(t)
	cmd := exec.Command("/bin/sh", "-c", `read go; chown 12:34 "$0"`, t.TempDir())
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := watch.Start(watch.Target{Threads: []int{cmd.Process.Pid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := input.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	<-w.Over()
	found, err := w.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if needs := found.Needs(); len(needs) != 1 || needs[0] != caps.Of(caps.Chown) {
		t.Errorf("needs %v: %s", needs, summary(found))
	}
}

// TestHost: of all processes of the host those that are asked for, also where one
// becomes such by changing its credentials. It counts for what it is when its records
// are read, so that what it did as root a moment before may be among them.
func TestHost(t *testing.T) {
	watchable(t)
	testenv.Tool(t, "setpriv")
	isNobody := func(pid int) (member, known bool) {
		status, err := testenv.ReadStatus(fmt.Sprintf("/proc/%d/status", pid))
		return err == nil && status.Fields("Uid")[1] == "65533", err == nil
	}
	denied := make(chan checks.Check, 1)
	w, err := watch.Start(watch.Target{Host: isNobody}, func(c checks.Check, _ checks.Verdict) {
		switch {
		case c.Cap == caps.Chown && !c.Granted:
			select {
			case denied <- c:
			default:
			}
		case c.Comm != "sh" && c.Comm != "setpriv" && c.Comm != "chown":
			t.Errorf("a check of another process: %+v", c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// It asks again until it was seen: of a busy host's checks some may get lost.
	const script = `chown 0 /; exec setpriv --reuid=65533 --clear-groups sh -c 'while chown 0 /; read again; do :; done'`
	cmd := exec.Command("/bin/sh", "-c", script)
	input, err := cmd.StdinPipe() // the process must still be there when it is asked about
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for seen, end := false, time.Now().Add(time.Minute); !seen; {
		select {
		case <-denied:
			seen = true
		case <-time.After(time.Second):
			if time.Now().After(end) {
				t.Fatal("the check was not seen")
			}
			input.Write([]byte("\n"))
		}
	}
	input.Close()
	cmd.Wait()
	found, err := w.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.Logf("%d lost: %s", found.Lost, summary(found))
	}
}

// TestNothing: where nothing was executed, the result does not say that nothing was
// needed.
func TestNothing(t *testing.T) {
	watchable(t)
	w, err := watch.Start(commandsOfThisThread, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.Stop()
	if err != nil || found.Complete() {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestEnded: of several threads those that have ended are left out, unless all have.
func TestEnded(t *testing.T) {
	watchable(t)
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	ended := cmd.Process.Pid
	w, err := watch.Start(watch.Target{Threads: []int{ended, os.Getpid()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Stop(); err != nil {
		t.Error(err)
	}
	for _, all := range [][]int{{ended}, {ended, ended}} {
		if w, err := watch.Start(watch.Target{Threads: all}, nil); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%v: %v, %v", all, w, err)
		}
	}
}
