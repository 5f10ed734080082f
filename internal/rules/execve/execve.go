// Package execve predicts what an execve(2) would do to a thread's credentials, and
// by which of the kernel's rules. It is pure: linux/files reads the file.
package execve

import (
	"errors"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// File is what execve looks at besides the credentials of the caller.
type File struct {
	// Path is the file that is to be run.
	Path string
	// Interpreters are where "#!" lines and binfmt_misc lead, that of Path first.
	// The last one decides: all fields after IDs are about it, or about Path where
	// there is none, or about the one before it with BinaryDecides.
	Interpreters []string
	// BinaryDecides is set where binfmt_misc gives the last interpreter, with flag C:
	// the file that the interpreter runs decides.
	BinaryDecides bool
	// OpenedBefore is set where binfmt_misc opened the last interpreter long ago, with
	// flag F: which file decides is not known.
	OpenedBefore bool
	// Foreign is set for a file that the kernel itself cannot execute, where the
	// registrations of binfmt_misc cannot be read.
	Foreign bool
	// IDs are the files that Path and Interpreters led to, in this order.
	IDs []FileID
	// Mode is st_mode, UID and GID the owner as the caller's user namespace
	// shows them.
	Mode     uint32
	UID, GID uint32
	// Unmapped is set where the owner or the group has no id in the caller's
	// user namespace; UID or GID is then the overflow id. UnsureOwner is set
	// where that id may also be the owner's or the group's own.
	Unmapped, UnsureOwner bool
	// HasCaps is set where the file has capabilities, be they empty ones; Caps
	// are those, as far as the kernel knows them.
	HasCaps bool
	Caps    filecap.Caps
	// ForeignCaps is set where the root id of the file capabilities is uid 0
	// neither of the caller's user namespace nor of one above: they don't count,
	// and Caps may be missing.
	ForeignCaps bool
	// HiddenCaps is set where the file has capabilities that the kernel does not
	// show: of version 1, or invalid.
	HiddenCaps bool
	// NoSuid is set where the mount is nosuid, in another mount namespace, or
	// of a user namespace that the caller is not in (mnt_may_suid,
	// fs/namespace.c). UnsureMount is set where that is unknown.
	NoSuid, UnsureMount bool
	// Unreadable is set where the caller may not read the file: it is assumed to be
	// a binary.
	Unreadable bool
	// Unsafe is set where the caller is traced without the tracer having
	// CAP_SYS_PTRACE, or shares its directories with another process
	// (clone(2), CLONE_FS): LSM_UNSAFE_PTRACE and LSM_UNSAFE_SHARE.
	Unsafe bool
	// SetidFromReal is set for Linux before 6.17, which treats every exec with an
	// effective id other than the real one as one of a set-id file.
	SetidFromReal bool
}

// FileID identifies a version of a file on this host. An inode number alone does
// not: it is reused.
type FileID struct {
	Dev, Ino uint64
	// Changed is st_ctime in seconds and nanoseconds.
	Changed [2]int64
}

// Privileged reports whether the file has anything that may give privileges.
func (f *File) Privileged() bool {
	return f.HasCaps || f.Mode&(filecap.ModeSetuid|filecap.ModeSetgid) != 0
}

// Decider is the file that decides.
func (f *File) Decider() string {
	list := append([]string{f.Path}, f.Interpreters...)
	if f.BinaryDecides {
		list = list[:len(list)-1]
	}
	return list[len(list)-1]
}

// DeciderText is the file that decides, with the one that it is the interpreter of.
func (f *File) DeciderText() string {
	if path := f.Decider(); path != f.Path {
		return path + " (the interpreter of " + f.Path + ")"
	}
	return f.Path
}

// setuid and setgid as execve takes them. Without the group's execute
// permission the bit once asked for mandatory locking (bprm_fill_uid,
// fs/exec.c).
func (f *File) setuid() bool { return f.Mode&filecap.ModeSetuid != 0 }
func (f *File) setgid() bool {
	const both = filecap.ModeSetgid | filecap.ModeGroupExec
	return f.Mode&both == both
}

// Outcome is what the new program starts with.
type Outcome struct {
	After cred.State
	// Secure is AT_SECURE of the auxiliary vector (getauxval(3)): the C library
	// ignores LD_PRELOAD and the like.
	Secure bool
	// Rules are those that decided.
	Rules Rules
}

// ErrRefused is the EPERM of execve for a file whose effective flag promises
// more than the caller can have; errors.Is finds it in a *[Refused].
var ErrRefused = errors.New("operation not permitted")

// Refused says why the kernel refuses.
type Refused struct {
	// File is the file that decides, as of [File.DeciderText].
	File string
	// Missing are permitted capabilities of the file that the caller can have
	// neither by its bounding set nor by its inheritable set.
	Missing caps.Set
}

func (r *Refused) Error() string {
	return "execve " + r.File + ": " + ErrRefused.Error() +
		" (its file capabilities need " + r.Missing.String() + ", not in the bounding set)"
}

func (r *Refused) Unwrap() error { return ErrRefused }

// Unknown is the error where the answer depends on what could not be read.
type Unknown struct {
	// What is "securebits", "no_new_privs", "the file capabilities of FILE", "the
	// mount's user namespace" or "the file's owner or group".
	What string
}

// unknownFormat is the Unknown of a file whose interpreter is not known, else nil.
func (f *File) unknownFormat() error {
	switch {
	case f.Foreign:
		return &Unknown{"whether binfmt_misc has an interpreter for " + f.DeciderText()}
	case f.OpenedBefore:
		return &Unknown{"which file binfmt_misc opened as " + f.DeciderText()}
	}
	return nil
}

func (u *Unknown) Error() string {
	return "execve: the outcome depends on " + u.What + ", unknown here"
}

// RootCounts reports whether file capabilities of version 3 count for a thread:
// their root id, as its user namespace shows it, must be uid 0 of that namespace
// or of one above (rootid_owns_currentns, security/commoncap.c). uidMap is
// /proc/self/uid_map, which reaches the parent only: for a root id that is uid 0
// of a namespace farther up the answer is a wrong no.
func RootCounts(rootID uint32, uidMap []cred.IDRange) bool {
	parentsRoot, ok := cred.Inside(uidMap, 0)
	return rootID == 0 || ok && parentsRoot == rootID
}
