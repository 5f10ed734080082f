// Package cred has the credentials of a thread: its capability sets, ids, securebits
// and what else the kernel's permission checks use. It is pure; linux/procfs and
// linux/self read these values, package apply changes what they describe.
package cred

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"capsh/internal/rules/caps"
)

// Known is a value that may not have been readable. Unknown is not zero.
type Known[T any] struct {
	Value T
	OK    bool
}

// Is is a value that is known.
func Is[T any](v T) Known[T] { return Known[T]{Value: v, OK: true} }

// MarshalJSON is the value, or null where it is not known.
func (k Known[T]) MarshalJSON() ([]byte, error) {
	if !k.OK {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the outer encoder decides
	err := e.Encode(k.Value)
	return b.Bytes(), err
}

// UnmarshalJSON reads what MarshalJSON writes.
func (k *Known[T]) UnmarshalJSON(text []byte) error {
	*k = Known[T]{}
	if string(text) == "null" {
		return nil
	}
	k.OK = true
	return json.Unmarshal(text, &k.Value)
}

// OnOff is "on", "off" or "unknown".
func OnOff(v Known[bool]) string {
	switch {
	case !v.OK:
		return "unknown"
	case v.Value:
		return "on"
	}
	return "off"
}

// Sets are the five capability sets of a thread (capabilities(7), "Thread
// capability sets").
type Sets struct {
	Effective, Permitted, Inheritable, Bounding, Ambient caps.Set
}

// Held is every capability in the permitted, effective, inheritable or ambient set.
// The bounding set alone does not count.
func (s *Sets) Held() caps.Set { return s.Effective | s.Permitted | s.Inheritable | s.Ambient }

// IDs are the four user or group ids of a thread (credentials(7)).
type IDs struct {
	Real, Effective, Saved, FS uint32
}

// Same is all four ids alike.
func Same(id uint32) IDs { return IDs{Real: id, Effective: id, Saved: id, FS: id} }

// Unchanged in the place of an id leaves that one as it is: (uid_t)-1 of
// setresuid(2).
const Unchanged = ^uint32(0)

// UnknownID stands for an id of another thread that could not be read, or that may
// be the overflow id in the place of an unmapped one ([UserNS.Hide]). No thread has
// it: it is (uid_t)-1, the kernel's INVALID_UID (include/linux/uidgid.h).
const UnknownID = ^uint32(0)

// KnownID is an id that may be UnknownID.
func KnownID(id uint32) Known[uint32] { return Known[uint32]{Value: id, OK: id != UnknownID} }

// IDText is the id in decimal, "?" for UnknownID.
func IDText(id uint32) string {
	if id == UnknownID {
		return "?"
	}
	return strconv.FormatUint(uint64(id), 10)
}

// Text is "1000", or "real 0, effective 1000, saved 1000", each id as one has it.
func (id IDs) Text(one func(uint32) string) string {
	if id.Real == id.Effective && id.Real == id.Saved {
		return one(id.Real)
	}
	return fmt.Sprintf("real %s, effective %s, saved %s", one(id.Real), one(id.Effective), one(id.Saved))
}

// Over is the real, effective and saved ids of a change to old, and the
// filesystem id, which follows the effective one.
func (id IDs) Over(old IDs) IDs {
	for _, i := range [...]struct {
		now *uint32
		old uint32
	}{{&id.Real, old.Real}, {&id.Effective, old.Effective}, {&id.Saved, old.Saved}} {
		if *i.now == Unchanged {
			*i.now = i.old
		}
	}
	id.FS = id.Effective
	return id
}

// Securebits are the flags of prctl(PR_GET_SECUREBITS)
// (include/uapi/linux/securebits.h).
type Securebits uint32

// Each flag, and beside it the one that locks it.
const (
	NoRoot                    Securebits = 1 << iota // 0x01: uid 0 gives nothing at execve
	NoRootLocked                                     // 0x02
	NoSetuidFixup                                    // 0x04: a uid change leaves the sets alone
	NoSetuidFixupLocked                              // 0x08
	KeepCaps                                         // 0x10: leaving uid 0 keeps permitted
	KeepCapsLocked                                   // 0x20
	NoCapAmbientRaise                                // 0x40: nothing becomes ambient
	NoCapAmbientRaiseLocked                          // 0x80
	ExecRestrictFile                                 // 0x100 (Linux 6.14): for interpreters
	ExecRestrictFileLocked                           // 0x200
	ExecDenyInteractive                              // 0x400
	ExecDenyInteractiveLocked                        // 0x800
)

// State is all of a thread that decides what it may do and what an execve
// will give it.
type State struct {
	Sets
	UID, GID IDs
	// FSUnknown says that the fs ids could not be read. They are then set to the
	// effective ones, as they are in nearly all programs and after every execve.
	FSUnknown bool
	// Groups are the supplementary groups in the kernel's order. GroupsUnknown says
	// that they could not be read.
	Groups        []uint32
	GroupsUnknown bool
	NoNewPrivs    Known[bool]
	// Securebits of another thread are not readable.
	Securebits Known[Securebits]
	// AmbientSupported is false where the kernel has no ambient set
	// (before Linux 4.3, gVisor before 2026); Ambient is empty then.
	AmbientSupported bool
	UserNS           UserNS
}

// KnownGroups reports whether each of the groups is known.
func (s *State) KnownGroups() bool { return !s.GroupsUnknown && !slices.Contains(s.Groups, UnknownID) }
