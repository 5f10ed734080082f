package report

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Show appends a thread as text: who it is and what confines it, which capabilities
// it has, a row for each, and a sentence that sums these up. Lines
// have at most width characters.
func Show(b []byte, f *container.Facts, a *container.Assessment, names Names, width int, c term.Color) []byte {
	p := &f.Process
	var head term.Table
	head.Row("process", processText(p)+differingText(p))
	head.Row("users", usersText(p, names)+", "+groupsText(p, names))
	head.Row("container", containerText(a))
	head.Row("userns", userNSText(f))
	head.Row("confinement", confinementText(f))
	head.Row("securebits", securebitsText(p.Securebits))
	b = append(head.Append(b, width), '\n')
	b = appendCapabilities(b, f, width, c)
	return term.AppendHung(b, "", c.Paint(term.Bold, Sentence(f, a, names)), width)
}

// differingText says how many threads there are, and which of them differ
// from the process.
func differingText(p *cred.Process) string {
	switch {
	case p.TID != p.PID || p.Threads <= 1:
		return ""
	case !p.ThreadsRead:
		return fmt.Sprintf(", %d threads, whether they differ is unknown", p.Threads)
	case len(p.Differing) == 0:
		return ""
	}
	var ids []string
	for i := range p.Differing {
		ids = append(ids, fmt.Sprint(p.Differing[i].TID))
	}
	differ, tids := "differ", "TIDs"
	if len(ids) == 1 {
		differ, tids = "differs", "TID"
	}
	return fmt.Sprintf(", %d threads, %d %s (%s %s)", p.Threads, len(ids), differ, tids, firstOf(ids, 5))
}

// firstOf is the first few of a list, and how many more there are.
func firstOf(list []string, few int) string {
	text := strings.Join(list[:min(few, len(list))], ", ")
	if more := len(list) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func groupsText(p *cred.Process, names Names) string {
	text := "gid " + idsText(p.GID, names.Group)
	if p.GroupsUnknown {
		return text + ", groups ?"
	} else if len(p.Groups) == 0 {
		return text
	}
	var groups []string
	for _, gid := range p.Groups {
		groups = append(groups, idText(gid, names.Group))
	}
	return text + ", groups " + firstOf(groups, 8)
}

func userNSText(f *container.Facts) string {
	ns := f.Process.UserNS.Inode
	switch {
	case !ns.OK && f.InChildUserNS():
		return "not the host's, by its uid_map; its number is unknown"
	case !ns.OK && f.Process.UserNS.HasAllIDs():
		return "unknown; its uid_map is that of the initial one"
	case !ns.OK:
		return "unknown"
	case !f.InChildUserNS():
		return "the host's own (initial)"
	}
	text := fmt.Sprintf("%d, not the host's", ns.Value)
	if owner := namespaceOwnerText(f); owner != "" {
		text += ", " + owner
	}
	return text
}

// namespaceOwnerText says who owns the user namespace, by an id of the host where that is known.
func namespaceOwnerText(f *container.Facts) string {
	switch uid, ok := f.HostOwner(); {
	case ok:
		return fmt.Sprintf("owned by uid %d", uid)
	case f.Owner.OK:
		return fmt.Sprintf("owned by the user that is uid %d inside", f.Owner.Value)
	}
	return ""
}

// confinementText says what, beside its sets, confines the thread.
func confinementText(f *container.Facts) string {
	p := &f.Process
	text := "no_new_privs " + cred.OnOff(p.NoNewPrivs) + ", seccomp "
	if p.Seccomp.OK {
		text += p.Seccomp.Value.String()
	} else {
		text += "unknown"
	}
	switch {
	case !f.Label.OK:
		return text + ", label unknown"
	case f.Label.Value == "":
		return text + ", no security label"
	}
	return text + ", label " + term.Escape(f.Label.Value)
}

func securebitsText(bits cred.Known[cred.Securebits]) string {
	if !bits.OK {
		return "unknown (not available from /proc)"
	}
	return strings.ReplaceAll(bits.Value.String(), ",", ", ")
}

// wideMatrix is the width from which the sets' names have three letters and the
// catalogue's words still stand on one line.
const wideMatrix = 104

// appendCapabilities appends a row for each capability that any set has.
func appendCapabilities(b []byte, f *container.Facts, width int, c term.Color) []byte {
	sets := fiveSets(&f.Process.Sets)
	var all caps.Set
	for _, set := range sets {
		all |= set
	}
	if all == 0 {
		return append(b, "No capability in any set.\n\n"...)
	}
	head, gap, legend := "bnd eff prm inh amb", "   ", ""
	if width < wideMatrix {
		head, gap, legend = "B E P I A", " ", "B bounding, E effective, P permitted, I inheritable, A ambient.\n"
	}
	var t term.Table
	t.Row("", c.Paint(term.Dim, head), "")
	for one := range all.All() {
		mark, style := markOf(f, one)
		var signs []string
		for _, set := range sets {
			if set.Has(one) {
				signs = append(signs, "*")
			} else {
				signs = append(signs, c.Paint(term.Dim, "."))
			}
		}
		e, _ := catalog.Of(one)
		text := e.Brief
		if effect := f.Effect(one); effect.Why != "" && !effect.ByUserNS {
			text += "; " + effect.Why
		}
		name := fmt.Sprintf("%-18s", one.Short()) // as wide as the longest
		t.Row(c.Paint(style, mark)+" "+c.Paint(style, name), strings.Join(signs, gap), text)
	}
	b = append(append(append(t.Append(b, width), '\n'), legend...), marksLegend(f, all)...)
	if !f.Process.AmbientSupported {
		b = append(b, "This kernel has no ambient set.\n"...)
	}
	return append(b, '\n')
}

// marksLegend says what the marks of the matrix mean, where it has any.
func marksLegend(f *container.Facts, set caps.Set) string {
	var marks []string
	for one := range set.All() {
		mark, _ := markOf(f, one)
		marks = append(marks, strings.TrimSpace(mark))
	}
	switch has := func(mark string) bool { return slices.Contains(marks, mark) }; {
	case has("!!"), has("!"):
		return "!! allows escape to the host by itself, ! in combination: capsh explain CAP.\n"
	case has("-"), has("~"):
		return "- no effect, ~ part of its effect in this user namespace: capsh explain CAP.\n"
	}
	return ""
}

// markOf is how a capability of a process is marked: by what it gives of the host,
// or in a child user namespace, that it does not have full effect.
func markOf(f *container.Facts, one caps.Cap) (mark string, style term.Style) {
	switch effect := f.Effect(one); {
	case effect.Kind == catalog.EffectNone && effect.ByUserNS:
		return " -", term.Dim
	case effect.Kind == catalog.EffectPart:
		return " ~", term.Plain
	case effect.Kind == catalog.EffectNone, f.InChildUserNS():
		return "  ", term.Plain
	}
	e, _ := catalog.Of(one)
	return hostMark(e.Host)
}
