//go:build 386 || arm

package apply

import "golang.org/x/sys/unix"

// On these the plain numbers are the old calls with 16-bit ids.
const (
	sysSetuid    = unix.SYS_SETUID32
	sysSetgid    = unix.SYS_SETGID32
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
	sysSetgroups = unix.SYS_SETGROUPS32

	sysGetresuid = unix.SYS_GETRESUID32
	sysGetresgid = unix.SYS_GETRESGID32
	sysGetgroups = unix.SYS_GETGROUPS32
)
