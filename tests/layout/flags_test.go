package layout

import (
	"os"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestFlags: tests build the programs as the Makefile does.
func TestFlags(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"GOTAGS": testenv.Tags, "GOLDFLAGS": testenv.LDFlags} {
		if got := variable(string(makefile), name); got != want {
			t.Errorf("the Makefile has %s = %q, internal/testenv %q", name, got, want)
		}
	}
}

// variable is the value of "NAME = value" in a makefile.
func variable(makefile, name string) string {
	for line := range strings.Lines(makefile) {
		if left, right, ok := strings.Cut(line, "="); ok && strings.TrimSpace(left) == name {
			return strings.TrimSpace(right)
		}
	}
	return ""
}
