// Capsh shows what a process may do: libcap's capsh in pure Go, for this process
// and any other. See capsh(1).
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
