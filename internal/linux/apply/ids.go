package apply

import (
	"strconv"
	"unsafe"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Setuid is setuid(2) on this thread: with CAP_SETUID effective it sets the
// real, effective and saved id, otherwise the effective one to one of the others.
func Setuid(uid uint32) error {
	return setIDs(sysSetuid, "setuid", format(uid), caps.Setuid, uintptr(uid), 0, 0)
}

// Setgid is setgid(2) on this thread.
func Setgid(gid uint32) error {
	return setIDs(sysSetgid, "setgid", format(gid), caps.Setgid, uintptr(gid), 0, 0)
}

// Setresuid sets the real, effective and saved user id of this thread;
// cred.Unchanged leaves that one as it is.
func Setresuid(id cred.IDs) error {
	return setIDs(sysSetresuid, "setresuid", plan.IDText(id), caps.Setuid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
}

// Setresgid sets the real, effective and saved group id of this thread.
func Setresgid(id cred.IDs) error {
	return setIDs(sysSetresgid, "setresgid", plan.IDText(id), caps.Setgid, uintptr(id.Real), uintptr(id.Effective), uintptr(id.Saved))
}

// Setgroups sets the supplementary groups of this thread; at most 65536
// (NGROUPS_MAX). Where the user namespace denies it, EPERM is for good.
func Setgroups(groups []uint32) error {
	list := unsafe.Pointer(unsafe.SliceData(groups)) // not looked at where there are none
	return setIDs(sysSetgroups, "setgroups", "", caps.Setgid, uintptr(len(groups)), uintptr(list), 0)
}

// setIDs makes a call that sets ids and needs a capability. EINVAL is an id that no
// map has (make_kuid, kernel/user_namespace.c).
//
//go:uintptrescapes
func setIDs(number uintptr, call, object string, needs caps.Cap, a, b, c uintptr) error {
	_, _, errno := unix.RawSyscall(number, a, b, c)
	return hint(failed(errno, call, object, needs), unix.EINVAL, "does not exist in this user namespace")
}

func format(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
