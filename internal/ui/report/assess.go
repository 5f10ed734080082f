package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Assessment appends what there is to say of a process and its container, in
// lines of at most width characters; what is in order in one of them, unless all is
// asked for. The summary is last.
func Assessment(b []byte, p *cred.Process, a *container.Assessment, names Names, all bool, width int, c term.Color) []byte {
	var head term.Table
	head.Row("verdict", c.Paint(term.Bold+";"+verdictStyle(a), a.Verdict.String())+partialText(a)+": "+meaningText(p, a))
	head.Row("process", processText(p)+", "+usersText(p, names))
	head.Row("container", containerText(a))
	head.Row("has", reachText(p, a))
	b = append(head.Append(b, width), '\n')
	if len(a.Findings) == 0 {
		return b[:len(b)-1]
	}
	var inOrder []string
	for _, f := range a.Findings {
		if f.Severity == container.OK && !all {
			inOrder = append(inOrder, f.ID)
		} else {
			b = appendFinding(b, f, width, c)
		}
	}
	if inOrder != nil {
		b = term.AppendHung(b, c.Paint(term.Green, "ok")+below[2:], strings.Join(inOrder, ", "), width)
	}
	return term.AppendHung(append(b, '\n'), "", c.Paint(term.Bold, a.Summary()), width)
}

// below stands before what is said of a finding.
const below = "          "

// partialText says that more than is known may be open.
func partialText(a *container.Assessment) string {
	if a.Partial() {
		return ", as far as could be read"
	}
	return ""
}

// meaningText says what the verdict means, and where that is not for this process.
func meaningText(p *cred.Process, a *container.Assessment) string {
	text := a.Meaning()
	if a.Verdict == container.Privileged && p.Permitted == 0 && p.UID.Real != 0 && p.UID.Effective != 0 {
		text += " This process is not root and has no capability; it could get them only by executing a setuid or file-capability binary."
	}
	return text
}

func verdictStyle(a *container.Assessment) term.Style {
	switch {
	case a.Verdict.AsBadAs(container.OverPrivileged):
		return term.Red
	case a.Verdict.AsBadAs(container.ConfinedRoot), a.Partial():
		return term.Yellow
	}
	return term.Green
}

func severityStyle(s container.Severity) term.Style {
	switch {
	case s >= container.High:
		return term.Red
	case s >= container.Unread:
		return term.Yellow
	}
	return term.Dim
}

// appendFinding appends one finding: its word and id, what was seen, and below
// what it means.
func appendFinding(b []byte, f container.Finding, width int, c term.Color) []byte {
	word := f.Severity.String()
	head := c.Paint(severityStyle(f.Severity), word) + below[len(word):] + c.Paint(term.Bold, f.ID) + gap
	b = term.AppendHung(b, head, term.Escape(f.Evidence), width)
	if f.Meaning != "" {
		b = term.AppendHung(b, below, f.Meaning, width)
	}
	b = appendGraded(b, f.Caps, width, c)
	if f.Severity < container.Medium || f.Remedy == "" {
		return b
	}
	text := "Cause: " + f.Cause + ". Remedy: " + f.Remedy + "."
	if len(f.Controls) > 0 {
		text += " (" + strings.Join(f.Controls, ", ") + ")"
	}
	return term.AppendHung(b, below, text, width)
}

// appendGraded appends what each capability gives in this container, the worst first;
// those that give little for the same reason, or for none, share a line.
func appendGraded(b []byte, list []container.Graded, width int, c term.Color) []byte {
	var t term.Table
	little := map[string]caps.Set{}
	for _, g := range list {
		if g.Severity <= container.Low {
			little[g.Reason] |= g.Cap.Set()
		}
	}
	shared := func(reason string) bool { return reason == "" || little[reason].Len() > 1 }
	for _, g := range list {
		if g.Severity <= container.Low && shared(g.Reason) {
			continue
		}
		e, _ := catalog.Of(g.Cap)
		text := e.Brief
		if g.Reason != "" {
			text += ": " + g.Reason
		}
		t.Row(below[len(gap):], c.Paint(severityStyle(g.Severity), g.Cap.Short()), g.Severity.String(), text)
	}
	b = t.Append(b, width)
	for _, reason := range slices.Sorted(maps.Keys(little)) {
		if reason != "" && shared(reason) {
			b = term.AppendHung(b, below, listOf(little[reason])+": "+reason, width)
		}
	}
	if rest := little[""]; rest != 0 {
		b = term.AppendHung(b, below, "also, without host impact: "+listOf(rest), width)
	}
	return b
}

