// Command link is one link in a chain of execs, for the tests of package
// inherit: it writes what it was started with to the file argv[1], one line,
// and then execs argv[2:] by a raw execve after restoring all that it can.
package main

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"capsh/internal/linux/inherit"
)

func main() {
	line := "exact=" + strconv.FormatBool(inherit.Exact()) +
		" ignored=" + strconv.FormatBool(inherit.IgnoredAtStart(syscall.SIGTERM)) + "\n"
	if err := os.WriteFile(os.Args[1], []byte(line), 0o600); err != nil {
		os.Exit(10)
	}
	if len(os.Args) > 2 {
		execRaw(os.Args[2:])
		os.Exit(11)
	}
}

func execRaw(argv []string) {
	path, _ := syscall.BytePtrFromString(argv[0])
	args, _ := syscall.SlicePtrFromStrings(argv)
	env, _ := syscall.SlicePtrFromStrings(inherit.Environ())
	_, nofile := inherit.RestoreNofile()
	_, signals := inherit.RestoreSignals()
	if nofile != 0 || signals != 0 {
		os.Exit(12)
	}
	syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&env[0])))
}
