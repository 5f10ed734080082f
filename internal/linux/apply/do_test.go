package apply

import (
	"os"
	"testing"

	"capsh/internal/rules/plan"
)

// TestCheckDirectory: another folder than "/" is told from it, whatever its name.
func TestCheckDirectory(t *testing.T) {
	for path, same := range map[string]bool{"/": true, "/.": true, t.TempDir(): false} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkDirectory(&plan.Step{FD: int(f.Fd()), Text: path}, "/", "the root directory"); (err == nil) != same {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	if checkDirectory(&plan.Step{FD: -1, Text: "/"}, "/", "the root directory") == nil {
		t.Error("a folder that is not open")
	}
}
