package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// enclosesTheRest finds a macro of mdoc(7) that puts quotes or brackets around the
// rest of its line, which goes on with something that belongs outside: another
// option, or words after the No that was meant to end it. The other way round, a
// bracket that ends the line is put outside, unless it is written \&].
var enclosesTheRest = regexp.MustCompile(`^\..*\b(Op|Sq|Dq|Bq|Aq|Brq|Ql|Qq)\b.* (No\b|, Fl\b|Ns [])]$)`)

// mandoc's linter accepts such a line.
func TestQuotesAndBracketsEnd(t *testing.T) {
	pages, err := filepath.Glob("../../man/*.1")
	if err != nil || len(pages) == 0 {
		t.Fatal("no manual pages:", err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if enclosesTheRest.MatchString(line) {
				t.Errorf("%s:%d: %s", page, i+1, line)
			}
		}
	}
}
