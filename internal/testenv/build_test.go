package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDependOn: go test answers from its cache while the sources of a program that
// a test builds are as they were, and not after a change of one, be it a new file.
// The module here has nothing but that.
func TestDependOn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // go test caches nothing that is seconds old
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"build.go", "flags.go", "testenv.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write("internal/testenv/"+name, string(text))
	}
	write("go.mod", "module capsh\n\ngo 1.26\n")
	write("capsh/main.go", "package main\n\nimport \"capsh/internal/said\"\n\nfunc main() { print(said.Text) }\n")
	write("internal/said/said.go", "package said\n\nvar Text = \"one\"\n")
	write("internal/linux/inherit/inherit.go", "package inherit\n")
	write("tests/one_test.go", `package tests

import (
	"os"
	"testing"

	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

func Test(t *testing.T) { testenv.Build(t, "capsh") }
`)
	cached := func() bool {
		t.Helper()
		cmd := exec.Command("go", "test", "./tests")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Contains(string(out), "(cached)")
	}
	cached()
	if !cached() {
		t.Error("nothing has changed, and the test ran again")
	}
	for name, text := range map[string]string{
		"capsh/main.go":          "package main\n\nimport \"capsh/internal/said\"\n\nfunc main() { println(said.Text) }\n",
		"internal/said/said.go":  "package said\n\nvar Text = \"three\"\n",
		"internal/said/other.go": "package said\n\nfunc init() { Text += \"!\" }\n",
	} {
		write(name, text)
		if cached() {
			t.Errorf("%s has changed, and the result is from the cache", name)
		}
	}
}
