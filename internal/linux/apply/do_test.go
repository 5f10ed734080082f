package apply

import (
	"os"
	"testing"
)

// TestCheckDirectory: a directory is compared by identity, not by name.
func TestCheckDirectory(t *testing.T) {
	for path, same := range map[string]bool{"/": true, "/.": true, t.TempDir(): false} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkDirectory(int(f.Fd()), path, "/", "the root directory"); (err == nil) != same {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	if checkDirectory(-1, "/", "/", "the root directory") == nil {
		t.Error("a directory that is not open")
	}
}
