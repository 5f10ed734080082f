package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Foresee predicts what the command will have after an execve of exe and puts it
// into the plan, with warnings. The error says how that differs from what was asked
// for; with AllowMismatch it becomes a warning. Foresee may be called again for
// another file.
func (p *Plan) Foresee(exe *execve.File) error {
	p.PutOff("")
	p.Command = *exe
	err := p.judge(exe)
	var refused *execve.Refused
	var unknown *execve.Unknown
	switch {
	case errors.As(err, &refused):
		err = errors.New(p.refusal(exe, refused.Missing))
	case err != nil && exe.Foreign:
		err = errors.New(noFormat(exe) + ": the capabilities that the command would have are unknown")
	case errors.As(err, &unknown) && !p.req.AllowMismatch:
		err = fmt.Errorf("%w (--allow-mismatch starts the command anyway)", err)
	}
	if err != nil && p.req.AllowMismatch {
		if !p.After.OK && refused == nil {
			p.Unforeseen = err.Error()
		}
		p.warning(err.Error())
		return nil
	}
	return err
}

// refusal says why execve answers EPERM, and what to do.
func (p *Plan) refusal(exe *execve.File, missing caps.Set) string {
	why := "capset drops " + missing.String() + " from the bounding set"
	if gone := missing &^ p.Before.Bounding; gone != 0 {
		why = gone.String() + " is not in the bounding set"
	}
	do := "setcap -r " + exe.Decider() + " removes the file capabilities"
	switch {
	case p.keep.Contains(missing):
		do = "add it to --bounding, or " + do
	case p.Before.Bounding.Contains(missing) && p.Before.Permitted.Contains(missing):
		do = "--keep=" + strings.Join((p.keep|missing).ShortNames(), ",") + " keeps it, or " + do
	}
	return exe.DeciderText() + " has " + fileCaps(exe) + ", but " + why + ": execve would fail with EPERM (" + do + ")"
}

// noFormat is the message for a file that the kernel itself cannot execute.
func noFormat(exe *execve.File) string {
	return "execve " + exe.DeciderText() + ": exec format error, unless binfmt_misc has an interpreter for it; its registrations cannot be read here"
}

// PutOff records that the command's state after the execve is unknown, and why.
func (p *Plan) PutOff(why string) {
	p.After, p.Rules, p.Unforeseen, p.Command = cred.Known[cred.State]{}, 0, why, execve.File{}
}

func (p *Plan) judge(exe *execve.File) error {
	plain, err := execve.Predict(&p.Want, &execve.File{Path: exe.Path, SetidFromReal: exe.SetidFromReal, Unsafe: exe.Unsafe})
	if err != nil {
		return err
	}
	outcome := plain
	if !p.harmless() || !exe.Foreign && !exe.OpenedBefore {
		if outcome, err = execve.Predict(&p.Want, exe); err != nil {
			return err
		}
	}
	p.After, p.Rules = cred.Is(outcome.After), outcome.Rules
	if err := p.judgeSets(&plain); err != nil {
		return err
	}
	if err := p.judgeFile(&plain, &outcome, exe); err != nil {
		return err
	}
	p.warnOf(&plain, &outcome, exe)
	return p.judgeUnread(exe)
}

// harmless reports whether no file could make a difference: the command has no
// capability and can gain none.
func (p *Plan) harmless() bool {
	return p.Want.NoNewPrivs.Value && p.keep|p.Want.Permitted == 0
}

