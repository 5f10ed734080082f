// Package layout holds the rules of the source tree that no compiler knows:
// which package may import which, and what the programs may link.
package layout

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const internal = "capsh/internal/"

// layers are the three of internal, from the bottom up: a package may import its
// own layer and those below it. Rules, the lowest, are pure.
var layers = []string{"rules", "linux", "ui"}

// layer is the place of a package among layers, -1 for one in none of them.
func layer(importPath string) int {
	rest, ours := strings.CutPrefix(importPath, internal)
	name, _, _ := strings.Cut(rest, "/")
	if !ours {
		return -1
	}
	return slices.Index(layers, name)
}

// support are the packages of internal that are in no layer: what tests share.
var support = []string{"testenv", "testenv/helper"}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// list runs go list as the Makefile builds.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	dependOnAll(t)
	cmd := exec.Command("go", append([]string{"list", "-tags", "exactstart", "-json=ImportPath,Dir,GoFiles,Imports"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			t.Fatalf("go list %v: %s", args, e.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// dependOnAll makes the result depend on all of the tree, which the go command
// reads: else go test would answer from its cache after a change.
func dependOnAll(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLayers: imports point down, and every package of internal is in a layer.
func TestLayers(t *testing.T) {
	for _, p := range list(t, "./internal/...") {
		name := strings.TrimPrefix(p.ImportPath, internal)
		if slices.Contains(support, name) {
			continue
		}
		own := layer(p.ImportPath)
		if own < 0 {
			t.Errorf("%s is in none of the layers %v", p.ImportPath, layers)
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, internal) && (layer(imp) < 0 || layer(imp) > own) {
				t.Errorf("%s imports %s: imports point down, %v", p.ImportPath, imp, layers)
			}
		}
	}
}

// TestRulesArePure: the rules give the same answer on every host.
func TestRulesArePure(t *testing.T) {
	for _, p := range list(t, "./internal/rules/...") {
		for _, imp := range p.Imports {
			if touchesHost(imp) {
				t.Errorf("%s is pure, but imports %s", p.ImportPath, imp)
			}
		}
	}
}

func touchesHost(imp string) bool {
	return imp == "os" || imp == "syscall" || imp == "net" || imp == "unsafe" || imp == "time" ||
		strings.HasPrefix(imp, "os/") || strings.HasPrefix(imp, "net/") || strings.HasPrefix(imp, "golang.org/x/sys/")
}

// modules are those from outside that the programs use, each for what
// CONTRIBUTING.md says.
var modules = []string{
	"golang.org/x/sys/unix",
	"github.com/spf13/pflag",
	"kernel.org/pub/linux/libs/security/libcap/cap",
}

// unwanted are packages of the standard library that cost every start more than
// they give, or turn to cgo.
var unwanted = []string{
	"crypto/rand", "flag", "log", "net/http", "os/user", "regexp", "text/tabwriter", "text/template",
}

// TestImports: what is linked into the programs costs every container start.
func TestImports(t *testing.T) {
	for _, p := range list(t, "-deps", "./capsh", "./capset") {
		if p.ImportPath != "capsh" && !strings.HasPrefix(p.ImportPath, "capsh/") {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(unwanted, imp) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
			if strings.Contains(imp, ".") && !slices.Contains(modules, imp) {
				t.Errorf("%s imports %s, which is none of %v", p.ImportPath, imp, modules)
			}
		}
	}
}

// TestRulesTakeOnlyNamesFromLibcap: libcap/cap's numbers and names are the same
// on every host; its other functions make system calls.
func TestRulesTakeOnlyNamesFromLibcap(t *testing.T) {
	for _, p := range list(t, "./internal/rules/...") {
		for _, file := range p.GoFiles {
			for _, use := range selected(t, filepath.Join(p.Dir, file), "cap") {
				if use != "NamedCount" && use != "Value" && use != strings.ToUpper(use) {
					t.Errorf("%s/%s uses cap.%s", p.ImportPath, file, use)
				}
			}
		}
	}
}

// selected lists the names that a file takes from the packages called so.
func selected(t *testing.T, file string, packages ...string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if from, ok := sel.X.(*ast.Ident); ok && slices.Contains(packages, from.Name) {
				names = append(names, sel.Sel.Name)
			}
		}
		return true
	})
	return names
}

// writers may change this process: apply does, inherit restores what Go changed.
var writers = []string{"linux/apply", "linux/inherit"}

// changing are the calls of unix and syscall that change the process; prefixes
// stand for what carries a number of the call or of the prctl operation. The fs
// ids are not among them: only setting them to nothing reads them.
var (
	changing = []string{
		"Capset", "Setuid", "Setgid", "Setreuid", "Setregid", "Setresuid", "Setresgid", "Setgroups",
		"Setrlimit", "Chroot", "Unshare", "Setns", "PivotRoot", "Umask",
		"Exec", "SYS_CAPSET", "SYS_EXECVE", "SYS_EXECVEAT", "SYS_CHROOT", "SYS_UNSHARE", "SYS_SECCOMP",
		"SYS_RT_SIGACTION", "SYS_RT_SIGPROCMASK", "PR_CAPBSET_DROP", "PR_CAP_AMBIENT_RAISE",
		"PR_CAP_AMBIENT_LOWER", "PR_CAP_AMBIENT_CLEAR_ALL",
	}
	changingPrefixes = []string{"PR_SET_", "SYS_SETRES", "SYS_SETRE", "SYS_SETUID", "SYS_SETGID", "SYS_SETGROUPS"}
)

// TestOnlyApplyWrites: no other package of the programs changes the process.
func TestOnlyApplyWrites(t *testing.T) {
	for _, p := range list(t, "./capsh", "./capset", "./internal/...") {
		name := strings.TrimPrefix(p.ImportPath, internal)
		if slices.Contains(writers, name) || slices.Contains(support, name) {
			continue
		}
		for _, file := range p.GoFiles {
			for _, use := range changes(t, filepath.Join(p.Dir, file)) {
				if name == "linux/sandbox" && use == "SYS_UNSHARE" {
					continue // with a flag that there is not: it asks the seccomp filter
				}
				t.Errorf("%s/%s uses %s; only internal/linux/apply changes this process", p.ImportPath, file, use)
			}
		}
	}
}

// changes lists the uses of unix and syscall in a file that change the process.
func changes(t *testing.T, file string) []string {
	t.Helper()
	return slices.DeleteFunc(selected(t, file, "unix", "syscall"), func(name string) bool {
		return !slices.Contains(changing, name) &&
			!slices.ContainsFunc(changingPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
}
