package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestPlain: a capset that was built without the Makefile's flags works, and says
// what it lacks; the Makefile's has nothing to say.
func TestPlain(t *testing.T) {
	testenv.DependOn(t, "capsh/capset")
	plain := filepath.Join(t.TempDir(), "capset")
	build := exec.Command("go", "build", "-o", plain, "capsh/capset")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const lacks = "plain go build: ignored signals, the blocked mask and the order of the environment are not handed on"
	for _, c := range []struct {
		program string
		args    []string
		says    bool
	}{
		{plain, []string{"--version"}, true},
		{plain, []string{"true"}, false},
		{testenv.Build(t, "capset"), []string{"--version"}, false},
		{testenv.Build(t, "capset"), []string{"true"}, false},
	} {
		got := testenv.Run(t, exec.Command(c.program, c.args...))
		if said := strings.Contains(got.Out+got.Err, lacks); got.Code != 0 || said != c.says {
			t.Errorf("%s %v: status %d, %q, %q", c.program, c.args, got.Code, got.Out, got.Err)
		}
	}
}
