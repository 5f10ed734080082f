// Capset starts a command with the least privilege that was asked for, and
// verifies that before the execve. See capset(1).
package main

import (
	"os"
	"runtime"

	"capsh/internal/linux/inherit"
)

// Credentials belong to a thread. This program changes those of the main thread
// only, which is the one that execve keeps.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(run(os.Args, inherit.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
