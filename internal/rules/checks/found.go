package checks

import (
	"cmp"
	"slices"
	"sort"

	"capsh/internal/rules/caps"
)

// Found is the result of watching a run.
type Found struct {
	// Seen are the distinct checks in the order of their first appearance.
	Seen []Seen
	// Lost is how many records of the kernel were lost.
	Lost uint64
	// Granted and Denied are the capabilities that were ever granted and denied by
	// the kernel's counters, which lose nothing; both are empty where there were no
	// counters.
	Granted, Denied caps.Set
	// Incomplete says why checks may be missing; empty means that none is.
	Incomplete []string
	// Blind says, where kernel functions have no names, how checks were judged instead
	// and why, as a sentence without a full stop; empty where they have names.
	Blind string
}

// Seen is one kind of check and how often there was one.
type Seen struct {
	Cap       caps.Cap
	Granted   bool
	Namespace Namespace
	Ours      bool
	Syscall   string
	Verdict   Verdict

	Count int
	// PID and Comm are those of the first.
	PID  int
	Comm string
}

// Complete reports whether every check was recorded.
func (f *Found) Complete() bool { return len(f.Incomplete) == 0 }

// Needs lists what the command needs, as far as its checks say: of each set, one
// capability. Where a system call asked for one with no alternative, that is a set
// of one. Optional needs are not among them. Sets that contain another of the
// list are left out, since the other one already answers them.
func (f *Found) Needs() []caps.Set { return f.choices(Needed) }

// Optional lists like Needs what the command may do without.
func (f *Found) Optional() []caps.Set { return f.choices(Optional) }

// Missed are the capabilities that were counted but of which no record is left.
// They may be needed or incidental.
func (f *Found) Missed() caps.Set {
	missed := f.Granted | f.Denied
	for _, s := range f.Seen {
		missed &^= s.Cap.Set()
	}
	return missed
}

func (f *Found) choices(kind Kind) []caps.Set {
	var list []caps.Set
	for _, s := range f.Seen {
		if s.Ours && s.Verdict.Kind == kind {
			list = append(list, s.Cap.Set()|s.Verdict.Alternatives)
		}
	}
	return smallest(list)
}

// smallest sorts sets by size and number and leaves out those that contain another.
func smallest(list []caps.Set) []caps.Set {
	sort.SliceStable(list, func(i, j int) bool {
		return cmp.Or(cmp.Compare(list[i].Len(), list[j].Len()), cmp.Compare(list[i], list[j])) < 0
	})
	var kept []caps.Set
	for _, set := range list {
		if !slices.ContainsFunc(kept, func(k caps.Set) bool { return set.Contains(k) }) {
			kept = append(kept, set)
		}
	}
	return kept
}
