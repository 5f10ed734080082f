package bpfiter

import (
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
)

// sleeper is a process that setpriv starts with these options.
func sleeper(t *testing.T, options ...string) cred.Process {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, "setpriv"), append(options, "sh", "-c", "echo; exec sleep 60")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p, err := procfs.Proc.Process(cmd.Process.Pid, 0, procfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSecurebits: those that setpriv sets are read from outside.
func TestSecurebits(t *testing.T) {
	need(t)
	for options, want := range map[string]cred.Securebits{
		"+noroot,+noroot_locked":                        cred.NoRoot | cred.NoRootLocked,
		"+no_setuid_fixup":                              cred.NoSetuidFixup,
		"+keep_caps_locked,+noroot,+noroot_locked":      cred.KeepCapsLocked | cred.NoRoot | cred.NoRootLocked,
		"+no_setuid_fixup,+no_setuid_fixup_locked,-all": 0,
	} {
		p := sleeper(t, "--securebits="+options)
		Securebits(procfs.Proc, &p)
		if p.Securebits != cred.Is(want) {
			t.Errorf("%s: %+v, want %v", options, p.Securebits, want)
		}
		// An id that has gone to another is not taken for it.
		p.Securebits, p.Bounding = cred.Known[cred.Securebits]{}, 0
		if Securebits(procfs.Proc, &p); p.Securebits.OK {
			t.Errorf("%s: %+v of a process with another bounding set", options, p.Securebits)
		}
	}
	gone := sleeper(t)
	unix.Kill(gone.PID, unix.SIGKILL)
	for gone.RunState != 'Z' {
		gone, _ = procfs.Proc.Process(gone.PID, 0, procfs.Options{})
	}
	gone.TID = 1 << 30
	if Securebits(procfs.Proc, &gone); gone.Securebits.OK {
		t.Errorf("%+v of no process", gone.Securebits)
	}
}

// TestSecurebitsOfThreads: each thread has its own.
func TestSecurebitsOfThreads(t *testing.T) {
	need(t)
	type said struct {
		tid int
		err error
	}
	ready, done := make(chan said), make(chan bool)
	defer close(done)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		err := unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(cred.NoCapAmbientRaise), 0, 0, 0)
		ready <- said{unix.Gettid(), err}
		<-done
	}()
	other := <-ready
	if other.err != nil {
		t.Fatal(other.err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for tid, want := range map[int]cred.Securebits{other.tid: cred.NoCapAmbientRaise, unix.Gettid(): 0} {
		p, err := procfs.Proc.Process(unix.Getpid(), tid, procfs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if Securebits(procfs.Proc, &p); p.Securebits != cred.Is(want) {
			t.Errorf("thread %d: %+v, want %v", tid, p.Securebits, want)
		}
	}
}
