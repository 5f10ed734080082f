package container

import (
	"slices"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

// Verdict is how tightly a container holds a process, in one word.
type Verdict uint8

// From worst to best: what comes first holds least. A process that nothing
// contains is no container at all; one of which it could not be found out may be
// anything.
const (
	Undecided Verdict = iota
	NotAContainer
	Privileged
	OverPrivileged
	ConfinedRoot
	AsDefault
	Restricted
	None

	verdicts
)

var verdictNames = [verdicts]string{
	"unknown", "not-a-container", "privileged", "over-privileged", "confined-root", "default", "restricted", "none",
}

// String is the word.
func (v Verdict) String() string { return verdictNames[v] }

// ParseVerdict is the verdict of a word.
func ParseVerdict(word string) (Verdict, bool) {
	for v, name := range verdictNames {
		if name == word {
			return Verdict(v), true
		}
	}
	return 0, false
}

// VerdictNames are the words, from worst to best. Not to be changed.
func VerdictNames() []string { return verdictNames[:] }

// AsBadAs reports whether v holds no better than w.
func (v Verdict) AsBadAs(w Verdict) bool { return v <= w }

// privilegedMarks are what no runtime gives but with everything else:
// --privileged has them all, as far as the machine does.
const privilegedMarks = caps.Set(1)<<caps.SysAdmin | 1<<caps.SysModule | 1<<caps.SysRawio | 1<<caps.SysPtrace |
	1<<caps.SysBoot | 1<<caps.MACAdmin | 1<<caps.NetAdmin

// verdict decides.
//
// privileged: more than the runtime's default, with sys_admin on the machine, and
// either all that the machine has (its init's bounding set, where that is to be
// seen; else all the marks of --privileged but one), or with no other wall:
// no seccomp filter, nothing of /proc masked and no label that confines.
// A host may itself lack some capabilities, so no set is compared with all ones.
//
// over-privileged: anything beyond the default on the machine, or a finding that
// is high or critical. confined-root: more than the default, but only inside a
// user namespace or for gVisor. default: the default, or what is not below it. restricted:
// less. none: nothing is held and nothing can be had again.
func (a *Assessment) verdict(f *Facts) Verdict {
	beyond := a.Reach &^ a.Default.Set
	switch {
	case !a.Contained.OK:
		return Undecided
	case !a.Contained.Value:
		return NotAContainer
	case !f.confined() && beyond != 0 && a.Reach.Has(caps.SysAdmin) && (a.everything(f) || a.noOtherWall(f)):
		return Privileged
	case a.worst() >= High, beyond != 0 && !f.confined():
		return OverPrivileged
	case beyond != 0:
		return ConfinedRoot
	case a.Reach == 0:
		return None
	case a.Reach == a.Default.Set:
		return AsDefault
	}
	return Restricted
}

// AtWorst is the verdict if what could not be read were as bad as it can be.
func (a *Assessment) AtWorst() Verdict {
	if a.Partial {
		return OverPrivileged
	}
	return a.Verdict
}

// partial reports whether a wall that could not be looked at may be one whose want
// makes the verdict worse. It makes none privileged: that hangs on what is known of
// every process, and takes a wall that is not known for one that is not there.
func (a *Assessment) partial(f *Facts) bool {
	if a.Verdict.AsBadAs(OverPrivileged) {
		return false
	}
	return slices.ContainsFunc(a.Findings, func(finding Finding) bool {
		return finding.Severity == Unread && a.atStake(f, finding.ID) >= High
	})
}

// atStake is the severity of the finding if the wall does not stand.
func (a *Assessment) atStake(f *Facts, id string) Severity {
	switch id {
	case "runtime-socket", "devices":
		return a.open(f, cred.Is(Access{Mode: 0o666}), readOrWrite)
	case "machine-root", "machine-folders", "proc-sys", "sysfs":
		return a.graded(f, High)
	case "cgroupfs":
		if a.Reach.Has(caps.SysAdmin) {
			return a.graded(f, Critical)
		}
	case "user-namespace":
		if f.own() { // the map may give the machine's root
			return High
		}
	case PIDNS.finding(), MountNS.finding(), NetNS.finding():
		if !f.confined() {
			return High
		}
	}
	return Medium
}

// everything reports whether all that the machine gives can be had.
func (a *Assessment) everything(f *Facts) bool {
	if f.Machine.OK {
		return a.Reach.Contains(f.Machine.Value)
	}
	return (privilegedMarks &^ a.Reach).Len() <= 1
}

// noOtherWall reports whether capabilities alone are left to hold it.
func (a *Assessment) noOtherWall(f *Facts) bool {
	return a.severity("seccomp") > Held && a.severity("proc-masks") > Held && a.severity("lsm") > Held
}

// worst is the worst severity of all findings.
func (a *Assessment) worst() Severity {
	worst := Held
	for _, finding := range a.Findings {
		worst = max(worst, finding.Severity)
	}
	return worst
}

// severity is that of one finding.
func (a *Assessment) severity(id string) Severity {
	for _, finding := range a.Findings {
		if finding.ID == id {
			return finding.Severity
		}
	}
	return Held
}

// Meaning is the word as a sentence.
func (v Verdict) Meaning() string {
	switch v {
	case NotAContainer:
		return "nothing contains it; what it holds, it holds on the machine."
	case Privileged:
		return "a container in name only; root inside is root of the machine."
	case OverPrivileged:
		return "a container, but what it was given reaches into the machine."
	case ConfinedRoot:
		return "more than a container commonly has, but only inside a user namespace."
	case AsDefault:
		return "what the runtime gives when asked for nothing."
	case Restricted:
		return "less than the runtime gives by default."
	case None:
		return "no capability is held and none can be had."
	}
	return "whether it is a container could not be found out."
}
