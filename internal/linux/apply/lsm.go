package apply

import (
	"errors"
	"strings"
	"unsafe"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// The files of a label for the next execve: AppArmor's own, which Linux has since
// 5.8, and that of whichever security module there is.
const (
	appArmorExec = "thread-self/attr/apparmor/exec"
	sharedExec   = "thread-self/attr/exec"
)

// AppArmorExec asks for an AppArmor profile at the next execve.
func AppArmorExec(profile string) error {
	return writeAttr("exec "+profile, "AppArmor is not active, or has no such profile", appArmorExec, sharedExec)
}

// SELinuxExec asks for an SELinux label at the next execve.
func SELinuxExec(label string) error {
	return writeAttr(label, "SELinux is not active, or has no such label", sharedExec)
}

// writeAttr writes the first file of this process's own procfs that is there, named
// as by [procfs.OpenOwn]. EINVAL and ENOENT of the write are, as why says, a security
// module that is not there or does not know what was written.
func writeAttr(text, why string, names ...string) error {
	var name string
	fd, err := -1, error(unix.ENOENT)
	for _, name = range names {
		fd, err = procfs.OpenOwn(name, unix.O_WRONLY)
		if !errors.Is(err, unix.ENOENT) {
			break
		}
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Write(fd, []byte(text)) // all or nothing
	if err == nil && n != len(text) {
		return errFaked("write /proc/" + name)
	}
	err = wrap(err, "write", "/proc/"+name)
	return hint(hint(err, unix.EINVAL, why), unix.ENOENT, why)
}

// checkAttr reads back that a label is set for the next execve: the execve before this
// one has emptied the file. The security module may spell it otherwise than it was
// written. Without a policy SELinux accepts any text, and takes its label "kernel" for
// it (security_context_to_sid_core, security/selinux/ss/services.c).
func checkAttr(label string, names ...string) error {
	var text []byte
	err := error(unix.ENOENT)
	for _, name := range names {
		if errors.Is(err, unix.ENOENT) {
			text, err = procfs.ReadOwn(name)
		}
	}
	if err != nil {
		return err
	}
	switch got := strings.TrimRight(string(text), "\x00\n"); {
	case got == "":
		return errors.New("reading back: no label is set for the execve")
	case got == "kernel" && got != label:
		return differs("the label for the execve", got, label+" (SELinux has no policy)")
	}
	return nil
}

// Landlock restricts this thread for good. It needs no_new_privs or
// CAP_SYS_ADMIN. No call reads a thread's Landlock rules. A seccomp filter that
// answers for landlock_restrict_self(2) is found only because it accepts flags that no
// kernel knows.
func Landlock(l plan.Landlock) error {
	_, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ^uintptr(0), allFlags, 0)
	if err := refused(errno, unix.EINVAL, "landlock_restrict_self", ""); err != nil {
		return err
	}
	// What an older kernel does not know of it is 0, and then it takes it.
	handled := unix.LandlockRulesetAttr{Handled_access_fs: l.Access.FS(), Handled_access_net: l.Access.Net(), Scoped: l.Access.Scope()}
	ruleset, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return failed(errno, "landlock_create_ruleset", "")
	}
	if ruleset <= 2 { // the standard descriptors are open
		return errFaked("landlock_create_ruleset")
	}
	defer unix.Close(int(ruleset))
	for _, r := range l.Rules {
		if err := addRule(ruleset, &r); err != nil {
			return err
		}
	}
	_, _, errno = unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	return failed(errno, "landlock_restrict_self", "", caps.SysAdmin)
}

// addRule adds one rule to a ruleset.
func addRule(ruleset uintptr, r *plan.LandlockRule) error {
	const netPort = 2 // LANDLOCK_RULE_NET_PORT
	path := unix.LandlockPathBeneathAttr{Allowed_access: r.Access.FS(), Parent_fd: int32(r.FD)}
	port := struct{ access, port uint64 }{r.Access.Net(), uint64(r.Port)} // struct landlock_net_port_attr
	kind, attr := uintptr(unix.LANDLOCK_RULE_PATH_BENEATH), unsafe.Pointer(&path)
	if r.Path == "" {
		kind, attr = netPort, unsafe.Pointer(&port)
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, kind, uintptr(attr), 0, 0, 0)
	return failed(errno, "landlock_add_rule", r.Where())
}
