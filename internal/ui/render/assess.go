package render

import (
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Assessment appends what there is to say of a process and its container, in
// lines of at most width characters.
func Assessment(b []byte, p *cred.Process, a *container.Assessment, names Names, width int, c Color) []byte {
	var head Table
	head.Row("verdict", c.paint(bold+verdictColor(a), a.Verdict.String())+partialText(a)+": "+a.Meaning())
	head.Row("process", processText(p)+", "+usersText(p, names))
	head.Row("container", containerText(a))
	head.Row("holds", reachText(p, a))
	b = append(head.Append(b, width), '\n')
	if len(a.Findings) == 0 {
		return b[:len(b)-1]
	}
	held := ""
	for _, f := range a.Findings {
		if f.Severity == container.Held {
			held += ", " + f.ID
			continue
		}
		b = appendFinding(b, f, width, c)
	}
	if held != "" {
		b = appendWrapped(append(b, c.paint(green, "held")+"      "...), held[2:], 10, width)
		b = append(b, '\n')
	}
	return b
}

// partialText says that more than is known may be open.
func partialText(a *container.Assessment) string {
	if a.Partial() {
		return ", as far as could be read"
	}
	return ""
}

func verdictColor(a *container.Assessment) string {
	switch {
	case a.Verdict.AsBadAs(container.OverPrivileged):
		return red
	case a.Verdict.AsBadAs(container.ConfinedRoot), a.Partial():
		return yellow
	}
	return green
}

func severityColor(s container.Severity) string {
	switch {
	case s >= container.High:
		return red
	case s >= container.Unread:
		return yellow
	}
	return dim
}

// appendFinding appends one finding: its word and id, what was seen, and below
// what it means.
func appendFinding(b []byte, f container.Finding, width int, c Color) []byte {
	const indent = 10
	word := f.Severity.String()
	b = append(b, c.paint(severityColor(f.Severity), word)...)
	b = appendBlanks(b, indent-len(word))
	b = append(append(b, c.paint(bold, f.ID)...), "  "...)
	b = appendWrapped(b, Escape(f.Evidence), indent+len(f.ID)+2, width)
	b = append(b, '\n')
	if f.Meaning != "" {
		b = appendWrapped(appendBlanks(b, indent), f.Meaning, indent, width)
		b = append(b, '\n')
	}
	if f.Severity <= container.Low && f.Caps != 0 {
		b = appendWrapped(appendBlanks(b, indent), listOf(f.Caps), indent, width)
		return append(b, '\n')
	}
	return appendGraded(b, f.Caps, indent, width, c)
}

// appendGraded appends what each capability gives of the machine, the worst
// first; those that give nothing share a line.
func appendGraded(b []byte, set caps.Set, indent, width int, c Color) []byte {
	var t Table
	var rest caps.Set
	for h := catalog.HostDirect; ; h-- {
		for one := range set.All() {
			e, named := catalog.Of(one)
			switch {
			case !named || e.Host == catalog.HostNo:
				rest |= one.Set()
			case e.Host == h:
				_, color := hostMark(h)
				t.Row(string(appendBlanks(nil, indent-2)), c.paint(color, one.Short()), h.String(), e.Brief)
			}
		}
		if h == catalog.HostNo {
			break
		}
	}
	b = t.Append(b, width)
	if rest != 0 {
		b = appendWrapped(appendBlanks(b, indent), "and "+listOf(rest), indent, width)
		b = append(b, '\n')
	}
	return b
}

// processText is "12 (name)".
func processText(p *cred.Process) string {
	text := strconv.Itoa(p.PID)
	if p.TID != p.PID {
		text += "/" + strconv.Itoa(p.TID)
	}
	if p.Name != "" {
		text += " (" + Escape(p.Name) + ")"
	}
	if p.Zombie() {
		text += ", a zombie"
		if n := running(p); n == 1 {
			text += " of which 1 thread still runs"
		} else if n > 1 {
			text += " of which " + strconv.Itoa(n) + " threads still run"
		}
	}
	return text
}

// usersText is "uid 0 (root)", with the effective id where it is another.
func usersText(p *cred.Process, names Names) string {
	text := "uid " + idText(p.UID.Real, names.User)
	if p.UID.Effective != p.UID.Real {
		text += ", effective " + idText(p.UID.Effective, names.User)
	}
	return text
}

func idText(id uint32, name func(uint32) string) string {
	text := strconv.FormatUint(uint64(id), 10)
	if n := name(id); n != "" {
		text += " (" + Escape(n) + ")"
	}
	return text
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
		text += " " + Escape(a.Short())
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
	const text = "none: it has the machine's own PID namespace and no runtime's marks"
	if len(a.Evidence) == 0 {
		return text
	}
	return text + " but what alone makes none: " + evidenceText(a)
}

// evidenceText is the first of the evidence.
func evidenceText(a *container.Assessment) string {
	const few = 2
	text := ""
	for i, e := range a.Evidence[:min(few, len(a.Evidence))] {
		text += [...]string{"", "; "}[i] + Escape(e)
	}
	if len(a.Evidence) > few {
		text += "; and more"
	}
	return text
}

// reachText says what is held, what can be had, and beside which default.
func reachText(p *cred.Process, a *container.Assessment) string {
	text, held := count(p.Permitted.Len()), p.Permitted
	for i := range p.Differing {
		held |= p.Differing[i].Permitted
	}
	if more := held &^ p.Permitted; more != 0 {
		text += "; other threads hold " + strconv.Itoa(more.Len()) + " more"
	}
	if more := a.Reach &^ held; more != 0 {
		text += "; an execve can bring " + strconv.Itoa(more.Len()) + " more"
	}
	if a.Contained.OK && !a.Contained.Value {
		return text
	}
	return text + "; " + a.Default.Name + "'s default is " + strconv.Itoa(a.Default.Set.Len())
}

// count is "no capability", "1 capability", "5 capabilities".
func count(n int) string {
	switch n {
	case 0:
		return "no capability"
	case 1:
		return "1 capability"
	}
	return strconv.Itoa(n) + " capabilities"
}

// Assessment writes it as an object: what capsh(1), "JSON", documents.
func (j *JSON) Assessment(p *cred.Process, a *container.Assessment) {
	j.BeginObject()
	j.Version()
	j.Key("pid").Int(int64(p.PID))
	j.Key("tid").Int(int64(p.TID))
	j.Key("name").name(p)
	j.Key("verdict").String(a.Verdict.String())
	j.Key("partial").Bool(a.Partial())
	j.Key("contained").KnownBool(a.Contained)
	j.Key("container").container(a.Container)
	j.Key("evidence").strings(a.Evidence)
	j.Key("default").runtimeDefault(a.Default)
	j.Key("reach").Set(a.Reach)
	j.Key("findings").BeginArray()
	for _, f := range a.Findings {
		j.finding(f)
	}
	j.EndArray()
	j.EndObject()
}

// container writes a container as an object, null for none.
func (j *JSON) container(c container.Container) {
	if c == (container.Container{}) {
		j.Null()
		return
	}
	word := func(key, value string) {
		j.Key(key).KnownString(cred.Known[string]{Value: value, OK: value != ""})
	}
	j.BeginObject()
	word("runtime", c.Runtime)
	word("id", c.ID)
	word("pod_uid", c.PodUID)
	j.EndObject()
}

func (j *JSON) finding(f container.Finding) {
	j.BeginObject()
	j.Key("id").String(f.ID)
	j.Key("severity").String(f.Severity.String())
	j.Key("evidence").String(f.Evidence)
	j.Key("meaning").String(f.Meaning)
	j.Key("capabilities").BeginArray()
	for c := range f.Caps.All() {
		e, named := catalog.Of(c)
		j.BeginObject()
		j.Key("name").String(c.OCI())
		j.Key("host").KnownString(cred.Known[string]{Value: e.Host.String(), OK: named})
		j.Key("brief").KnownString(cred.Known[string]{Value: e.Brief, OK: named})
		j.EndObject()
	}
	j.EndArray()
	j.EndObject()
}
