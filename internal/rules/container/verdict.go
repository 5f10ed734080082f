package container

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// Verdict is how well a container isolates a process, in one word.
type Verdict uint8

// From worst to best. A process that is in no container is not isolated at all; where
// that could not be found out, anything is possible.
const (
	Undecided Verdict = iota
	NotAContainer
	Privileged
	OverPrivileged
	ConfinedRoot
	AsDefault
	Restricted
	NoCapabilities

	verdicts
)

var verdictTexts = [verdicts]struct{ name, meaning string }{
	{"unknown", "it is unknown whether this is a container"},
	{"not-a-container", "it is not in a container; its capabilities count on the host"},
	{"privileged", "a container in name only; container root is root on the host"},
	{"over-privileged", "more capabilities than the default, or host access"},
	{"confined-root", "more than the default, but confined by a user namespace or gVisor"},
	{"default", "the capabilities that the runtime gives by default"},
	{"restricted", "fewer capabilities than the runtime gives by default"},
	{"no-capabilities", "it has no capability and can get none"},
}

// String is the word.
func (v Verdict) String() string { return verdictTexts[v].name }

// ParseVerdict is the verdict of a word.
func ParseVerdict(word string) (Verdict, bool) {
	i := slices.Index(VerdictNames(), word)
	return Verdict(max(i, 0)), i >= 0
}

// VerdictNames are the words, from worst to best.
func VerdictNames() (list []string) {
	for _, t := range verdictTexts {
		list = append(list, t.name)
	}
	return list
}

// AsBadAs reports whether v isolates no better than w.
func (v Verdict) AsBadAs(w Verdict) bool { return v <= w }

// privilegedMarks are what no runtime gives but with everything else:
// --privileged has them all, as far as the host does.
const privilegedMarks = caps.Set(1)<<caps.SysAdmin | 1<<caps.SysModule | 1<<caps.SysRawio | 1<<caps.SysPtrace |
	1<<caps.SysBoot | 1<<caps.MACAdmin | 1<<caps.NetAdmin

// verdict decides.
//
// privileged: more than the runtime's default, with sys_admin on the host, and
// either all that the host has (the bounding set of its init, where that can be
// seen; else all the marks of --privileged but one), or with no other restriction:
// no seccomp filter, nothing of /proc masked and no label that confines.
// A host may itself lack some capabilities, so no set is compared with all ones.
//
// over-privileged: anything beyond the default on the host, or a finding that
// is high or critical, or that the runtime does not leave so by itself. confined-root:
// more than the default or a restriction less, but only inside a user namespace or for
// gVisor. default: the default, or what is not below it. restricted: less.
// no-capabilities: the process has none and can get none.
func (a *Assessment) verdict(f *Facts) Verdict {
	beyond := a.Reach &^ a.Default.Set
	more := beyond != 0 || slices.ContainsFunc(a.Findings, func(x Finding) bool { return a.loosened(f, x) })
	switch {
	case !a.Contained.OK:
		return Undecided
	case !a.Contained.Value:
		return NotAContainer
	case !f.confined() && beyond != 0 && a.Reach.Has(caps.SysAdmin) && (a.everything(f) || a.nothingElse()):
		return Privileged
	case a.worst() >= High, more && !f.confined():
		return OverPrivileged
	case more:
		return ConfinedRoot
	case a.Reach == 0:
		return NoCapabilities
	case a.Reach == a.Default.Set:
		return AsDefault
	}
	return Restricted
}

// loosened reports whether a finding is of a restriction that the runtime by itself
// imposes, or of something that it gives to nobody.
func (a *Assessment) loosened(f *Facts, x Finding) bool {
	switch x.ID {
	case CgroupNS.finding(): // with version 1 of cgroups, engines leave it shared
		return a.ofEngine(engines...) && x.Severity == Info && strings.HasPrefix(f.Cgroup.Value, "0::")
	case "cgroupfs": // podman leaves those of a systemd inside writable
		return a.ofEngine(engines...) && a.Runtime != catalog.Podman && x.Severity >= Medium || f.cgroupsElsewhere()
	case "seccomp": // in a pod that is the pod's to ask for
		return a.ofEngine(catalog.Docker, catalog.Podman, catalog.LXC, catalog.Nspawn) && a.PodUID == "" && x.Severity >= Medium
	case IPCNS.finding(), UTSNS.finding(), PIDNS.finding(), NetNS.finding(), MountNS.finding():
		return (a.ofEngine(engines...) || a.ofEngine(catalog.LXC, catalog.Nspawn)) && x.Severity >= Medium
	case "proc-masks", "proc-sys", "sysfs", "kernel-filesystems", "devices", "device-cgroup", "runtime-socket", "host-proc", "host-root", "host-directories":
		return a.ofEngine(engines...) && x.Severity >= Medium
	}
	return false
}

