// Package commands runs capsh's commands, those that libcap's capsh does not have,
// on what a machine has: processes, files, containers.
package commands

import (
	"os"
	"os/exec"
	"testing"

	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

// program is the path of capsh, for every user to run.
func program(t testing.TB) string {
	t.Helper()
	return testenv.Build(t, "capsh")
}

// capsh runs it.
func capsh(t testing.TB, args ...string) testenv.Result {
	t.Helper()
	return testenv.Run(t, exec.Command(program(t), args...))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
