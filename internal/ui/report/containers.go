package report

import (
	"cmp"
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Assessed is what was found of a process.
type Assessed struct {
	cred.Process
	container.Assessment
}

// WorseThan compares what the verdicts might be at worst, which is what must not be
// overlooked, then the verdicts, then the worst findings.
func (a *Assessed) WorseThan(b *Assessed) bool {
	return cmp.Or(cmp.Compare(b.AtWorst, a.AtWorst), cmp.Compare(b.Verdict, a.Verdict), cmp.Compare(a.worst().Severity, b.worst().Severity)) > 0
}

// worst is the worst finding, which is the first.
func (a *Assessed) worst() (f container.Finding) {
	if len(a.Findings) > 0 {
		f = a.Findings[0]
	}
	return f
}

// Containers appends a row for each container, cut to the width of a terminal, 0 for
// none. all is what the kernel has.
func Containers(b []byte, list []Assessed, all caps.Set, width int, c term.Color) []byte {
	const id, name, runtime, pid, verdict, worst, has = 0, 1, 2, 3, 4, 5, 6
	g := grid{rows: len(list), width: width, color: c, looks: []look{
		id: {title: "ID", most: 20, least: 12}, name: {title: "NAME", most: 20, least: minName}, runtime: {title: "RUNTIME"},
		pid: {title: "PID", right: true}, verdict: {title: "VERDICT"},
		worst: {title: "WORST FINDING", most: 40, least: 13}, has: {title: "HAS", most: 60, least: 8},
	}}
	g.cell = func(row, column, width int) string {
		a := &list[row]
		switch column {
		case id:
			return cutText(cmp.Or(term.Escape(a.Short()), a.PodUID, "-"), width)
		case name:
			return cutText(cmp.Or(term.Escape(a.Container.Name), "-"), width)
		case runtime:
			return term.Escape(a.Runtime)
		case pid:
			return strconv.Itoa(a.PID)
		case verdict:
			return c.Paint(verdictStyle(&a.Assessment), a.Verdict.String()+partialMark(&a.Assessment))
		case worst:
			if len(a.Findings) == 0 {
				return "-"
			}
			f := a.worst()
			return c.Paint(severityStyle(f.Severity), cutText(f.Severity.String()+" "+f.ID, width))
		}
		return c.Paint(setsStyle(&a.Sets, all, a.UserNS.Initial() == cred.Is(false)), cutText(ShortSets(&a.Sets, all, 0, width), width))
	}
	return g.append(b)
}

// partialMark marks a verdict that rests on what could not be read.
func partialMark(a *container.Assessment) string {
	if a.Partial() {
		return "?"
	}
	return ""
}