// ofEngine reports whether the runtime is one of these.
func (a *Assessment) ofEngine(engines ...string) bool { return slices.Contains(engines, a.Runtime) }

// cgroupsElsewhere reports whether a hierarchy of cgroups that can be written is
// where no runtime has one, or has cgroups above the process's own.
func (f *Facts) cgroupsElsewhere() bool {
	own, _, ok := f.deviceCgroup()
	_, shown := fromPath(own) // else "/" may be that of a cgroup namespace
	shared := f.shared(CgroupNS)
	return slices.ContainsFunc(f.visible, func(m Mount) bool {
		_, usual := within(m.Point, "/sys/fs/cgroup")
		_, its := fromPath(m.Root)
		above := ok && contains(m.Root, own) && !its && (shown || shared.Value || strings.HasPrefix(m.Root, "/.."))
		return (m.Type == "cgroup" || m.Type == "cgroup2") && !m.ReadOnly && (!usual || above)
	})
}

// atWorst is the verdict if each part that could not be read were bad. It makes none
// privileged: that depends on what is known of every process, and counts a restriction
// that is not known as none.
func (a *Assessment) atWorst(f *Facts) Verdict {
	b := *a
	b.Findings = slices.Clone(a.Findings)
	for i := range b.Findings {
		if x := &b.Findings[i]; x.Severity == Unread {
			x.Severity = a.atStake(f, x.ID)
		}
	}
	return b.verdict(f)
}

// atStake is the severity of the finding if what could not be read is bad. That the
// device cgroup of version 2 cannot be read is so in every container: its runtime is
// taken to have set it up, or no container were anything but unknown.
func (a *Assessment) atStake(f *Facts, id string) Severity {
	switch id {
	case "runtime-socket", "devices":
		return f.opens(cred.Is(Access{Mode: 0o666}), readOrWrite)
	case "device-cgroup":
		if _, version2, _ := f.deviceCgroup(); version2 && a.ofEngine(engines...) {
			return Info
		}
		return Critical
	case "host-root":
		return f.rootAtStake()
	case "host-directories":
		return f.directory("/", false)
	case "proc-sys":
		return f.gradedIf(f.asHostRoot(), Critical)
	case "sysfs", "kernel-filesystems":
		return f.graded(High)
	case "cgroupfs", "proc-masks":
		return f.graded(Medium)
	case UserNS.finding():
		if f.InChildUserNS() { // the map may have the host's root
			return High
		}
		return Low
	}
	for k := range NamespaceKinds {
		if id == k.finding() {
			severity, _ := f.sharing(k)
			return severity
		}
	}
	return Medium
}

// everything reports whether the process can have all that the host gives.
func (a *Assessment) everything(f *Facts) bool {
	if f.Host.OK {
		return a.Reach.Contains(f.Host.Value)
	}
	return (privilegedMarks &^ a.Reach).Len() <= 1
}

// nothingElse reports whether only capabilities still restrict the process.
func (a *Assessment) nothingElse() bool {
	return a.severity("seccomp") > OK && a.severity("proc-masks") > OK && a.severity("lsm") > OK
}

// worst is the worst severity of all findings.
func (a *Assessment) worst() (worst Severity) {
	for _, x := range a.Findings {
		worst = max(worst, x.Severity)
	}
	return worst
}

// severity is that of one finding.
func (a *Assessment) severity(id string) Severity {
	i := slices.IndexFunc(a.Findings, func(x Finding) bool { return x.ID == id })
	if i < 0 {
		return OK
	}
	return a.Findings[i].Severity
}

// count is how many findings have a severity.
func (a *Assessment) count(s Severity) (n int) {
	for _, x := range a.Findings {
		if x.Severity == s {
			n++
		}
	}
	return n
}

// Meaning is the verdict as a sentence, with the number of medium findings where the
// word alone sounds as if all were well.
func (a *Assessment) Meaning() string {
	text := verdictTexts[a.Verdict].meaning
	switch n := a.count(Medium); {
	case a.Verdict < AsDefault || n == 0:
		return text + "."
	case n == 1:
		return text + "; 1 medium finding."
	default:
		return fmt.Sprintf("%s; %d medium findings.", text, n)
	}
}
