package main

import (
	"strings"
	"testing"

	"capsh/internal/ui/classic"
)

// TestHelp: --help names every option and command, and fits a screen.
func TestHelp(t *testing.T) {
	text := classic.Usage("capsh")
	for name := range classic.Options {
		if !strings.Contains(text, name) {
			t.Errorf("--help lacks %s", name)
		}
	}
	for _, c := range commands() {
		if !strings.Contains(text, " "+c.name) {
			t.Errorf("--help lacks %s", c.name)
		}
		checkScreen(t, c.name, c.usage, 24)
	}
	checkScreen(t, "--help", text, 42)
}

// TestCommandHelp: what all commands take each one's help names.
func TestCommandHelp(t *testing.T) {
	for _, c := range commands() {
		var p common
		for _, o := range p.options() {
			takes := c.name != "completion" && !(c.name == "file" && o.Long == "proc")
			if word, _ := findWord(optionsIn(c.usage), "--"+o.Long); (word != nil) != takes {
				t.Errorf("%s --help names --%s: %v, want %v", c.name, o.Long, word != nil, takes)
			}
		}
	}
}

func checkScreen(t *testing.T, what, text string, most int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > most {
		t.Errorf("%s has %d lines, more than %d", what, len(lines), most)
	}
	for _, line := range lines {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("%s: line of %d columns: %s", what, n, line)
		}
	}
}
