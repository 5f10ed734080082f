// Package scripts runs the scripts in the directories beside it, each against the
// programs as the Makefile builds them. A script is a testscript
// (github.com/rogpeppe/go-internal/testscript) with capsh and capset in PATH,
// and with this condition and this command:
//
//	[missing:NAME]    there is no program NAME, or for "root" the user is another,
//	                  for "landlock" the kernel has no Landlock;
//	                  an error where REQUIRE_ALL=1
//	status N CMD ...  run CMD; its exit status must be N
//
// SCRIPTS_ARCH=ARCH builds the programs for that architecture. 386 runs by
// itself on amd64; for one of emulators, the capsh and capset in PATH are shell
// scripts that start the programs under qemu-user.
package scripts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"github.com/rogpeppe/go-internal/testscript"
)

// emulators has the qemu-user of each architecture that amd64 can't run.
var emulators = map[string]string{
	"arm":   "qemu-arm-static",
	"arm64": "qemu-aarch64-static",
	"s390x": "qemu-s390x-static",
}

func TestMain(m *testing.M) {
	if arch := os.Getenv("SCRIPTS_ARCH"); arch != "" {
		os.Setenv("GOARCH", arch) // testenv.Build's go build sees it
	}
	status := m.Run()
	testenv.CleanBuilt()
	os.Exit(status)
}

func TestCapset(t *testing.T) { run(t, "capset") }
func TestCapsh(t *testing.T)  { run(t, "capsh") }

// run runs the scripts of a folder.
func run(t *testing.T, dir string) {
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("BIN", bin)
			env.Setenv("PATH", bin+":/usr/sbin:/usr/bin:/sbin:/bin")
			// Other users have to get at the script's files.
			return openUp(env.WorkDir)
		},
		Condition: missing,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
		},
	})
}

// programs is a folder with all programs, open to every user.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"capsh", "capset"} {
		text, err := os.ReadFile(testenv.Build(t, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if emulator := emulators[os.Getenv("SCRIPTS_ARCH")]; emulator != "" {
			path += ".foreign"
			emulate(t, filepath.Join(dir, name), testenv.Tool(t, emulator), path)
		}
		if err := os.WriteFile(path, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := openUp(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// emulate writes a script that stands for a program of another architecture.
func emulate(t *testing.T, script, emulator, program string) {
	t.Helper()
	text := "#!/bin/sh\nexec " + emulator + " -0 " + filepath.Base(script) + " " + program + " \"$@\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// openUp lets every user into a folder.
func openUp(dir string) error {
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func missing(cond string) (bool, error) {
	name, ok := strings.CutPrefix(cond, "missing:")
	if !ok {
		return false, errors.New("unknown condition")
	}
	var there bool
	switch name {
	case "root":
		there = os.Geteuid() == 0
	case "landlock":
		there = testenv.LandlockABI() > 0
	case "landlock-network": // and for signals and sockets
		there = testenv.LandlockABI() >= 6
	default:
		_, err := exec.LookPath(name)
		there = err == nil
	}
	if !there && os.Getenv("REQUIRE_ALL") == "1" {
		return false, errors.New("REQUIRE_ALL=1, but this host lacks " + name)
	}
	return !there, nil
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N CMD ...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, convErr := strconv.Atoi(args[0]); convErr != nil || got != want {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}
