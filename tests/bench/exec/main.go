// Command exec is the floor for a launcher in Go: it imports os and execs what
// its arguments say.
package main

import (
	"os"
	"syscall"
)

func main() {
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	os.Stderr.WriteString("exec: " + err.Error() + "\n")
	os.Exit(1)
}
