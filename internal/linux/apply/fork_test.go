package apply

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// TestForkWhilePreempted: the collector asks all goroutines to give way, again
// and again. A child that heeds that waits for ever for threads that it does not
// have.
func TestForkWhilePreempted(t *testing.T) {
	path := testenv.Tool(t, "true")
	var stop atomic.Bool
	defer stop.Store(true)
	for range 2 {
		go func() {
			for !stop.Load() {
				runtime.GC()
			}
		}()
	}
	runtime.LockOSThread()
	for range 300 {
		pid, err := Spawn(&Program{Path: path, Argv: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := Wait(pid); err != nil || status != 0 {
			t.Fatalf("status %x, %v", status, err)
		}
	}
}

// TestForkSleep: the child is there until it is ended.
func TestForkSleep(t *testing.T) {
	pid, err := ForkSleep(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, err := Wait(pid); err != nil || !status.Signaled() || status.Signal() != unix.SIGTERM {
		t.Errorf("status %x, %v", status, err)
	}
}