// warnOf warns about how this file changes the sets and ids, and about capabilities
// that the command loses although it has what was asked for.
func (p *Plan) warnOf(plain, got *execve.Outcome, exe *execve.File) {
	after := &p.After.Value
	if exe.Foreign {
		p.warning(noFormat(exe))
	}
	if lost := p.req.Permitted.Value &^ after.Permitted; lost != 0 {
		p.warning(Names(lost) + " is permitted before the execve only: the command will not have it")
	}
	if p.Rules.Has(execve.SetidNoNewPrivs) {
		p.warning("the program is setuid or setgid, which no_new_privs turns off")
	}
	setid := after.UID.Effective != p.Want.UID.Effective || after.GID.Effective != p.Want.GID.Effective
	if setid {
		p.warning("the command will run with effective uid " + idText(after.UID.Effective) +
			" and gid " + idText(after.GID.Effective) + ": " + decided(p.Rules, idRules...))
	}
	if lost := plain.After.Ambient &^ after.Ambient; lost != 0 {
		p.warning(exe.DeciderText() + ": " + fileLoss(got, exe) + ", so programs that the command executes do not get " + Names(lost))
	}
	if got.Secure && !plain.Secure && !setid { // which is the cause, and known for it
		p.warning(exe.DeciderText() + " runs with AT_SECURE: the C library ignores LD_LIBRARY_PATH, LD_PRELOAD and the like")
	}
}

func (p *Plan) warning(text string) { p.Warnings = append(p.Warnings, text) }

// judgeSets compares what an execve of a file without privileges would give with
// what is to be kept, or was asked to be permitted before the execve. The bounding
// and the inheritable set, given by themselves, are limits and not requests.
func (p *Plan) judgeSets(plain *execve.Outcome) error {
	after := &plain.After
	if missing := p.keep &^ after.Effective; missing != 0 {
		return errors.New("the command would not have " + missing.String() + ": " + loss(plain.Rules))
	}
	if extra := after.Permitted &^ (p.keep | p.Want.Permitted); extra != 0 {
		return errors.New("the command would have " + Names(extra) + ": " + decided(plain.Rules, execve.RootEffective, execve.RootReal))
	}
	return nil
}

// judgeFile compares what an execve of this file will give with what one without
// privileges would. No_new_privs ensures that more comes only from what was asked
// to be permitted; otherwise new privileges are allowed.
func (p *Plan) judgeFile(plain, got *execve.Outcome, exe *execve.File) error {
	want, is := &plain.After, &got.After
	lost := want.Permitted&^is.Permitted | want.Effective&^is.Effective
	switch {
	case lost != 0:
		return errors.New(exe.DeciderText() + ": " + fileLoss(got, exe) + ", so the command would not have " + Names(lost))
	case !p.req.AllowNewPrivs && (is.UID.Effective != p.Want.UID.Effective || is.GID.Effective != p.Want.GID.Effective):
		return errors.New("the command would run with effective uid " + idText(is.UID.Effective) +
			" and gid " + idText(is.GID.Effective) + ": " + decided(got.Rules, idRules...))
	}
	return nil
}

// judgeUnread refuses a file that could not be read: it may be a script, in which
// case another file decides.
func (p *Plan) judgeUnread(exe *execve.File) error {
	if !exe.Unreadable || p.harmless() {
		return nil
	}
	return errors.New(exe.DeciderText() + " cannot be read: the capabilities that the command would have are unknown")
}

// fileCaps is the file's capabilities as setcap(8) takes them.
func fileCaps(exe *execve.File) string { return exe.Caps.EPI().Text(caps.Named) }

// fileLoss says why an execve of this file loses what a plain one would keep.
func fileLoss(got *execve.Outcome, exe *execve.File) string {
	switch {
	case got.Rules.Has(execve.AmbientFileCaps) && exe.Caps.Permitted|exe.Caps.Inheritable == 0:
		return "its file capabilities are empty and clear the ambient set"
	case got.Rules.Has(execve.AmbientFileCaps):
		return "its file capabilities (" + fileCaps(exe) + ") clear the ambient set"
	case got.Rules.Has(execve.AmbientIDs):
		return "it changes the effective ids, which clears the ambient set"
	}
	return decided(got.Rules)
}

// loss says why an execve of a plain file loses what is to be kept.
func loss(rules execve.Rules) string {
	if rules.Has(execve.Unprivileged) {
		return "only the ambient set stays through the execve"
	}
	return decided(rules)
}

