package apply

import (
	"os"
	"testing"
)

// TestCheckRoot: another folder than "/" is told from it, whatever its name.
func TestCheckRoot(t *testing.T) {
	for path, same := range map[string]bool{"/": true, "/.": true, t.TempDir(): false} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkRoot(int(f.Fd()), path); (err == nil) != same {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	if checkRoot(-1, "/") == nil {
		t.Error("a folder that is not open")
	}
}
