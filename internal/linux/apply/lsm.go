package apply

import (
	"errors"
	"unsafe"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// AppArmorExec asks for an AppArmor profile at the next execve.
func AppArmorExec(profile string) error {
	const own, shared = "thread-self/attr/apparmor/exec", "thread-self/attr/exec"
	const why = "AppArmor is not active, or has no such profile"
	err := writeAttr(own, "exec "+profile, why)
	if errors.Is(err, unix.ENOENT) { // before Linux 5.8
		return writeAttr(shared, "exec "+profile, why)
	}
	return err
}

// SELinuxExec asks for an SELinux label at the next execve.
func SELinuxExec(label string) error {
	return writeAttr("thread-self/attr/exec", label, "SELinux is not active, or has no such label")
}

// writeAttr writes a file of this process's own procfs, named as by
// [procfs.OpenOwn]. EINVAL is, as why says, a security module that is not there or
// does not know what was written.
func writeAttr(name, text, why string) error {
	fd, err := procfs.OpenOwn(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text)) // all or nothing
	return hint(wrap(err, "write", "/proc/"+name), unix.EINVAL, why)
}

// Landlock restricts this thread for good. It takes no_new_privs or
// CAP_SYS_ADMIN.
func Landlock(l plan.Landlock) error {
	ruleset, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&l.Access)), unsafe.Sizeof(l.Access), 0)
	if errno != 0 {
		return failed(errno, "landlock_create_ruleset", "")
	}
	defer unix.Close(int(ruleset))
	for _, r := range l.Rules {
		attr := unix.LandlockPathBeneathAttr{Allowed_access: r.Access, Parent_fd: int32(r.FD)}
		_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset,
			unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
		if errno != 0 {
			return failed(errno, "landlock_add_rule", r.Path)
		}
	}
	_, _, errno = unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	return failed(errno, "landlock_restrict_self", "", caps.SysAdmin)
}

// Seccomp loads a filter, an array of struct sock_filter in this machine's byte
// order, for this thread. Everything that follows has to pass it.
func Seccomp(filter []byte, name string) error {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	if len(filter) == 0 || len(filter)%size != 0 || len(filter)/size > 1<<16-1 {
		return failed(unix.EINVAL, "seccomp", name)
	}
	list := make([]unix.SockFilter, len(filter)/size) // aligned, as the file's bytes need not be
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(filter)), filter)
	prog := unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	return failed(errno, "seccomp", name)
}
