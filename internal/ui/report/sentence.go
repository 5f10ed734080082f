package report

import (
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

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
