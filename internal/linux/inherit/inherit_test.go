package inherit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// emulators are the architectures that make dist builds for, each with the
// program that runs it here. qemu-i386 runs no Go program at all, threads fail
// in it; an amd64 kernel runs 386 itself.
var emulators = []struct{ arch, qemu string }{
	{"amd64", "qemu-x86_64-static"},
	{"386", ""},
	{"arm64", "qemu-aarch64-static"},
	{"arm", "qemu-arm-static"},
	{"riscv64", "qemu-riscv64-static"},
	{"ppc64le", "qemu-ppc64le-static"},
	{"s390x", "qemu-s390x-static"},
}

// link builds testdata/link with the Makefile's flags and returns the words
// that run it.
func link(t *testing.T, arch, qemu string, flags ...string) []string {
	t.Helper()
	testenv.DependOn(t, "./testdata/link")
	prog := filepath.Join(t.TempDir(), "link")
	args := append([]string{"build", "-o", prog}, flags...)
	build := exec.Command("go", append(args, "./testdata/link")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build for %s: %v\n%s", arch, err, out)
	}
	switch {
	case arch == runtime.GOARCH:
		return []string{prog}
	case arch == "386" && runtime.GOARCH == "amd64":
		return []string{prog}
	case qemu == "":
		testenv.Need(t, "a way to run "+arch, false, "no emulator runs Go programs for it")
	}
	return []string{testenv.Tool(t, qemu), prog}
}

// run has sh start argv with the redirections given and returns stdout.
func run(t *testing.T, redirect string, argv ...string) string {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `exec "$@" ` + redirect, "sh"}, argv...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v %s: %v", argv, redirect, err)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestClosed: a standard descriptor that was closed is open for the program and for
// what it execs, as the runtime of any Go program has it, and has nothing in it.
func TestClosed(t *testing.T) {
	for _, e := range emulators {
		t.Run(e.arch, func(t *testing.T) {
			argv := link(t, e.arch, e.qemu, testenv.BuildFlags()...)
			report := filepath.Join(t.TempDir(), "report")
			second := filepath.Join(t.TempDir(), "second")
			shows := "shown=$(readlink /proc/$$/fd/[012]); echo \"$shown\" >" + second
			native := len(argv) == 1
			run(t, "<&- >&- 2>&-", append(argv, report, "/bin/sh", "-c", shows)...)
			if got, want := read(t, report), "exact=true ignored=false\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got, want := read(t, second), strings.Repeat("/dev/null\n", 3); native && got != want {
				t.Errorf("after an exec: got %q, want %q", got, want)
			}
		})
	}
}

// TestSignals: a command execed by our program finds the dispositions, the mask
// and the descriptor limit that it finds without our program in between.
func TestSignals(t *testing.T) {
	env := testenv.Tool(t, "env")
	cat := testenv.Tool(t, "cat")
	err := exec.Command(env, "--ignore-signal=TERM", "--block-signal=TERM", "true").Run()
	testenv.Need(t, "an env with --block-signal", err == nil, "coreutils 8.31 has it")
	signals := [][]string{
		{},
		{"--ignore-signal=TERM,PIPE,QUIT,USR1,CHLD,HUP,INT,TSTP,TTOU,URG,PROF"},
		{"--block-signal=TERM,CHLD,USR1,USR2,RTMIN,SEGV,TSTP"},
		{"--ignore-signal", "--block-signal"},
	}
	for _, arch := range []string{"amd64", "386", "arm64"} {
		if arch != runtime.GOARCH && (arch != "386" || runtime.GOARCH != "amd64") {
			continue
		}
		argv := append(link(t, arch, "", testenv.BuildFlags()...), os.DevNull)
		for _, opts := range signals {
			direct := append(append([]string{env}, opts...), "sh", "-c", `ulimit -Sn 77; exec "$@"`, "sh")
			want := inherited(run(t, "", append(direct, cat, "/proc/self/status", "/proc/self/limits")...))
			got := inherited(run(t, "", append(append(direct, argv...), cat, "/proc/self/status", "/proc/self/limits")...))
			if got != want {
				t.Errorf("%s %v: got\n%swant\n%s", arch, opts, got, want)
			}
		}
	}
}

// inherited keeps the lines of status and limits that an exec passes on.
func inherited(text string) string {
	kept := ""
	for line := range strings.Lines(text) {
		switch name, _, _ := strings.Cut(line, ":"); {
		case name == "SigBlk", name == "SigIgn", name == "ShdPnd", strings.HasPrefix(line, "Max open files"):
			kept += line
		}
	}
	return kept
}

// TestPlain: without tag and flags the program builds, says that it knows less,
// and guesses nothing.
func TestPlain(t *testing.T) {
	argv := link(t, runtime.GOARCH, "")
	report := filepath.Join(t.TempDir(), "report")
	run(t, "", append(argv, report)...)
	if got, want := read(t, report), "exact=false ignored=false\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnviron: duplicates, what has no name and what is no variable reach the
// command in their order.
func TestEnviron(t *testing.T) {
	env := []string{"A=1", "B=2", "A=3", "=x", "noequals", "B="}
	for _, arch := range []string{runtime.GOARCH, "386"} {
		if arch == "386" && runtime.GOARCH != "amd64" {
			continue
		}
		words := append(link(t, arch, "", testenv.BuildFlags()...), os.DevNull, "/bin/cat", "/proc/self/environ")
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		// exec.Cmd would drop the duplicates.
		p, err := os.StartProcess(words[0], words, &os.ProcAttr{Env: env, Files: []*os.File{nil, out, os.Stderr}})
		if err != nil {
			t.Fatal(err)
		}
		if state, err := p.Wait(); err != nil || !state.Success() {
			t.Fatal(state, err)
		}
		if got, want := read(t, out.Name()), strings.Join(env, "\x00")+"\x00"; got != want {
			t.Errorf("%s: got %q, want %q", arch, got, want)
		}
	}
}

// TestIgnoredAtStart: SIGTERM is one that Go takes over.
func TestIgnoredAtStart(t *testing.T) {
	argv := link(t, runtime.GOARCH, "", testenv.BuildFlags()...)
	report := filepath.Join(t.TempDir(), "report")
	run(t, "", append([]string{"sh", "-c", `trap "" TERM; exec "$@"`, "sh"}, append(argv, report)...)...)
	if got := read(t, report); !strings.HasSuffix(got, "ignored=true\n") {
		t.Errorf("got %q, want ignored=true", got)
	}
}
