package schema

import (
	"time"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/rules/cred"
)

// Check is a capability check: what capsh(1), "JSON", documents of trace.
type Check struct {
	Version int    `json:"version"`
	Time    string `json:"time"` // RFC 3339, in UTC, to the nanosecond
	TID     int    `json:"tid"`
	Checked
	Help cred.Known[string] `json:"help"`
}

// Checked is what the object of one check and those of the summary have in common.
type Checked struct {
	PID          int                `json:"pid"`
	Name         string             `json:"name"`
	Capability   string             `json:"capability"`
	Granted      bool               `json:"granted"`
	Namespace    CheckedNamespace   `json:"user_namespace"`
	Syscall      cred.Known[string] `json:"syscall"`
	Asker        cred.Known[string] `json:"asker"`
	Kind         string             `json:"kind"`
	Reason       cred.Known[string] `json:"reason"`
	Alternatives []string           `json:"alternatives"`
}

// CheckedNamespace is the user namespace that a check was about.
type CheckedNamespace struct {
	Kind  string             `json:"kind"` // initial, own or other
	Inode cred.Known[uint64] `json:"inode"`
}

// NewCheck is the document of a check at a time; help is what would have granted it,
// "" for nothing to say.
func NewCheck(c *checks.Check, v *checks.Verdict, at time.Time, help string) Check {
	return Check{
		Version: Version, Time: at.UTC().Format(time.RFC3339Nano), TID: c.TID, Help: nonEmpty(help),
		Checked: newChecked(c.PID, c.Comm, c.Cap, c.Granted, c.Namespace, c.Syscall, v),
	}
}

func newChecked(pid int, name string, c caps.Cap, granted bool, in checks.Namespace, syscall string, v *checks.Verdict) Checked {
	return Checked{
		PID: pid, Name: name, Capability: c.OCI(), Granted: granted,
		Namespace: CheckedNamespace{in.Kind.String(), cred.Known[uint64]{Value: in.Inode, OK: in.Inode != 0}},
		Syscall:   nonEmpty(syscall), Asker: nonEmpty(v.Asker),
		Kind: v.Kind.String(), Reason: nonEmpty(v.Reason), Alternatives: v.Alternatives.OCINames(),
	}
}

// TraceSummary is the last document of trace.
type TraceSummary struct {
	Version int     `json:"version"`
	Summary Summary `json:"summary"`
}

// Summary is what was found.
type Summary struct {
	Seconds    float64            `json:"seconds"`
	Needs      [][]string         `json:"needs"`
	Optional   [][]string         `json:"optional"`
	Checks     []CountedCheck     `json:"checks"`
	Lost       uint64             `json:"lost"`
	Complete   bool               `json:"complete"`
	Incomplete []string           `json:"incomplete"`
	Missed     []string           `json:"missed"`
	Blind      cred.Known[string] `json:"blind"`
}

// CountedCheck is a kind of check, and how often there was one.
type CountedCheck struct {
	Checked
	Count int                `json:"count"`
	Help  cred.Known[string] `json:"help"`
}

// Counted is a kind of check of which the summary speaks, and what would have granted
// it, "" for nothing to say.
type Counted struct {
	checks.Seen
	Help string
}

// NewTraceSummary is the summary of what was found in a time, with the checks that it
// lists.
func NewTraceSummary(f *checks.Found, took time.Duration, counted []Counted) TraceSummary {
	s := Summary{
		Seconds: took.Seconds(), Needs: choices(f.Needs()), Optional: choices(f.Optional()), Checks: []CountedCheck{},
		Lost: f.Lost, Complete: f.Complete(), Incomplete: list(f.Incomplete), Missed: f.Missed().OCINames(), Blind: nonEmpty(f.Blind),
	}
	for i := range counted {
		c := &counted[i]
		s.Checks = append(s.Checks, CountedCheck{
			newChecked(c.PID, c.Comm, c.Cap, c.Granted, c.Namespace, c.Syscall, &c.Verdict), c.Count, nonEmpty(c.Help),
		})
	}
	return TraceSummary{Version, s}
}

// choices are sets of which one capability each is needed.
func choices(sets []caps.Set) [][]string {
	lists := make([][]string, len(sets))
	for i, s := range sets {
		lists[i] = s.OCINames()
	}
	return lists
}
