package suggest

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	words := slices.Values([]string{"explain", "expect", "show", "tree", "file", "--ruid", "--euid", "--rgid", "--groups", "--securebits"})
	for word, want := range map[string]string{
		"explian": "explain", "explain": "explain", "tre": "tree", "shwo": "show", "fiel": "file",
		"files": "file", "expet": "expect", "": "", "x": "", "sh": "", "lsof": "", "frobnicate": "",
		"exlpan": "", "--group": "--groups", "--secrebit": "--securebits", "--rudi": "--ruid",
		// Equally near are two, and not a slip but another word.
		"--guid": "", "--reid": "", "--fuid": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
