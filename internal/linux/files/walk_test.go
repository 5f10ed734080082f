package files

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// TestWalk: all of a broad tree is seen once, whatever order the walkers take,
// and the paths begin as the tree's does.
func TestWalk(t *testing.T) {
	t.Chdir(t.TempDir())
	var want []string
	for a := range 20 {
		for b := range 20 {
			dir := fmt.Sprintf("top/%d/%d", a, b)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "su")
			if err := os.WriteFile(path, nil, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Chmod(path, 0o4755); err != nil {
				t.Fatal(err)
			}
			want = append(want, path)
		}
	}
	slices.Sort(want)
	for _, top := range []string{"top", "top/", "top//"} {
		var got []string
		w := Walk{
			Found:  func(g filecap.Grants) { got = append(got, g.Path) },
			Failed: func(err error) { t.Error(err) },
		}
		w.Tree(top)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %d files, want %d: %q", top, len(got), len(want), got)
		}
		if open := w.open.Load(); open != 0 {
			t.Errorf("%s: %d directories are still open", top, open)
		}
	}
}
