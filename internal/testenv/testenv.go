// Package testenv has helpers that tests share, such as checks of what a test needs
// from the host. It is linked into tests only.
package testenv

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Need skips the test unless ok, and says what is missing. Where REQUIRE_ALL=1
// is set, as in CI, a missing thing is a failure: a skip must not hide there.
func Need(t testing.TB, what string, ok bool, why string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("REQUIRE_ALL=1, but this host lacks %s: %s", what, why)
	}
	t.Skipf("SKIPPED, this host lacks %s: %s", what, why)
}

// Root needs uid 0.
func Root(t testing.TB) {
	t.Helper()
	Need(t, "root", os.Geteuid() == 0, "run as root")
}

// LandlockABI is the version of the kernel's Landlock, and 0 where it has none or
// Landlock is off.
func LandlockABI() int {
	const landlockCreateRuleset = 444 // on every architecture
	const version = 1                 // LANDLOCK_CREATE_RULESET_VERSION: only ask for it
	abi, _, errno := syscall.Syscall(landlockCreateRuleset, 0, 0, version)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// Landlock needs it.
func Landlock(t testing.TB) {
	t.Helper()
	Need(t, "landlock", LandlockABI() > 0, "Linux 5.13 has it")
}

// Tool needs a program in PATH (or at the given path) and returns its path.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	Need(t, name, err == nil, "not installed")
	return path
}
