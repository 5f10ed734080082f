// Package checks classifies the capability checks of a run: which capabilities the
// command needs, which are optional, and which checks the kernel makes for its own
// purposes. It is pure: internal/linux/watch reads the checks.
package checks

import "capsh/internal/rules/caps"

// Check is one capability check: the kernel asked whether a thread has a
// capability in a user namespace (cap_capable of security/commoncap.c).
type Check struct {
	// Time is when, in nanoseconds since the start of the watching.
	Time int64
	// PID and TID are the process and the thread that the kernel asked about, in
	// the watcher's PID namespace.
	PID, TID int
	// Parent is the process that started it, 0 where that is unknown.
	Parent int
	// UserNS is the inode of the user namespace of the process, 0 where it is unknown.
	UserNS uint64
	// Comm is the name of the thread as the kernel has it: up to 15 bytes, which
	// may be any but 0.
	Comm string

	Cap caps.Cap
	// Granted is cap_capable's answer. Another security module may still refuse.
	Granted   bool
	Namespace Namespace
	// Ours is whether a capability in the watcher's own user namespace decides the
	// check.
	Ours bool

	// Chain are the kernel functions that led to the check, the innermost first; a
	// name is empty where the kernel hides its symbols.
	Chain []string
	// Syscall is the name of the system call, "sethostname"; empty where it is not
	// known or the check was outside of one, such as in a page fault.
	Syscall string
}

// Namespace is the user namespace that a check was about.
type Namespace struct {
	Kind NamespaceKind
	// Inode is its number in /proc/PID/ns/user; 0 where it is not known.
	Inode uint64
}

// NamespaceKind says how a user namespace relates to the watcher's.
type NamespaceKind uint8

const (
	// Other is neither of the two below.
	Other NamespaceKind = iota
	// Initial is the user namespace of the host.
	Initial
	// Own is the watcher's, where that is not the initial one.
	Own
)

func (k NamespaceKind) String() string { return [...]string{"other", "initial", "own"}[k] }

// Kind is what a check says of the command's needs.
type Kind uint8

const (
	// Incidental: the kernel checks for its own purposes. The system call has the same
	// effect with either answer, or no difference that matters to a caller.
	Incidental Kind = iota
	// Optional: the kernel checks before it knows whether the answer matters, or
	// programs usually continue when they are refused.
	Optional
	// Needed: without the capability the system call fails.
	Needed
)

func (k Kind) String() string { return [...]string{"incidental", "optional", "needed"}[k] }

// Verdict is what one check means.
type Verdict struct {
	Kind Kind
	// Reason says why it is incidental or optional, as a sentence without a full stop;
	// empty for a needed one.
	Reason string
	// Alternatives are the other capabilities that would do: the kernel stops at
	// the first one that is there.
	Alternatives caps.Set
	// Asker is the kernel function that asked; empty without a chain.
	Asker string
}
