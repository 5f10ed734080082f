// Package plan works out how to start a command with the least privilege that
// was asked for: the steps as data, each simulated by the kernel's rules, and
// what the command will have. It is pure; package apply carries a plan out.
package plan

import (
	"slices"
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Request is what was asked for, resolved to numbers. The zero value keeps
// nothing, leaves the ids alone and sets no_new_privs.
type Request struct {
	// Keep is what the command is to have, permitted and effective.
	Keep caps.Set
	// The sets right before the execve, where they were given. A set that was not
	// given is Keep and what the given ones need: an ambient capability has to be
	// inheritable and permitted, and each of those to be in the bounding set.
	Bounding, Permitted, Inheritable, Ambient cred.Known[caps.Set]
	// Securebits is the whole value, where it was given.
	Securebits cred.Known[cred.Securebits]
	// Lock adds the securebits of [Locks].
	Lock bool
	// AllowNewPrivs leaves no_new_privs alone, AllowMismatch starts the command
	// although it will not have what was asked, BestEffort leaves out what is not
	// available.
	AllowNewPrivs, AllowMismatch, BestEffort bool

	// UID and GID are the real, effective and saved ids to take, cred.Unchanged
	// for one that is to stay.
	UID, GID cred.Known[cred.IDs]
	// Groups are all supplementary groups to have. Implied says that they only
	// follow from the user: where the ids stay, the primary group may be missing
	// among them.
	Groups        cred.Known[[]uint32]
	GroupsImplied bool
	// GroupsKept says that Groups has those of the present state.
	GroupsKept bool
	// OwnStdio are the standard descriptors to give to the new user.
	OwnStdio []int

	Rlimits []Rlimit
	Umask   cred.Known[uint32]
	// Chroot and Chdir are paths, empty for none; Chdir is resolved after the
	// change of root and as the new user. ChrootFD and ChdirFD are these, open; a
	// ChdirFD of -1 is a directory that only the new user can look up.
	Chroot, Chdir     string
	ChrootFD, ChdirFD int
	// DeathSignal is the argument of prctl(PR_SET_PDEATHSIG), 0 for none.
	DeathSignal cred.Known[uint32]
	// Ptracer is the argument of prctl(PR_SET_PTRACER): a pid, 0 for none,
	// AnyPtracer.
	Ptracer cred.Known[uint64]
	// AppArmor and SELinux are the profile and the label for the execve.
	AppArmor, SELinux string
	Landlock          Landlock
	// Seccomp is a filter as an array of struct sock_filter, SeccompFile its name.
	Seccomp     []byte
	SeccompFile string
	Signals     Signals

	// UserNamespaces says that unprivileged users may make user namespaces; unknown
	// where that was not read.
	UserNamespaces cred.Known[bool]
}

// AnyPtracer is PR_SET_PTRACER_ANY.
const AnyPtracer = ^uint64(0)

// Rlimit is one limit of setrlimit(2). Name is its word, "nofile"; Raises says
// that the hard limit is lower now.
type Rlimit struct {
	Name     string `json:"name"`
	Resource int    `json:"-"`
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
	Raises   bool   `json:"-"`
}

// Landlock is a ruleset: Access are the rights that are handled, that is denied
// except where a rule allows them (landlock(7)).
type Landlock struct {
	Access Rights
	Rules  []LandlockRule
}

// LandlockRule allows Access beneath Path, which is open as FD, or where Path is
// empty, of the network at Port.
type LandlockRule struct {
	Access Rights
	Path   string
	FD     int
	Port   uint16
}

// Where is the place that a rule is about: "beneath /usr", "at port 443".
func (r *LandlockRule) Where() string {
	if r.Path == "" {
		return "at port " + strconv.Itoa(int(r.Port))
	}
	return "beneath " + r.Path
}

// Signals are sets of signals, bit n-1 for signal n: what the command ignores,
// what acts on it by default, and what is blocked, in place of what it would
// inherit.
type Signals struct{ Ignore, Default, Block uint64 }

// target is the sets to have before the execve, whether they are available or not.
func (r *Request) target() cred.Sets {
	or := func(given cred.Known[caps.Set], follow caps.Set) caps.Set {
		if given.OK {
			return given.Value
		}
		return follow
	}
	var s cred.Sets
	s.Ambient = or(r.Ambient, r.Keep)
	s.Inheritable = or(r.Inheritable, r.Keep|s.Ambient)
	s.Permitted = or(r.Permitted, r.Keep|s.Ambient)
	s.Effective = s.Permitted
	s.Bounding = or(r.Bounding, r.Keep|s.Permitted|s.Inheritable)
	return s
}

// Locks are the securebits by which no uid gives capabilities and nothing more
// becomes ambient, for good. A kernel without an ambient set lacks its bit.
func Locks(ambientSupported bool) cred.Securebits { return cred.PureSecurebits(ambientSupported) }

// securebits is the value to have before the execve.
func (r *Request) securebits(from *cred.State) cred.Known[cred.Securebits] {
	bits := from.Securebits
	if r.Securebits.OK {
		bits = r.Securebits
	}
	if r.Lock {
		bits.OK = true
		bits.Value = bits.Value&^cred.KeepCaps | Locks(from.AmbientSupported)
	}
	return bits
}

// newIDs are the ids after a change that was asked for, or those now.
func newIDs(asked cred.Known[cred.IDs], now cred.IDs) cred.IDs {
	if asked.OK {
		return asked.Value.Over(now)
	}
	return now
}

// GroupsFit reports whether the groups that s shows are those that were asked for.
// The ids shown may stand for others: see cred.UserNS.TrueGID.
func (r *Request) GroupsFit(s *cred.State) bool {
	have, want := slices.Compact(sorted(s.Groups)), slices.Compact(sorted(r.Groups.Value))
	if sameSet(have, want) {
		return true
	}
	stay := newIDs(r.UID, s.UID) == s.UID && newIDs(r.GID, s.GID) == s.GID
	return r.GroupsImplied && stay && sameSet(have, without(want, s.GID.Effective))
}
