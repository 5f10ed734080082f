// Package docs runs the examples of the README and the manual pages as a reader
// would type them.
package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/catalog"
	"capsh/internal/testenv"
)

const root = "../.."

func TestMain(m *testing.M) {
	status := m.Run()
	testenv.CleanBuilt()
	os.Exit(status)
}

// example is a command and, unless it is left open, what it prints.
type example struct {
	where, command string
	output         []string
}

// readme takes the commands of the blocks marked "console": a line that begins
// with "$ " is typed, the lines up to the next one are what it prints.
func readme(t *testing.T) (list []example) {
	inBlock := false
	for _, line := range lines(t, filepath.Join(root, "README.md")) {
		command, typed := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock = line == "```console"
		case inBlock && typed:
			list = append(list, example{where: "README.md", command: command})
		case inBlock:
			last := &list[len(list)-1]
			last.output = append(last.output, line)
		}
	}
	return list
}

// manual takes the lines ".Dl $ COMMAND" of a manual page.
func manual(t *testing.T, page string) (list []example) {
	for _, line := range lines(t, page) {
		if command, ok := strings.CutPrefix(line, ".Dl $ "); ok {
			command = strings.NewReplacer(`\e`, `\`, `\-`, "-", `\&`, "").Replace(command)
			list = append(list, example{where: filepath.Base(page), command: command})
		}
	}
	return list
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestExamples(t *testing.T) {
	testenv.Root(t)
	bin := filepath.Dir(testenv.Build(t, "capsh")) + ":" + filepath.Dir(testenv.Build(t, "capset"))
	examples := readme(t)
	pages, err := filepath.Glob(filepath.Join(root, "man", "*.1"))
	if err != nil || len(pages) != 2 {
		t.Fatalf("manual pages: %v, %v", pages, err)
	}
	for _, page := range pages {
		found := manual(t, page)
		if len(found) == 0 {
			t.Errorf("%s has no examples", page)
		}
		examples = append(examples, found...)
	}
	for _, e := range examples {
		t.Run(e.where+"/"+e.command, func(t *testing.T) { e.run(t, bin) })
	}
}

func (e *example) run(t *testing.T, bin string) {
	cmd := exec.Command("bash", "-c", e.command)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v, stderr %q", err, stderr.String())
	}
	if len(e.output) > 0 && string(out) != strings.Join(e.output, "\n")+"\n" {
		t.Errorf("prints\n%s", out)
	}
}

// TestDefaultsNamed: the manual names every default set that is accepted by name.
func TestDefaultsNamed(t *testing.T) {
	text := strings.Join(lines(t, filepath.Join(root, "man", "capsh.1")), "\n")
	_, text, _ = strings.Cut(text, "The value is a comma-separated list")
	text, _, _ = strings.Cut(text, "\n.It ")
	words := strings.Fields(text)
	names := []string{"crio", "kubernetes"}
	for _, d := range catalog.Defaults() {
		names = append(names, d.Name, d.Column)
	}
	for _, name := range names {
		if _, ok := catalog.Default(name); !ok || !slices.Contains(words, name) {
			t.Errorf("%s is accepted %v and not named", name, ok)
		}
	}
}

// TestExamplesFit: on a terminal of 80 columns an example is on one line, as it has
// to be typed.
func TestExamplesFit(t *testing.T) {
	for _, name := range []string{"capsh.1", "capset.1"} {
		page := filepath.Join(root, "man", name)
		r := testenv.Run(t, exec.Command(testenv.Tool(t, "mandoc"), "-Tascii", "-Owidth=78", page))
		for _, e := range manual(t, page) {
			if !strings.Contains(r.Out, "$ "+e.command+"\n") {
				t.Errorf("%s: broken: %s", name, e.command)
			}
		}
		for _, block := range testenv.ManualBlocks(t, page) {
			for line := range strings.Lines(block) {
				if len(line) > 68 {
					t.Errorf("%s: too long: %s", name, line)
				}
			}
		}
	}
}

// TestPlainBuild: the README's first command builds without flags.
func TestPlainBuild(t *testing.T) {
	testenv.DependOn(t, "capsh/capsh")
	cmd := exec.Command("go", "run", "./capsh", "--print")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Current: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestInstall: the README's lines install the programs of a release.
func TestInstall(t *testing.T) {
	text := strings.Join(lines(t, filepath.Join(root, "README.md")), "\n")
	_, block, found := strings.Cut(text, "From a release:\n\n```sh\n")
	block, _, ended := strings.Cut(block, "```")
	if !found || !ended {
		t.Fatal("the README has no such block")
	}
	testenv.Need(t, "an amd64 host", runtime.GOARCH == "amd64", "the README installs programs for amd64")
	dir, to := t.TempDir(), t.TempDir()
	build := exec.Command("make", "-s", "dist-amd64", "DIST="+dir)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	install := exec.Command("sh", "-ec", strings.ReplaceAll(block, "/usr/local/bin/", to))
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s%v\n%s", block, err, out)
	}
	for _, name := range []string{"capsh", "capset"} {
		if r := testenv.Run(t, exec.Command(filepath.Join(to, name), "--version")); r.Code != 0 || !strings.HasPrefix(r.Out, name+" ") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestUnit: systemd takes the unit of the manual page, and its command does what
// the text says.
func TestUnit(t *testing.T) {
	testenv.Root(t)
	capset, capsh := testenv.Build(t, "capset"), testenv.Build(t, "capsh")
	block := testenv.ManualBlock(t, filepath.Join(root, "man", "capset.1"), "[Service]")
	block = strings.NewReplacer("/usr/local/bin/capset", capset, "/usr/bin/app", capsh+" --has-a=cap_net_bind_service").Replace(block)
	unit := filepath.Join(t.TempDir(), "test-manual.service")
	if err := os.WriteFile(unit, []byte("[Unit]\nDescription=Test\n"+block), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(testenv.Tool(t, "systemd-analyze"), "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v\n%s", err, out)
	}
	_, command, _ := strings.Cut(strings.TrimSpace(block), "ExecStart=")
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}

// TestRuntimesNamed: the manual names every runtime that --container completes to.
func TestRuntimesNamed(t *testing.T) {
	text := strings.Join(lines(t, filepath.Join(root, "man", "capsh.1")), "\n")
	_, text, _ = strings.Cut(text, ".It Fl -container Ns")
	text, _, _ = strings.Cut(text, "\n.It ")
	words := strings.Fields(text)
	r := testenv.Run(t, exec.Command(testenv.Build(t, "capsh"), "completion", "words", "capsh ps --container="))
	found := strings.Fields(r.Out)
	if len(found) == 0 {
		t.Errorf("%+v", r)
	}
	for _, word := range found {
		if runtime := strings.TrimPrefix(word, "--container="); !slices.Contains(words, runtime) {
			t.Errorf("%s is not named", runtime)
		}
	}
}
