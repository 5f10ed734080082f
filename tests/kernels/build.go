package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"capsh/internal/testenv"
	"capsh/tests/kernels/job"
)

// makePayload fills the second disk's directory: the source tree, the jobs with
// their test binaries, both programs, and the C programs that tests compile.
func makePayload(dir, arch string, jobs []job.Job) error {
	bin, source := filepath.Join(dir, "bin"), filepath.Join(dir, "src")
	for _, d := range []string{bin, source} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if _, err := output(exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard . ':!tests/kube' |
		tar -c --null -T - --ignore-failed-read | tar -x -C "$1"`, "sh", source)); err != nil {
		return err
	}
	for _, program := range []string{"capsh", "capset"} {
		if err := build(arch, "build", filepath.Join(bin, program), "./"+program); err != nil {
			return err
		}
	}
	for _, j := range jobs {
		path := filepath.Join(bin, j.Binary())
		if _, err := os.Stat(path); err == nil {
			continue // two jobs of one package
		}
		if err := build(arch, "test", path, "./"+j.Dir, "-c", "-tags", testenv.Tags+",guest"); err != nil {
			return err
		}
	}
	if arch == "amd64" { // for others there is no C compiler
		if err := compileC(bin); err != nil {
			return err
		}
	}
	text, err := json.Marshal(jobs)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(job.List)), text, 0o644)
}

// build runs go build or go test with the Makefile's flags.
func build(arch, command, path, pkg string, more ...string) error {
	args := slices.Concat([]string{command, "-o", path}, testenv.BuildFlags(), more, []string{pkg})
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	_, err := output(cmd)
	return err
}

// compileC compiles what tests call testenv.CompileC for.
func compileC(bin string) error {
	for _, pattern := range []string{"tests/*/testdata/*.c"} {
		sources, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, source := range sources {
			if filepath.Dir(source) == "tests/bench/testdata" {
				continue
			}
			if _, err := output(testenv.GCC(source, filepath.Join(bin, testenv.CompiledName(source)))); err != nil {
				return err
			}
		}
	}
	return nil
}
