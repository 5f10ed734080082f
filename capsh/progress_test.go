package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/linux/files"
)

// TestProgressWidth: the line fits on a terminal although its characters are wide, and
// none of them is cut in two.
func TestProgressWidth(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 { // the cut is at another byte of a character each time
		dir = filepath.Join(dir, strings.Repeat("x", i)+strings.Repeat("漢", 60))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var to strings.Builder
		p := progress{to: &to, walk: &files.Walk{}}
		p.walk.Tree(dir)
		p.show()
		text := strings.TrimPrefix(to.String(), eraseLine)
		columns := len(text) - strings.Count(text, "漢") // three bytes, two columns
		if columns >= 80 || !utf8.ValidString(text) || !strings.Contains(text, " files, in /") {
			t.Errorf("%d columns: %q", columns, text)
		}
	}
}
