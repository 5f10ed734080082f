package plan

import (
	"encoding/json"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The steps that change capability sets and securebits.

// Capset sets E, P and I.
type Capset struct{ caps.EPI }

func (Capset) Name() string { return "capset" }

func (s Capset) String() string {
	return "capset effective " + Names(s.Effective) + "; permitted " + Names(s.Permitted) +
		"; inheritable " + Names(s.Inheritable)
}

// MarshalJSON is the object of the three sets.
func (s Capset) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Effective   []string `json:"effective"`
		Permitted   []string `json:"permitted"`
		Inheritable []string `json:"inheritable"`
	}{s.Effective.OCINames(), s.Permitted.OCINames(), s.Inheritable.OCINames()})
}

// Simulate is cap_capset (security/commoncap.c).
func (s Capset) Simulate(st *cred.State) error {
	e, p, i := s.Effective, s.Permitted, s.Inheritable
	switch {
	case !st.Effective.Has(caps.Setpcap) && !(st.Inheritable | st.Permitted).Contains(i):
		return needs(s.Name(), caps.Setpcap) // cap_inh_is_capped
	case !(st.Inheritable | st.Bounding).Contains(i):
		return fails(s.Name(), (i&^(st.Inheritable|st.Bounding)).String()+": only what is in the bounding set can become inheritable")
	case !st.Permitted.Contains(p):
		return fails(s.Name(), (p&^st.Permitted).String()+": permitted can only shrink")
	case !p.Contains(e):
		return fails(s.Name(), (e&^p).String()+": effective must be within permitted")
	}
	st.Effective, st.Permitted, st.Inheritable = e, p, i
	st.Ambient &= p & i
	return nil
}

// DropBounding drops capabilities from the bounding set. Others are those that it does
// not have: they are dropped all the same, as far as the kernel knows them.
type DropBounding struct{ Set, Others caps.Set }

func (DropBounding) Name() string                   { return "drop_bounding" }
func (s DropBounding) String() string               { return "drop " + some(s.Set) + " from bounding" }
func (s DropBounding) MarshalJSON() ([]byte, error) { return marshalSet(s.Set) }

// Simulate is PR_CAPBSET_DROP in cap_task_prctl.
func (s DropBounding) Simulate(st *cred.State) error {
	if !st.Effective.Has(caps.Setpcap) {
		return needs(s.Name(), caps.Setpcap)
	}
	st.Bounding &^= s.Set
	return nil
}

// KeepCaps sets the securebit keep_caps.
type KeepCaps struct{}

func (KeepCaps) Name() string { return "keep_caps" }

func (KeepCaps) String() string {
	return "set keep_caps to retain the permitted set across setuid"
}

// Simulate is PR_SET_KEEPCAPS in cap_task_prctl.
func (s KeepCaps) Simulate(st *cred.State) error {
	if st.Securebits.Value.Has(cred.KeepCapsLocked) {
		return fails(s.Name(), "securebit keep_caps is locked")
	}
	st.Securebits.Value |= cred.KeepCaps
	return nil
}

// ClearAmbient empties the ambient set.
type ClearAmbient struct{}

func (ClearAmbient) Name() string   { return "clear_ambient" }
func (ClearAmbient) String() string { return "clear ambient" }

// Simulate is PR_CAP_AMBIENT_CLEAR_ALL in cap_task_prctl.
func (ClearAmbient) Simulate(st *cred.State) error {
	st.Ambient = 0
	return nil
}

// RaiseAmbient puts capabilities into the ambient set.
type RaiseAmbient struct{ Set caps.Set }

func (RaiseAmbient) Name() string                   { return "raise_ambient" }
func (s RaiseAmbient) String() string               { return "raise ambient " + Names(s.Set) }
func (s RaiseAmbient) MarshalJSON() ([]byte, error) { return marshalSet(s.Set) }

// Simulate is PR_CAP_AMBIENT_RAISE in cap_task_prctl.
func (s RaiseAmbient) Simulate(st *cred.State) error {
	switch {
	case !st.AmbientSupported:
		return fails(s.Name(), "this kernel has no ambient set")
	case !(st.Permitted & st.Inheritable).Contains(s.Set):
		return fails(s.Name(), "ambient capabilities must be permitted and inheritable")
	case st.Securebits.Value.Has(cred.NoCapAmbientRaise):
		return fails(s.Name(), "securebit no_cap_ambient_raise is set")
	}
	st.Ambient |= s.Set
	return nil
}

// SetSecurebits sets all securebits at once.
type SetSecurebits struct {
	Bits cred.Securebits `json:"value"`
}

func (SetSecurebits) Name() string     { return "securebits" }
func (s SetSecurebits) String() string { return "securebits " + s.Bits.String() }

// Securebits614 are the securebits that Linux has since 6.14, and that need no
// capability to change (SECURE_ALL_UNPRIVILEGED).
const Securebits614 = cred.ExecRestrictFile | cred.ExecRestrictFileLocked |
	cred.ExecDenyInteractive | cred.ExecDenyInteractiveLocked

// Simulate is PR_SET_SECUREBITS in cap_task_prctl.
func (s SetSecurebits) Simulate(st *cred.State) error {
	const locks = cred.SecurebitFlags << 1
	old := st.Securebits.Value
	changed := old ^ s.Bits
	switch {
	case old&locks>>1&changed != 0:
		return fails(s.Name(), "locked: "+(old&locks>>1&changed).String())
	case old&locks&^s.Bits != 0:
		return fails(s.Name(), "a lock cannot be opened: "+(old&locks&^s.Bits).String())
	case !st.Effective.Has(caps.Setpcap) && (changed == 0 || changed&^Securebits614 != 0): // no change is denied as well
		return needs(s.Name(), caps.Setpcap)
	}
	st.Securebits = cred.Is(s.Bits)
	return nil
}

// marshalSet is the object of one set.
func marshalSet(s caps.Set) ([]byte, error) {
	return json.Marshal(map[string][]string{"capabilities": s.OCINames()})
}
