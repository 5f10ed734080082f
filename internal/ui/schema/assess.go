package schema

import (
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Assessment is whether a process is in a container, and how well that is isolated.
type Assessment struct {
	Version   int                `json:"version"`
	PID       int                `json:"pid"`
	TID       int                `json:"tid"`
	Name      cred.Known[string] `json:"name"`
	Verdict   string             `json:"verdict"`
	Partial   bool               `json:"partial"`
	Contained cred.Known[bool]   `json:"contained"`
	Container *Container         `json:"container"`
	Evidence  []string           `json:"evidence"`
	Default   *RuntimeDefault    `json:"default"`
	Reach     []string           `json:"reach"`
	Findings  []Finding          `json:"findings"`
}

// Finding is one thing that was seen.
type Finding struct {
	ID           string   `json:"id"`
	Severity     string   `json:"severity"`
	Evidence     string   `json:"evidence"`
	Meaning      string   `json:"meaning"`
	Cause        string   `json:"cause"`
	Remedy       string   `json:"remedy"`
	Controls     []string `json:"controls"`
	Capabilities []Graded `json:"capabilities"`
}

// Graded is a capability with what it gives of the host.
type Graded struct {
	Name     string             `json:"name"`
	Severity string             `json:"severity"`
	Reason   string             `json:"reason"`
	Host     cred.Known[string] `json:"host"`
	Brief    cred.Known[string] `json:"brief"`
}

// NewAssessment is the document of what was assessed of a process.
func NewAssessment(p *cred.Process, a *container.Assessment) Assessment {
	d := Assessment{
		Version: Version, PID: p.PID, TID: p.TID, Name: name(p),
		Verdict: a.Verdict.String(), Partial: a.Partial(),
		Contained: a.Contained, Container: newContainer(a.Container), Evidence: list(a.Evidence),
		Findings: []Finding{},
	}
	if a.Default.Name != "" { // else the process could not be read
		compared := newDefault(a.Default)
		d.Default, d.Reach = &compared, a.Reach.OCINames()
	}
	for _, f := range a.Findings {
		d.Findings = append(d.Findings, newFinding(f))
	}
	return d
}

func newFinding(f container.Finding) Finding {
	d := Finding{ID: f.ID, Severity: f.Severity.String(), Evidence: f.Evidence, Meaning: f.Meaning, Cause: f.Cause, Remedy: f.Remedy, Controls: list(f.Controls), Capabilities: []Graded{}}
	for _, g := range f.Caps {
		e, named := catalog.Of(g.Cap)
		d.Capabilities = append(d.Capabilities, Graded{
			Name: g.Cap.OCI(), Severity: g.Severity.String(), Reason: g.Reason,
			Host:  cred.Known[string]{Value: e.Host.String(), OK: named},
			Brief: cred.Known[string]{Value: e.Brief, OK: named},
		})
	}
	return d
}
