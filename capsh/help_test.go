package main

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
	"capsh/internal/ui/classic"
	"capsh/internal/ui/flags"
)

// TestHelp: --help names every option and command, and fits a screen.
func TestHelp(t *testing.T) {
	text := classic.Usage("capsh")
	for name := range classic.Options {
		if !strings.Contains(text, name) {
			t.Errorf("--help lacks %s", name)
		}
	}
	for name := range commandNames() {
		if !strings.Contains(text, " "+name) {
			t.Errorf("--help lacks %s", name)
		}
	}
	testenv.Screen(t, text, 40)
	var all strings.Builder
	if status := run([]string{"capsh", "--help=all"}, nil, nil, &all, &all); status != 0 {
		t.Errorf("exit status %d", status)
	}
	testenv.Screen(t, all.String(), 1000)
	for name := range classic.Options {
		if !strings.Contains(all.String(), name) {
			t.Errorf("--help=all lacks %s", name)
		}
	}
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) { checkHelp(t, c.make().table()) })
	}
}

// checkHelp: the help of a command fits a screen, and all of it has one line for
// each option.
func checkHelp(t *testing.T, table *flags.Table) {
	t.Helper()
	testenv.Screen(t, table.Help(), 40)
	all := table.HelpAll()
	testenv.Screen(t, all, 1000)
	for _, name := range table.Names() {
		lines := 0
		for line := range strings.Lines(all) {
			words := strings.Fields(strings.ReplaceAll(line, ", ", " "))
			if strings.HasPrefix(line, "  ") && slices.ContainsFunc(words[:min(2, len(words))], func(w string) bool { return w == name || strings.HasPrefix(w, name) && name[len(name)-1] == '=' }) {
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("%d lines for %s in\n%s", lines, name, all)
		}
	}
}

// TestManual: the manual page lists the options that the table of each command
// has, and no others.
func TestManual(t *testing.T) {
	const page = "../man/capsh.1"
	common := testenv.ManualOptions(t, page, ".Sh COMMANDS", ".Ss ")
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			own := testenv.ManualOptions(t, page, ".Ss capsh "+c.name+" ", ".Ss ")
			names := c.make().table().Names()
			for _, name := range names {
				if !slices.Contains(own, name) && !slices.Contains(common, name) {
					t.Errorf("%s is not in the manual", name)
				}
			}
			for _, name := range own {
				if !slices.Contains(names, name) {
					t.Errorf("the manual has %s, which is no option", name)
				}
			}
		})
	}
}

// TestSameWords: what is called the same means the same in every command.
func TestSameWords(t *testing.T) {
	same := map[string]string{}
	for _, c := range commands {
		for _, o := range c.make().table().All() {
			if o.Name != "json" && o.Name != "color" && o.Name != "proc" && o.Name != "pid" {
				continue
			}
			help := o.Help
			if o.Name == "pid" {
				help = "" // says what the command does with it
			}
			now := o.Short + " " + o.Word + " " + help
			if was, ok := same[o.Name]; ok && was != now {
				t.Errorf("--%s is %q and in %s %q", o.Name, was, c.name, now)
			}
			same[o.Name] = now
		}
	}
}
