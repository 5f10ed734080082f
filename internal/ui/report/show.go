package report

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
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
	head, legend := []string{"bnd", "eff", "prm", "inh", "amb"}, ""
	if width < wideMatrix {
		head, legend = []string{"B", "E", "P", "I", "A"}, "B bounding, E effective, P permitted, I inheritable, A ambient.\n"
	}
	b = append(term.AppendPadded(b, "", 23, false), c.Paint(term.Dim, strings.Join(head, " "))...)
	b = append(b, '\n')
	for one := range all.All() {
		b = appendCapability(b, f, one, sets[:], len(head[0]), width, c)
	}
	b = append(append(append(b, '\n'), legend...), marksLegend(f, all)...)
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
		return "- no effect, ~ effect in part in this user namespace: capsh explain CAP.\n"
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

// appendCapability appends the row of one capability.
func appendCapability(b []byte, f *container.Facts, one caps.Cap, sets []caps.Set, cell, width int, c term.Color) []byte {
	e, _ := catalog.Of(one)
	mark, color := markOf(f, one)
	text := e.Brief
	if effect := f.Effect(one); effect.Why != "" && !effect.ByUserNS {
		text += "; " + effect.Why
	}
	row := term.AppendPadded(nil, c.Paint(color, mark)+" "+c.Paint(color, one.Short()), 23, false)
	for _, set := range sets {
		sign := c.Paint(term.Dim, ".")
		if set.Has(one) {
			sign = "*"
		}
		row = term.AppendPadded(row, sign, cell+1, false)
	}
	return term.AppendHung(b, string(row)+" ", text, width)
}

// Sentence says in one sentence what a thread's sets amount to.
func Sentence(f *container.Facts, a *container.Assessment, names Names) string {
	p := &f.Process
	text := "uid " + idText(p.UID.Effective, names.User)
	if p.UID.Effective == 0 {
		text = "root"
	}
	if text += placeText(a) + ": " + amountText(f, a); p.Permitted != 0 {
		text += onlyInText(f)
	}
	idle := p.Permitted &^ p.Effective
	switch {
	case p.Permitted != 0 && idle == p.Permitted:
		text += "; none is effective until raised"
	case idle != 0:
		text += fmt.Sprintf("; %d not effective until raised", idle.Len())
	}
	text += othersText(p)
	switch more := execve.Gain(&p.Sets); {
	case more == 0:
	case p.NoNewPrivs.Value && p.Permitted == 0:
		text += "; no_new_privs keeps it from gaining any"
	case p.NoNewPrivs.Value:
		text += "; no_new_privs keeps it from gaining more"
	case !p.NoNewPrivs.OK:
		text += "; whether an execve can add more is unknown"
	default:
		text += fmt.Sprintf("; executing a setuid or file-capability binary can add up to %d", more.Len())
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// othersText says what other threads have and this one does not.
func othersText(p *cred.Process) string {
	more, who := MoreInThreads(p)
	switch {
	case p.TID != p.PID || p.Threads <= 1:
		return ""
	case !p.ThreadsRead:
		return "; what its other threads have is unknown"
	case more == 0:
		return ""
	case more.Len() <= fewNames:
		return fmt.Sprintf("; %s %s as well", who, listOf(more))
	}
	return fmt.Sprintf("; %s %d more", who, more.Len())
}

// MoreInThreads is what other threads of p have permitted and p does not; who is
// the beginning of a sentence: "thread 12 has", "2 other threads have".
func MoreInThreads(p *cred.Process) (more caps.Set, who string) {
	n := 0
	for i := range p.Differing {
		t := &p.Differing[i]
		if t.Permitted&^p.Permitted != 0 {
			more |= t.Permitted &^ p.Permitted
			who = fmt.Sprintf("thread %d has", t.TID)
			n++
		}
	}
	if n > 1 {
		who = fmt.Sprintf("%d other threads have", n)
	}
	return more, who
}

// onlyInText says where capabilities count that do not count for the host.
func onlyInText(f *container.Facts) string {
	ns := f.Process.UserNS.Inode
	switch {
	case f.InChildUserNS() && !ns.OK:
		return ", but only inside a user namespace that is not the host's"
	case f.InChildUserNS():
		text := fmt.Sprintf(", but only inside user namespace %d", ns.Value)
		if owner := namespaceOwnerText(f); owner != "" {
			text += " " + owner
		}
		return text
	case ns.OK:
		return ""
	case f.Process.UserNS.HasAllIDs():
		return ", if its user namespace is the host's"
	}
	return ", in an unknown user namespace"
}

// placeText says where.
func placeText(a *container.Assessment) string {
	switch {
	case !a.Contained.OK:
		return ""
	case !a.Contained.Value:
		return " on the host"
	case a.Runtime == "":
		return " in namespaces of its own"
	case a.Runtime == container.Unknown:
		return " in a container"
	}
	return " in a container of " + a.Runtime
}

// amountText says how much the permitted set is, by the nearest known set.
func amountText(f *container.Facts, a *container.Assessment) string {
	has, usual := f.Process.Permitted, a.Default.Set
	full := f.Kernel
	if !full.OK {
		full = f.Host
	}
	contained := a.Contained.Value
	switch missing := full.Value &^ has; {
	case has == 0:
		return "no capability"
	case full.OK && missing == 0:
		return "a full set"
	case full.OK && f.Host.OK && has.Contains(f.Host.Value):
		return "all but " + fewOf(missing) + ", which is all that the host gives"
	case contained && has == usual:
		return a.Default.Name + "'s default set"
	case has.Len() <= fewNames:
		return listOf(has)
	case contained && usual.Contains(has):
		return fmt.Sprintf("%d of %s's default %d", has.Len(), a.Default.Name, usual.Len())
	case contained && has.Contains(usual) && (has&^usual).Len() <= fewNames:
		return a.Default.Name + "'s default set and " + listOf(has&^usual)
	case full.OK && missing.Len() <= fewNames:
		return "all but " + fewOf(missing)
	}
	return count(has.Len())
}

// fewOf names the capabilities of a set, or counts them.
func fewOf(set caps.Set) string {
	if n := set.Len(); n > fewNames {
		return fmt.Sprint(n)
	}
	return listOf(set)
}
