package suggest

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	words := slices.Values([]string{"explain", "expect", "show", "tree", "file"})
	for word, want := range map[string]string{
		"explian": "explain", "explain": "explain", "tre": "tree", "shwo": "show",
		"files": "file", "expet": "expect", "": "", "x": "", "lsof": "", "frobnicate": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
