package apply

import (
	"strconv"
	"unsafe"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// noSuchID is why the kernel calls an id invalid: no map has it (make_kuid,
// kernel/user_namespace.c).
const noSuchID = "does not exist in this user namespace"

// Setuid is setuid(2) on this thread: with CAP_SETUID effective it sets the
// real, effective and saved id, otherwise the effective one to one of the others.
func Setuid(uid uint32) error {
	_, _, errno := unix.RawSyscall(sysSetuid, uintptr(uid), 0, 0)
	return hint(failed(errno, "setuid", format(uid), caps.Setuid), unix.EINVAL, noSuchID)
}

// Setgid is setgid(2) on this thread.
func Setgid(gid uint32) error {
	_, _, errno := unix.RawSyscall(sysSetgid, uintptr(gid), 0, 0)
	return hint(failed(errno, "setgid", format(gid), caps.Setgid), unix.EINVAL, noSuchID)
}

// Setresuid sets the real, effective and saved user id of this thread;
// cred.Unchanged leaves that one as it is.
func Setresuid(id cred.IDs) error {
	_, _, errno := unix.RawSyscall(sysSetresuid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
	return hint(failed(errno, "setresuid", plan.IDText(id), caps.Setuid), unix.EINVAL, noSuchID)
}

// Setresgid sets the real, effective and saved group id of this thread.
func Setresgid(id cred.IDs) error {
	_, _, errno := unix.RawSyscall(sysSetresgid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
	return hint(failed(errno, "setresgid", plan.IDText(id), caps.Setgid), unix.EINVAL, noSuchID)
}

// Setgroups sets the supplementary groups of this thread; at most 65536
// (NGROUPS_MAX). Where the user namespace denies it, EPERM is for good.
func Setgroups(groups []uint32) error {
	var list unsafe.Pointer
	if len(groups) > 0 {
		list = unsafe.Pointer(&groups[0])
	}
	_, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(list), 0)
	return hint(failed(errno, "setgroups", "", caps.Setgid), unix.EINVAL, noSuchID)
}

func format(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
