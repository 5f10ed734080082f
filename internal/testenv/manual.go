package testenv

import (
	"os"
	"strings"
	"testing"
)

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
		blocks = append(blocks, strings.ReplaceAll(block, `\e`, `\`)+"\n")
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
