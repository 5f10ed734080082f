package testenv

// Tags and LDFlags are the Makefile's GOTAGS and the fixed part of its
// GOLDFLAGS; tests/layout checks that the two are equal.
const (
	Tags    = "exactstart"
	LDFlags = "-s -w -checklinkname=0"
)

// BuildFlags are the arguments that make go build link a program as the
// Makefile does. The program has to import capsh/internal/linux/inherit.
func BuildFlags() []string {
	return []string{"-trimpath", "-tags", Tags, "-ldflags", LDFlags}
}
