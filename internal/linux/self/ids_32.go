//go:build 386 || arm

package self

import "golang.org/x/sys/unix"

// On these the plain numbers, and x/sys/unix's functions with them, are the old
// calls with 16-bit ids.
const (
	sysGetresuid = unix.SYS_GETRESUID32
	sysGetresgid = unix.SYS_GETRESGID32
	sysSetfsuid  = unix.SYS_SETFSUID32
	sysSetfsgid  = unix.SYS_SETFSGID32
)
