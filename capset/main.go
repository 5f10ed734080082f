// Capset starts a command with the least privilege that was asked for, and
// proves that before the execve. See capset(1).
package main

import (
	"os"
	"runtime"

	"capsh/internal/linux/inherit"
)

// Credentials belong to a thread; all that this program changes, it changes on
// the main one, which is the one that execve carries on.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(run(os.Args, inherit.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
