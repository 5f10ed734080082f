package plan_test

import (
	"testing"

	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// TestSignals: each name is the number that this architecture has for it, and a
// name that is printed can be read.
func TestSignals(t *testing.T) {
	for n := 1; n <= 64; n++ {
		name := plan.SignalName(n)
		if n < 32 && unix.SignalNum("SIG"+name) != unix.Signal(n) {
			t.Errorf("%d is called %s", n, name)
		}
		if got, err := plan.ParseSignal(name); err != nil || got != n {
			t.Errorf("%s: %d, %v, want %d", name, got, err, n)
		}
	}
	for name, want := range map[string]unix.Signal{"CLD": unix.SIGCHLD, "SIGPOLL": unix.SIGIO, "iot": unix.SIGABRT} {
		if got, err := plan.ParseSignal(name); err != nil || unix.Signal(got) != want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, want)
		}
	}
}
