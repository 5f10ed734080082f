package container

import (
	"sort"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Severity is what a finding means for the host.
type Severity uint8

// From what is in order to an escape. What could not be read may be either, and is
// between them.
const (
	OK       Severity = iota // in order
	Info                     // worth knowing
	Low                      // one restriction fewer, with others behind it
	Unread                   // could not be read
	Medium                   // makes an attack easier
	High                     // reaches into the host
	Critical                 // allows escape to the host
)

// String is the word.
func (s Severity) String() string {
	return [...]string{"ok", "info", "low", "unknown", "medium", "high", "critical"}[s]
}

// Finding is the state of one part of a container's isolation. Each part has one
// finding, whether it is in order or not.
type Finding struct {
	// ID is a stable word, such as "pid-namespace".
	ID       string
	Severity Severity
	// Evidence is what was seen, Meaning what that is good or bad for. Evidence
	// may contain names that others chose.
	Evidence, Meaning string
	// Caps are the capabilities that it is about, the worst first.
	Caps []Graded
	Advice
}

// Assessment is what is reported of one process.
type Assessment struct {
	Identity
	Verdict Verdict
	// AtWorst is what the verdict might be if more could be read.
	AtWorst Verdict
	// Default is what the runtime gives when asked for nothing: that of Docker
	// where the runtime is not known.
	Default catalog.RuntimeDefault
	// Reach is all that the process has or could get: the permitted sets of its
	// threads, and without no_new_privs, by an execve, all of the bounding and the
	// inheritable set.
	Reach caps.Set
	// Findings are in order, the worst first. There are none without a container.
	Findings []Finding
}

// Assess judges.
func Assess(facts *Facts) Assessment {
	copied := *facts
	f := &copied
	f.visible = f.Mounts.Value.Visible()
	a := Assessment{Identity: f.identify(), Reach: reach(&f.Process)}
	a.Default = defaultOf(a.Runtime, a.Reach)
	if f.Kernel.OK {
		a.Default.Set &= f.Kernel.Value
	}
	if f.Host.OK {
		a.Default.Set &= f.Host.Value
	}
	if a.Contained.Value || !a.Contained.OK {
		a.findCapabilities(f)
		a.findNamespaces(f)
		a.findFiles(f)
		a.findProcess(f)
	}
	a.advise()
	a.Verdict = a.verdict(f)
	a.AtWorst = a.atWorst(f)
	sort.SliceStable(a.Findings, func(i, j int) bool { return a.Findings[i].Severity > a.Findings[j].Severity })
	return a
}

// reach is what the process, any thread of it, has or could get.
func reach(p *cred.Process) caps.Set {
	set := p.Permitted
	if !p.NoNewPrivs.Value {
		set |= execve.Gain(&p.Sets)
	}
	for i := range p.Differing {
		set |= reach(&p.Differing[i])
	}
	return set
}

// defaultOf is what a container of a runtime is compared with. Podman's older default,
// which was Docker's, is one as well for a container that has exactly that.
func defaultOf(runtime string, reach caps.Set) catalog.RuntimeDefault {
	find := func(name string) catalog.RuntimeDefault {
		for _, d := range catalog.Defaults() {
			if d.Name == name {
				return d
			}
		}
		return catalog.Defaults()[0]
	}
	d := find(runtime)
	if runtime == catalog.Podman && reach == catalog.DockerDefault {
		d.Set = catalog.DockerDefault
	}
	return d
}

// Partial reports whether the verdict rests on what could not be read.
func (a *Assessment) Partial() bool { return a.AtWorst != a.Verdict }

// add appends a finding.
func (a *Assessment) add(id string, severity Severity, evidence, meaning string) {
	a.Findings = append(a.Findings, Finding{ID: id, Severity: severity, Evidence: evidence, Meaning: meaning})
}

// unread appends the finding that a restriction could not be read.
func (a *Assessment) unread(id, what string) {
	a.add(id, Unread, what+" could not be read", "Whether it restricts the process is unknown.")
}
