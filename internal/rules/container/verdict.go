package container

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
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
	NoCapabilities

	verdicts
)

var verdictNames = [verdicts]string{
	"unknown", "not-a-container", "privileged", "over-privileged", "confined-root", "default", "restricted", "no-capabilities",
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
// --privileged has them all, as far as the host does.
const privilegedMarks = caps.Set(1)<<caps.SysAdmin | 1<<caps.SysModule | 1<<caps.SysRawio | 1<<caps.SysPtrace |
	1<<caps.SysBoot | 1<<caps.MACAdmin | 1<<caps.NetAdmin

// verdict decides.
//
// privileged: more than the runtime's default, with sys_admin on the host, and
// either all that the host has (its init's bounding set, where that is to be
// seen; else all the marks of --privileged but one), or with no other wall:
// no seccomp filter, nothing of /proc masked and no label that confines.
// A host may itself lack some capabilities, so no set is compared with all ones.
//
// over-privileged: anything beyond the default on the host, or a finding that
// is high or critical, or that the runtime does not leave so by itself. confined-root:
// more than the default or a wall less, but only inside a user namespace or for
// gVisor. default: the default, or what is not below it. restricted: less. none:
// nothing is held and nothing can be had again.
func (a *Assessment) verdict(f *Facts) Verdict {
	beyond := a.Reach &^ a.Default.Set
	more := beyond != 0 || slices.ContainsFunc(a.Findings, func(x Finding) bool { return a.loosened(f, x) })
	switch {
	case !a.Contained.OK:
		return Undecided
	case !a.Contained.Value:
		return NotAContainer
	case !f.confined() && beyond != 0 && a.Reach.Has(caps.SysAdmin) && (a.everything(f) || a.noOtherWall(f)):
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

// loosened reports whether a finding is of a wall that the runtime by itself would
// have raised, or of something that it gives to nobody.
func (a *Assessment) loosened(f *Facts, x Finding) bool {
	switch x.ID {
	case IPCNS.finding(), UTSNS.finding(), PIDNS.finding(), NetNS.finding(), MountNS.finding():
		return a.ofEngine(catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO, catalog.Kubernetes, catalog.LXC, catalog.Nspawn) && x.Severity >= Medium
	case CgroupNS.finding(): // with version 1 of cgroups, engines leave it shared
		return a.ofEngine(catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO, catalog.Kubernetes) && x.Severity == Info && strings.HasPrefix(f.Cgroup.Value, "0::")
	case "seccomp": // in a pod that is the pod's to ask for
		return a.ofEngine(catalog.Docker, catalog.Podman, catalog.LXC, catalog.Nspawn) && a.PodUID == "" && x.Severity >= Medium
	case "proc-masks", "proc-sys", "sysfs", "kernel-filesystems", "devices", "device-cgroup", "runtime-socket", "host-proc", "host-root", "host-directories":
		return a.ofEngine(catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO, catalog.Kubernetes) && x.Severity >= Medium
	case "cgroupfs": // podman leaves a systemd inside its own
		return a.ofEngine(catalog.Docker, catalog.Containerd, catalog.CRIO, catalog.Kubernetes) && x.Severity >= Medium || f.cgroupsElsewhere()
	}
	return false
}

// ofEngine reports whether the runtime is one of these.
func (a *Assessment) ofEngine(engines ...string) bool { return slices.Contains(engines, a.Runtime) }

// cgroupsElsewhere reports whether a hierarchy of cgroups that can be written is
// where no runtime has one.
func (f *Facts) cgroupsElsewhere() bool {
	return slices.ContainsFunc(f.visible, func(m Mount) bool {
		_, usual := within(m.Point, "/sys/fs/cgroup")
		return (m.Type == "cgroup" || m.Type == "cgroup2") && !m.ReadOnly && !usual
	})
}

// atWorst is the verdict if each wall that could not be looked at were down. It makes
// none privileged: that hangs on what is known of every process, and takes a wall
// that is not known for one that is not there.
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
		if f.own() { // the map may have the host's root
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

// everything reports whether all that the host gives can be had.
func (a *Assessment) everything(f *Facts) bool {
	if f.Host.OK {
		return a.Reach.Contains(f.Host.Value)
	}
	return (privilegedMarks &^ a.Reach).Len() <= 1
}

// noOtherWall reports whether capabilities alone are left to hold it.
func (a *Assessment) noOtherWall(f *Facts) bool {
	return a.severity("seccomp") > OK && a.severity("proc-masks") > OK && a.severity("lsm") > OK
}

// worst is the worst severity of all findings.
func (a *Assessment) worst() Severity {
	worst := OK
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
	return OK
}

// Meaning is the verdict as a sentence.
func (a *Assessment) Meaning() string {
	switch a.Verdict {
	case NotAContainer:
		return "it is not in a container; its capabilities count on the host."
	case Privileged:
		return "a container in name only; container root is root on the host."
	case OverPrivileged:
		return "a container that has more than the default, or a way to the host."
	case ConfinedRoot:
		return "more than the default, but confined by a user namespace or gVisor."
	case AsDefault:
		return "the capabilities that the runtime gives by default" + a.besides()
	case Restricted:
		return "fewer capabilities than the runtime gives by default" + a.besides()
	case NoCapabilities:
		return "it has no capability and can get none" + a.besides()
	}
	return "whether it is in a container is unknown."
}

// besides ends a sentence with how much there is that makes the rest easier.
func (a *Assessment) besides() string {
	n := 0
	for _, x := range a.Findings {
		if x.Severity == Medium {
			n++
		}
	}
	switch n {
	case 0:
		return "."
	case 1:
		return "; 1 medium finding."
	}
	return "; " + strconv.Itoa(n) + " medium findings."
}