// processText is "12 (name)".
func processText(p *cred.Process) string {
	text := cred.ThreadID{PID: p.PID, TID: p.TID}.String()
	if p.Name != "" {
		text += fmt.Sprintf(" (%s)", term.Escape(p.Name))
	}
	if p.Zombie() {
		text += ", a zombie"
		if n := running(p); n == 1 {
			text += " of which 1 thread still runs"
		} else if n > 1 {
			text += fmt.Sprintf(" of which %d threads still run", n)
		}
	}
	return text
}

// usersText is "uid 0 (root)", with the effective id where it is another.
func usersText(p *cred.Process, names Names) string { return "uid " + idsText(p.UID, names.User) }

// idsText is a real id, with the effective one where it is another.
func idsText(id cred.IDs, name func(uint32) string) string {
	text := idText(id.Real, name)
	if id.Effective != id.Real {
		text += ", effective " + idText(id.Effective, name)
	}
	return text
}

func idText(id uint32, name func(uint32) string) string {
	if n := name(id); n != "" && n != cred.IDText(id) {
		return fmt.Sprintf("%d (%s)", id, term.Escape(n))
	}
	return cred.IDText(id)
}

func containerText(a *container.Assessment) string {
	text := "unknown whether it is one"
	switch {
	case a.Contained.OK && !a.Contained.Value:
		return noContainerText(a)
	case a.Contained.OK && a.Runtime != "":
		text = a.Runtime
	case a.Contained.OK:
		text = "of no known runtime"
	}
	if a.ID != "" {
		text += " " + term.Escape(a.Short())
	}
	if a.Name != "" {
		text += fmt.Sprintf(" (%s)", term.Escape(a.Name))
	}
	if a.PodUID != "" {
		text += ", pod " + a.PodUID
	}
	if len(a.Evidence) > 0 {
		text += ": " + evidenceText(a)
	}
	return text
}

// noContainerText says why it is none, also in the face of what seems to say that
// it is one.
func noContainerText(a *container.Assessment) string {
	const text = "none: it is in the host's PID namespace and shows no sign of a runtime"
	if len(a.Evidence) == 0 {
		return text
	}
	return text + " (" + evidenceText(a) + ", which is not sufficient evidence)"
}

// evidenceText is the first of the evidence.
func evidenceText(a *container.Assessment) string {
	const few = 2
	var list []string
	for _, e := range a.Evidence[:min(few, len(a.Evidence))] {
		list = append(list, term.Escape(e))
	}
	if len(a.Evidence) > few {
		list = append(list, "…")
	}
	return strings.Join(list, "; ")
}

// reachText says how many capabilities a process has, how many it can get, and how
// many the runtime's default is.
func reachText(p *cred.Process, a *container.Assessment) string {
	text := count(p.Permitted.Len())
	more, _ := MoreInThreads(p)
	if more != 0 {
		text += fmt.Sprintf("; other threads have %d more", more.Len())
	}
	if more := a.Reach &^ (p.Permitted | more); more != 0 {
		text += fmt.Sprintf("; an execve can add %d", more.Len())
	}
	if a.Contained.OK && !a.Contained.Value {
		return text
	}
	return fmt.Sprintf("%s; %s's default is %d", text, a.Default.Name, a.Default.Set.Len())
}

// count is "no capability", "1 capability", "5 capabilities".
func count(n int) string {
	switch n {
	case 0:
		return "no capability"
	case 1:
		return "1 capability"
	}
	return fmt.Sprintf("%d capabilities", n)
}
