package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// prebuilt is a directory with the programs and the compiled C programs, for a
// host without a compiler: PREBUILT names it, and nothing is built then.
var prebuilt = os.Getenv("PREBUILT")

// built has the programs that this test process has built, in a directory
// that CleanBuilt removes.
var built struct {
	sync.Mutex
	dir   string
	paths map[string]string
}

// Build builds one of our programs, "capsh" or "capset", as the Makefile does
// and returns its path, where every user may run it. A test process builds each
// once; its TestMain calls [CleanBuilt] at the end. The test depends on the
// program's sources, as of [DependOn].
func Build(t testing.TB, program string) string {
	t.Helper()
	if prebuilt != "" {
		return filepath.Join(prebuilt, program)
	}
	built.Lock()
	defer built.Unlock()
	if path := built.paths[program]; path != "" {
		return path
	}
	DependOn(t, "capsh/"+program)
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "capsh-build-")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		built.dir, built.paths = dir, map[string]string{}
	}
	path := filepath.Join(built.dir, program)
	args := append([]string{"build", "-o", path}, BuildFlags()...)
	cmd := exec.Command("go", append(args, "capsh/"+program)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build capsh/%s: %v\n%s", program, err, out)
	}
	built.paths[program] = path
	return path
}

// DependOn makes the result of a test depend on the sources of a package of this
// module, and of those that it imports. The test has the go command build them,
// which go test does not see: it would answer from its cache after a change. What it
// sees is which directories a test process reads, with the size and the time of
// each file in them.
func DependOn(t testing.TB, pkg string) {
	t.Helper()
	Tool(t, "go")
	const dirs = "{{with .Module}}{{if .Main}}{{$.Dir}}\n{{.GoMod}}\n{{end}}{{end}}"
	list := exec.Command("go", "list", "-deps", "-tags", Tags, "-f", dirs, pkg)
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	seen := map[string]bool{}
	for path := range strings.FieldsSeq(string(out)) {
		if seen[path] {
			continue
		}
		seen[path] = true
		if filepath.Base(path) == "go.mod" {
			_, err = os.Stat(path)
		} else {
			_, err = os.ReadDir(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// CleanBuilt removes what [Build] left.
func CleanBuilt() {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		os.RemoveAll(built.dir)
		built.dir, built.paths = "", nil
	}
}

// CompileC compiles a C program, statically, to the given path.
func CompileC(t testing.TB, source, path string) {
	t.Helper()
	if prebuilt != "" {
		compiled := filepath.Join(prebuilt, CompiledName(source))
		_, err := os.Stat(compiled)
		Need(t, "gcc", err == nil, fmt.Sprint(err))
		if out, err := exec.Command("cp", compiled, path).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	Tool(t, "gcc")
	if _, err := os.Stat(source); err != nil { // go test sees that the test depends on it
		t.Fatal(err)
	}
	if out, err := GCC(source, path).CombinedOutput(); err != nil {
		t.Fatalf("gcc %s: %v\n%s", source, err, out)
	}
}

// GCC is the command that compiles a C program, statically.
func GCC(source, path string) *exec.Cmd {
	return exec.Command("gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", path, source)
}

// CompiledName is the name that a compiled C program has in PREBUILT.
func CompiledName(source string) string {
	return strings.TrimSuffix(filepath.Base(source), ".c") + ".compiled"
}
