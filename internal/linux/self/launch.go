package self

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// What only a launcher asks.

// ErrNoLandlock says that this kernel has no Landlock, or that it is off.
var ErrNoLandlock = errors.New("this kernel has no Landlock")

// LandlockABI is the version of the kernel's Landlock interface, from 1 on.
func LandlockABI() (int, error) {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	switch errno {
	case 0:
	case unix.ENOSYS, unix.EOPNOTSUPP:
		return 0, fmt.Errorf("landlock_create_ruleset: %w (%w)", errno, ErrNoLandlock)
	default:
		return 0, fmt.Errorf("landlock_create_ruleset: %w", errno)
	}
	if abi == 0 { // the versions begin with 1
		return 0, errors.New("landlock_create_ruleset: reports version 0 (does a seccomp filter answer for the kernel?)")
	}
	return int(abi), nil
}

// DeathSignal is the parent death signal of this thread (PR_GET_PDEATHSIG), 0 for
// none.
func DeathSignal() (uint32, error) {
	var sig int32
	err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("prctl(PR_GET_PDEATHSIG): %w", err)
	}
	return uint32(sig), nil
}

// UserNamespaces reports whether a process without capabilities may make a user
// namespace, as [SettingsOfUserNS] has it; unknown where [procfs.OpenOwn] does not
// find the settings, and where a seccomp filter is in force, which may forbid it as
// Docker's does.
func UserNamespaces() cred.Known[bool] {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	if filtered := mode != 0 || err != nil && err != unix.EINVAL; filtered { // EINVAL: this kernel has no seccomp
		return cred.Known[bool]{}
	}
	return SettingsOfUserNS(procfs.ReadOwn)
}

// SettingsOfUserNS reports whether the settings of the kernel, files of a procfs, let
// a process without capabilities make a user namespace: the kernel's limit, Debian's
// switch and AppArmor's. Not every kernel has the switches.
func SettingsOfUserNS(read func(name string) ([]byte, error)) cred.Known[bool] {
	most, err := read("sys/user/max_user_namespaces")
	if err != nil {
		return cred.Known[bool]{}
	}
	allowed := strings.TrimSpace(string(most)) != "0"
	for _, is := range [...]struct{ name, off string }{{"unprivileged_userns_clone", "0"}, {"apparmor_restrict_unprivileged_userns", "1"}} {
		text, err := read("sys/kernel/" + is.name)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return cred.Known[bool]{}
		}
		allowed = allowed && (err != nil || strings.TrimSpace(string(text)) != is.off)
	}
	return cred.Is(allowed)
}
