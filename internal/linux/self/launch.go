package self

import (
	"errors"
	"fmt"
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
// namespace, as far as the limits in /proc say; unknown where
// [procfs.OpenOwn] does not find them, and where a seccomp filter is in force, which
// may forbid it as Docker's does. A security module may still forbid it.
func UserNamespaces() cred.Known[bool] {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	if filtered := mode != 0 || err != nil && err != unix.EINVAL; filtered { // EINVAL: this kernel has no seccomp
		return cred.Known[bool]{}
	}
	most, err := procfs.ReadOwn("sys/user/max_user_namespaces")
	if err != nil {
		return cred.Known[bool]{}
	}
	// Debian's switch; elsewhere it does not exist.
	open, err := procfs.ReadOwn("sys/kernel/unprivileged_userns_clone")
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return cred.Known[bool]{}
	}
	return cred.Is(string(most) != "0\n" && (err != nil || string(open) != "0\n"))
}
