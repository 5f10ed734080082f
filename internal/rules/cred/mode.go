package cred

import "capsh/internal/rules/caps"

// Mode is one of libcap's named ways to run a process (cap_get_mode(3)).
type Mode int

// The modes, with libcap's numbers.
const (
	ModeUncertain  Mode = iota // none of the below
	ModeNoPriv                 // no capability can be gained again
	ModePure1EInit             // capabilities, no uid 0 privilege, I and A empty
	ModePure1E                 // the same with an inheritable set
	ModeHybrid                 // uid 0 is privileged: the kernel's default
)

var modeNames = [...]string{"UNCERTAIN", "NOPRIV", "PURE1E_INIT", "PURE1E", "HYBRID"}

// Modes are those that can be set, in libcap's order.
func Modes() []Mode { return []Mode{ModeNoPriv, ModePure1EInit, ModePure1E, ModeHybrid} }

// String is libcap's name.
func (m Mode) String() string { return modeNames[m] }

// The securebits that libcap's modes set: uid 0 and ambient are off for good.
const (
	pureBits        = NoRoot | NoRootLocked | NoSetuidFixup | NoSetuidFixupLocked | KeepCapsLocked
	pureBitsAmbient = pureBits | NoCapAmbientRaise | NoCapAmbientRaiseLocked
)

// PureSecurebits are the securebits of every mode but HYBRID.
func PureSecurebits(ambientSupported bool) Securebits {
	if ambientSupported {
		return pureBitsAmbient
	}
	return pureBits
}

// GuessMode is the mode that s is in, by the rules of cap_get_mode(3). boundingBits
// is how many capabilities the kernel shows in a bounding set. The mode is unknown
// where the securebits are.
func GuessMode(s *State, boundingBits int) Known[Mode] {
	if !s.Securebits.OK {
		return Known[Mode]{}
	}
	return Is(guessMode(s, caps.First(boundingBits)))
}

func guessMode(s *State, bounding caps.Set) Mode {
	bits := s.Securebits.Value
	switch {
	case bits == 0:
		return ModeHybrid
	case !bits.Has(pureBits), s.Ambient != 0,
		s.AmbientSupported && bits != pureBitsAmbient:
		return ModeUncertain
	case s.Inheritable != 0:
		return ModePure1E
	case s.Permitted != 0, s.Effective != 0, s.Bounding&bounding != 0:
		return ModePure1EInit
	}
	return ModeNoPriv
}
