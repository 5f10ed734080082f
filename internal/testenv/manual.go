package testenv

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// unescape makes plain text of what mdoc(7) needs escaped in a block.
var unescape = strings.NewReplacer(`\e`, `\`, `\(dq`, `"`, `\(aq`, `'`)

// ManualBlocks are the literal blocks (.Bd -literal) of a manual page, to be
// tried as they stand there.
func ManualBlocks(t testing.TB, page string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, rest := range strings.Split(string(text), "\n.Bd -literal")[1:] {
		_, block, _ := strings.Cut(rest, "\n")
		block, _, ended := strings.Cut(block, "\n.Ed")
		if !ended {
			t.Fatalf("%s: a block without an end", page)
		}
		blocks = append(blocks, unescape.Replace(block)+"\n")
	}
	return blocks
}

// ManualBlock is the block that has the given line in it.
func ManualBlock(t testing.TB, page, line string) string {
	t.Helper()
	for _, block := range ManualBlocks(t, page) {
		if strings.Contains("\n"+block, "\n"+line) {
			return block
		}
	}
	t.Fatalf("%s: no block with a line %q", page, line)
	return ""
}

// ManualOptions are the options that a manual page lists (.It Fl) between a line
// that begins with from and the next that begins with to: "-k", "--keep=" with a
// value, "--help[=" with an optional one.
func ManualOptions(t testing.TB, page, from, to string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n"+from)
	if !found {
		t.Fatalf("%s: no line %q", page, from)
	}
	section, _, _ = strings.Cut(section, "\n"+to)
	for line := range strings.Lines(section) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != ".It" || words[1] != "Fl" {
			continue
		}
		for i, word := range words {
			rest := strings.Join(words[min(i+2, len(words)):], " ")
			switch {
			case word != "Fl":
			case strings.HasPrefix(rest, "Ns = "):
				list = append(list, "-"+words[i+1]+"=")
			case strings.HasPrefix(rest, "Ns Op = "):
				list = append(list, "-"+words[i+1]+"[=")
			default:
				list = append(list, "-"+words[i+1])
			}
		}
	}
	return list
}

// Screen checks that a help text has at most so many lines, of 80 columns.
func Screen(t testing.TB, text string, lines int) {
	t.Helper()
	if n := strings.Count(text, "\n"); n > lines {
		t.Errorf("%d lines, more than %d", n, lines)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("line of %d columns: %s", n, line)
		}
	}
}
