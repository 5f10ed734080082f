package apply

import (
	"unsafe"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// Capset sets the effective, permitted and inheritable sets of this thread in
// one step. Permitted can only shrink, effective must be within it, and what is
// new in inheritable must have been permitted, or CAP_SETPCAP be effective, and
// be in the bounding set (cap_capset, security/commoncap.c).
func Capset(effective, permitted, inheritable caps.Set) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted), Inheritable: uint32(inheritable)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32), Inheritable: uint32(inheritable >> 32)},
	}
	_, _, errno := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	return failed(errno, "capset", "")
}
