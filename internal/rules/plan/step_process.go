package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The steps that change attributes of the process other than its credentials.

// SetRlimit sets one limit of setrlimit(2).
type SetRlimit struct{ Rlimit }

func (SetRlimit) Name() string     { return "rlimit" }
func (s SetRlimit) String() string { return "rlimit " + s.Rlimit.Name + " " + s.Range() }

// Simulate is do_prlimit (kernel/sys.c): only a hard limit that grows needs a
// capability.
func (s SetRlimit) Simulate(st *cred.State) error {
	if s.Raises && !st.Effective.Has(caps.SysResource) {
		return needs(s.Name()+" "+s.Rlimit.Name, caps.SysResource)
	}
	return nil
}

// Range is the soft and the hard limit, "1024:unlimited".
func (r *Rlimit) Range() string { return limit(r.Soft) + ":" + limit(r.Hard) }

func limit(n uint64) string {
	if n == ^uint64(0) {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// SetUmask sets the file mode creation mask.
type SetUmask struct {
	unchanged
	Mask uint32 `json:"value"`
}

func (SetUmask) Name() string     { return "umask" }
func (s SetUmask) String() string { return fmt.Sprintf("umask 0%o", s.Mask) }

// SetDeathSignal sets prctl(PR_SET_PDEATHSIG).
type SetDeathSignal struct {
	unchanged
	Signal uint32 `json:"value"`
}

func (SetDeathSignal) Name() string     { return "death_signal" }
func (s SetDeathSignal) String() string { return "parent death signal " + SignalName(int(s.Signal)) }

// SetPtracer sets prctl(PR_SET_PTRACER): a pid, 0 for none, AnyPtracer.
type SetPtracer struct {
	unchanged
	PID uint64 `json:"value"`
}

func (SetPtracer) Name() string { return "ptracer" }

func (s SetPtracer) String() string {
	if s.PID == AnyPtracer {
		return "ptracer any"
	}
	return fmt.Sprintf("ptracer %d", s.PID)
}

// SetSignals sets the signal dispositions and mask that the command inherits: those
// that capset was started with, with these changes.
type SetSignals struct {
	unchanged
	Signals
}

func (SetSignals) Name() string { return "signals" }

func (s SetSignals) String() string {
	return "restore signals" + signalsText("; ignore", s.Ignore) +
		signalsText("; default", s.Default) + signalsText("; block", s.Block)
}

func signalsText(what string, set uint64) string {
	switch set {
	case 0:
		return ""
	case ^uint64(0):
		return what + " all"
	}
	return what + " " + strings.Join(SignalNames(set), ",")
}

// MarshalJSON is the object of the three sets, as names.
func (s SetSignals) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ignore  []string `json:"ignore"`
		Default []string `json:"default"`
		Block   []string `json:"block"`
	}{SignalNames(s.Ignore), SignalNames(s.Default), SignalNames(s.Block)})
}
