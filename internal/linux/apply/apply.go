// Package apply changes this process: its capability sets, ids, securebits and
// what it runs. Every call is a system call on the calling thread alone, so the
// caller locks that thread (runtime.LockOSThread) from its first change to the
// execve, and never calls syscall.Setuid and the like: they change all threads and
// crash the program where those differ.
package apply

import (
	"strings"
	"syscall"
	"unsafe"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// Error is a system call that failed.
type Error struct {
	// Call is the system call, or the one of its operations: "setgroups",
	// "prctl(PR_CAPBSET_DROP)".
	Call string
	// Object is what the call acts on, if anything: "cap_net_raw", "/path".
	Object string
	Errno  syscall.Errno
	// Needs is the capability without which the kernel answers EPERM.
	Needs caps.Set
	// Hint is the most likely reason, where the errno does not show it.
	Hint string
}

// Error is "call object: reason (needs CAP_X) (hint)".
func (e *Error) Error() string {
	text := e.Call
	if e.Object != "" {
		text += " " + e.Object
	}
	text += ": " + e.Errno.Error()
	if e.Errno == unix.EPERM && e.Needs != 0 {
		text += " (needs " + strings.Join(e.Needs.OCINames(), ", ") + ")"
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap is the errno.
func (e *Error) Unwrap() error { return e.Errno }

// failed is the error of a call, nil if errno is 0.
func failed(errno syscall.Errno, call, object string, needs ...caps.Cap) error {
	if errno == 0 {
		return nil
	}
	return &Error{Call: call, Object: object, Errno: errno, Needs: caps.Of(needs...)}
}

// hint adds the most likely reason where a call failed with errno.
func hint(err error, errno syscall.Errno, text string) error {
	if e, ok := err.(*Error); ok && e.Errno == errno {
		e.Hint = text
	}
	return err
}

func prctl(op int, a, b uintptr) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(op), a, b, 0, 0, 0)
	return errno
}

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

// DropBounding drops c from the bounding set. It needs CAP_SETPCAP in the
// effective set, also where c is already out (cap_prctl_drop,
// security/commoncap.c).
func DropBounding(c caps.Cap) error {
	return failed(prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0), "prctl(PR_CAPBSET_DROP)", c.String(), caps.Setpcap)
}

// AskSetpcap makes the kernel check whether this thread has CAP_SETPCAP in its own
// user namespace, for who watches such checks. It changes nothing: cap_prctl_drop of
// security/commoncap.c checks first and then finds that there is no capability with
// this number.
func AskSetpcap() { _ = prctl(unix.PR_CAPBSET_DROP, caps.MaxBits, 0) }

// RaiseAmbient puts c into the ambient set. c must be permitted and inheritable,
// and SECBIT_NO_CAP_AMBIENT_RAISE off (cap_task_prctl).
func RaiseAmbient(c caps.Cap) error {
	return failed(prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c)), "prctl(PR_CAP_AMBIENT_RAISE)", c.String())
}

// LowerAmbient drops c from the ambient set. It needs no capability.
func LowerAmbient(c caps.Cap) error {
	return failed(prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_LOWER, uintptr(c)), "prctl(PR_CAP_AMBIENT_LOWER)", c.String())
}

// ClearAmbient empties the ambient set. It needs no capability.
func ClearAmbient() error {
	return failed(prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0), "prctl(PR_CAP_AMBIENT_CLEAR_ALL)", "")
}

// Securebits sets all securebits at once. It needs CAP_SETPCAP in the effective
// set; a locked flag and its lock cannot change, and a flag that the kernel does
// not know is EPERM too (cap_task_prctl).
func Securebits(bits cred.Securebits) error {
	return failed(prctl(unix.PR_SET_SECUREBITS, uintptr(bits), 0), "prctl(PR_SET_SECUREBITS)", "", caps.Setpcap)
}

// KeepCaps sets SECBIT_KEEP_CAPS, which needs no capability but must not be
// locked. The kernel takes 0 and 1.
func KeepCaps(value uint32) error {
	return failed(prctl(unix.PR_SET_KEEPCAPS, uintptr(value), 0), "prctl(PR_SET_KEEPCAPS)", "")
}

// NoNewPrivs sets no_new_privs, for good.
func NoNewPrivs() error {
	return failed(prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0), "prctl(PR_SET_NO_NEW_PRIVS)", "")
}

// Chroot changes the root directory alone; the working directory stays.
func Chroot(dir string) error {
	return wrap(unix.Chroot(dir), "chroot", dir, caps.SysChroot)
}

// Chdir changes the working directory and verifies that it is the one that dir named
// right before.
func Chdir(dir string) error {
	var want unix.Stat_t
	statErr := unix.Stat(dir, &want)
	if err := unix.Chdir(dir); err != nil {
		return wrap(err, "chdir", dir)
	}
	if statErr != nil {
		return wrap(statErr, "stat", dir)
	}
	return sameDirectory(&want, dir, ".", "the working directory")
}

// wrap gives an error of package unix our form.
func wrap(err error, call, object string, needs ...caps.Cap) error {
	errno, _ := err.(syscall.Errno)
	return failed(errno, call, object, needs...)
}
