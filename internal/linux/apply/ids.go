package apply

import (
	"strconv"
	"syscall"
	"unsafe"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Setuid is setuid(2) on this thread: with CAP_SETUID effective it sets the
// real, effective and saved id, otherwise the effective one to one of the others.
func Setuid(uid uint32) error {
	_, _, errno := unix.RawSyscall(sysSetuid, uintptr(uid), 0, 0)
	return idsFailed(errno, "setuid", format(uid), caps.Setuid)
}

// Setgid is setgid(2) on this thread.
func Setgid(gid uint32) error {
	_, _, errno := unix.RawSyscall(sysSetgid, uintptr(gid), 0, 0)
	return idsFailed(errno, "setgid", format(gid), caps.Setgid)
}

// Setresuid sets the real, effective and saved user id of this thread;
// cred.Unchanged leaves that one as it is.
func Setresuid(id cred.IDs) error {
	_, _, errno := unix.RawSyscall(sysSetresuid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
	return idsFailed(errno, "setresuid", plan.IDText(id), caps.Setuid)
}

// Setresgid sets the real, effective and saved group id of this thread.
func Setresgid(id cred.IDs) error {
	_, _, errno := unix.RawSyscall(sysSetresgid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
	return idsFailed(errno, "setresgid", plan.IDText(id), caps.Setgid)
}

// Setgroups sets the supplementary groups of this thread; at most 65536
// (NGROUPS_MAX). Where the user namespace denies it, EPERM is for good.
func Setgroups(groups []uint32) error {
	list := unsafe.Pointer(unsafe.SliceData(groups)) // not looked at where there are none
	_, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(list), 0)
	return idsFailed(errno, "setgroups", "", caps.Setgid)
}

// idsFailed is the error of a call that sets ids. EINVAL is an id that no map has
// (make_kuid, kernel/user_namespace.c).
func idsFailed(errno syscall.Errno, call, object string, needs caps.Cap) error {
	return hint(failed(errno, call, object, needs), unix.EINVAL, "does not exist in this user namespace")
}

func format(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
