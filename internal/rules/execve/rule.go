package execve

import (
	"iter"
	"math/bits"
)

// Rule is one decision of the kernel, in the order in which it takes them.
type Rule uint8

const (
	ByInterpreter Rule = iota
	ByBinary
	AssumedBinary
	SetidNoSuid
	SetidNoNewPrivs
	SetidUnmapped
	SetuidTaken
	SetgidTaken
	FileCapsNoSuid
	FileCapsForeign
	FileCapsTaken
	FileCapsEffective
	RootDisabled
	RootByFileCaps
	RootEffective
	RootReal
	Unprivileged
	CutNoNewPrivs
	CutUnsafe
	IDsReset
	AmbientFileCaps
	AmbientIDs
	AmbientKept
	SavedIDs
	KeepCapsCleared

	ruleCount int = iota
)

var sentences = [ruleCount]string{
	ByInterpreter:     "the interpreter decides: the privileges of the script itself are ignored",
	ByBinary:          "binfmt_misc's flag C: the file decides, the privileges of the interpreter that runs it are ignored",
	AssumedBinary:     "the file can't be read and is taken for a binary",
	SetidNoSuid:       "the mount is nosuid or belongs to another mount namespace: setuid and setgid ignored",
	SetidNoNewPrivs:   "no_new_privs: setuid and setgid ignored",
	SetidUnmapped:     "the file's owner or group has no id in this user namespace: setuid and setgid ignored",
	SetuidTaken:       "setuid: the effective uid is the file's owner",
	SetgidTaken:       "setgid: the effective gid is the file's group",
	FileCapsNoSuid:    "the mount is nosuid or belongs to another mount namespace: file capabilities ignored",
	FileCapsForeign:   "the file capabilities belong to another user namespace: ignored",
	FileCapsTaken:     "file capabilities: permitted is (file permitted & bounding) | (file inheritable & inheritable)",
	FileCapsEffective: "the file's effective flag: all that is permitted becomes effective",
	RootDisabled:      "securebit noroot: uid 0 gives no capabilities",
	RootByFileCaps:    "a setuid-root file with file capabilities, run by another user: its file capabilities decide",
	RootEffective:     "effective uid 0: permitted is bounding | inheritable, and all of it becomes effective",
	RootReal:          "real uid 0 only: permitted is bounding | inheritable, but uid 0 makes none of it effective",
	Unprivileged:      "neither file capabilities nor uid 0: only the ambient set stays permitted and effective",
	CutNoNewPrivs:     "no_new_privs: permitted is cut to what was permitted before",
	CutUnsafe:         "traced or sharing directories with another process: permitted is cut to what was permitted before",
	IDsReset:          "no privileges may be gained: the effective ids go back to the real ones",
	AmbientFileCaps:   "file capabilities clear the ambient set",
	AmbientIDs:        "an effective uid or gid that the caller did not have clears the ambient set",
	AmbientKept:       "ambient capabilities stay permitted and effective",
	SavedIDs:          "saved and file-system ids become the effective ones",
	KeepCapsCleared:   "securebit keep_caps is cleared",
}

// String is the rule in a plain sentence, without a full stop.
func (r Rule) String() string {
	if int(r) < len(sentences) {
		return sentences[r]
	}
	return "unknown rule"
}

// Rules is a set of rules.
type Rules uint32

// Has reports whether r is among them.
func (s Rules) Has(r Rule) bool { return s>>r&1 != 0 }

// All yields the rules in the order in which the kernel applies them.
func (s Rules) All() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(Rule(bits.TrailingZeros32(uint32(s)))) {
				return
			}
		}
	}
}
