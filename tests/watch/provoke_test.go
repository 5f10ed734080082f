package watch

import (
	"fmt"
	"os"
)

// provokeVariable names what this program does when it is run by its own tests: one
// thing that makes the kernel check.
const provokeVariable = "WATCH_PROVOKE"

func provoke(name string) int {
	fmt.Fprintln(os.Stderr, "no such provocation:", name)
	return 2
}