// idRules are those that decide the effective ids.
var idRules = []execve.Rule{execve.IDsReset, execve.SetuidTaken, execve.SetgidTaken}

// decided is the first of some rules that had a part, or else the last rule that
// decided anything about the sets.
func decided(rules execve.Rules, first ...execve.Rule) string {
	for _, r := range first {
		if rules.Has(r) {
			return r.String()
		}
	}
	text := ""
	for r := range rules.All() {
		if r != execve.SavedIDs && r != execve.KeepCapsCleared {
			text = r.String()
		}
	}
	return text
}

// warn adds warnings about what was asked for and may still be a surprise.
func (p *Plan) warn() {
	p.warnOfCapabilities(p.keep | p.Want.Permitted)
	if open := p.Want.Bounding &^ p.keep; p.req.AllowNewPrivs && !p.Want.NoNewPrivs.Value && open != 0 {
		p.warning("new privileges are allowed and the bounding set has " + Names(open) + ": a setuid-root program gets all of that")
	}
	if p.req.AllowNewPrivs && p.Before.NoNewPrivs.Value {
		p.warning("no_new_privs is set already and stays")
	}
	if p.req.UserNamespaces.Value {
		p.warning("unprivileged user namespaces are enabled: in a new one the command has all capabilities over the resources that namespace owns")
	}
	p.warnOfRoot()
}

// warnOfCapabilities warns by the catalogue: which capabilities of a set are
// equivalent to root, in one line, and which have no effect in this user namespace.
func (p *Plan) warnOfCapabilities(set caps.Set) {
	where := ""
	if initial := p.Before.UserNS.Initial(); initial.OK && !initial.Value {
		where = " in this user namespace"
		if idle := catalog.WithoutEffect(set); idle != 0 {
			set &^= idle
			p.warning("without effect" + where + ": " + Names(idle))
		}
	}
	if like := catalog.RootEquivalent(set); like != 0 {
		p.warning("equivalent to root" + where + ": " + briefs(like))
	}
}

// briefs lists the capabilities of a set, with what each permits where they are few.
func briefs(set caps.Set) string {
	const few = 3
	var list []string
	for c := range set.All() {
		e, _ := catalog.Of(c)
		text := c.String()
		if set.Len() <= few {
			text += " (" + e.Brief + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// warnOfRoot warns about an id of 0 that is left among others. A uid of which all
// ids are 0 is as asked; so is a gid that was named.
func (p *Plan) warnOfRoot() {
	want, now, asked := &p.Want, &p.Before, p.req
	if !asked.UID.OK && !asked.GID.OK && !asked.Groups.OK {
		return
	}
	p.warnOfZero("uid", want.UID, now.UID, "the command acts as root", "the command can become root again")
	p.warnOfZero("gid", want.GID, now.GID, "the command has the rights of group 0", "the command can take group 0 again")
	if want.UID.Effective == 0 {
		return
	}
	if want.GID == cred.Same(0) && (!asked.GID.OK || in(cred.Unchanged, asked.GID.Value)) {
		p.warning("the gid stays 0: the command has the rights of group 0")
	}
	if !asked.Groups.OK && slices.Contains(want.Groups, 0) {
		p.warning("group 0 stays among the supplementary groups: the command has the rights of group 0")
	}
}

// warnOfZero warns where only some of the real, effective and saved id are 0.
func (p *Plan) warnOfZero(kind string, want, now cred.IDs, acts, can string) {
	switch {
	case !anyZero(want) || want == cred.Same(0):
	case want.Effective == 0 && now.Effective == 0:
		p.warning("the effective " + kind + " stays 0: " + acts)
	case want.Effective == 0:
		p.warning("the effective " + kind + " becomes 0: " + acts)
	default:
		p.warning("the real or saved " + kind + " stays 0: " + can)
	}
}
