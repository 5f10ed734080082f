package plan

import (
	"errors"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// Foresee predicts what exe will hold and puts it into the plan, with warnings.
// The error says in what that is not what was asked for; with AllowMismatch it
// becomes a warning. Another file may be foreseen later.
func (p *Plan) Foresee(exe *execve.File) error {
	p.PutOff("")
	p.Command = *exe
	err := p.judge(exe)
	var refused *execve.Refused
	switch {
	case errors.As(err, &refused):
		err = errors.New(p.refusal(exe, refused.Missing))
	case err != nil && exe.Foreign:
		err = errors.New(noFormat(exe) + ": it is not known what the command would have")
	}
	if err != nil && p.lenient {
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
	why := "capset takes " + missing.String() + " out of the bounding set"
	if gone := missing &^ p.Before.Bounding; gone != 0 {
		why = gone.String() + " is not in the bounding set"
	}
	do := "setcap -r " + exe.Decider() + " removes them"
	switch {
	case p.keep.Contains(missing):
		do = "the bounding set asked for needs it too, or " + do
	case p.Before.Bounding.Contains(missing) && p.Before.Permitted.Contains(missing):
		do = "--keep=" + shortNames(p.keep|missing) + " keeps that, or " + do
	}
	return exe.DeciderText() + " carries " + fileCaps(exe) + ", but " + why + ": execve would fail with EPERM (" + do + ")"
}

// shortNames are names as --keep takes them.
func shortNames(set caps.Set) string {
	var names []string
	for c := range set.All() {
		names = append(names, c.Short())
	}
	return strings.Join(names, ",")
}

// noFormat says of a file that it is none that the kernel runs by itself.
func noFormat(exe *execve.File) string {
	return "execve " + exe.DeciderText() + ": exec format error, unless binfmt_misc has an interpreter for it, which cannot be read here"
}

// PutOff says that what the command will hold cannot be foreseen, and why.
func (p *Plan) PutOff(why string) {
	p.After, p.Rules, p.Unforeseen, p.Command = cred.Known[cred.State]{}, 0, why, execve.File{}
}

func (p *Plan) judge(exe *execve.File) error {
	plain, err := execve.Predict(p.Want, execve.File{Path: exe.Path, SetidFromReal: exe.SetidFromReal, Unsafe: exe.Unsafe})
	if err != nil {
		return err
	}
	outcome := plain
	if !p.harmless() || !exe.Foreign && !exe.OpenedBefore {
		if outcome, err = execve.Predict(p.Want, *exe); err != nil {
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

// harmless says that no file could make a difference: nothing is held, and nothing
// can be gained.
func (p *Plan) harmless() bool {
	return p.Want.NoNewPrivs.Value && p.keep|p.Want.Permitted == 0
}

// warnOf warns of what this file makes of the sets and ids, and of what the command
// loses although it has what was asked for.
func (p *Plan) warnOf(plain, got *execve.Outcome, exe *execve.File) {
	after := &p.After.Value
	if exe.Foreign {
		p.warning(noFormat(exe))
	}
	if lost := p.asked &^ after.Permitted; lost != 0 {
		p.warning(Names(lost) + " is permitted before the execve only: the command will not hold it")
	}
	if p.Rules.Has(execve.SetidNoNewPrivs) {
		p.warning("the program is setuid or setgid, which no_new_privs turns off")
	}
	if after.UID.Effective != p.Want.UID.Effective || after.GID.Effective != p.Want.GID.Effective {
		p.warning("the command will run with effective uid " + idText(after.UID.Effective) +
			" and gid " + idText(after.GID.Effective) + ": " + idRule(p.Rules))
	}
	if lost := plain.After.Ambient &^ after.Ambient; lost != 0 {
		p.warning(exe.DeciderText() + ": " + fileLoss(got, exe) + ": what the command itself executes does not get " + Names(lost))
	}
	if got.Secure && !plain.Secure {
		p.warning(exe.DeciderText() + " runs with AT_SECURE: the C library ignores LD_LIBRARY_PATH, LD_PRELOAD and the like")
	}
}

func (p *Plan) warning(text string) { p.Warnings = append(p.Warnings, text) }

// judgeSets compares what a file without privileges would hold with what is to
// be kept, or was asked to be permitted before the execve. The bounding and the
// inheritable set, given by themselves, are limits and ask for nothing.
func (p *Plan) judgeSets(plain *execve.Outcome) error {
	after := &plain.After
	if missing := p.keep &^ after.Effective; missing != 0 {
		return errors.New("the command would not hold " + missing.String() + ": " + loss(plain.Rules))
	}
	if extra := after.Permitted &^ (p.keep | p.Want.Permitted); extra != 0 {
		return errors.New("the command would hold " + Names(extra) + ": " + gain(plain.Rules))
	}
	return nil
}

// judgeFile compares what this file will hold with what one without privileges
// would. More than that comes only out of what was asked to be permitted, or
// where new privileges are allowed: no_new_privs sees to it.
func (p *Plan) judgeFile(plain, got *execve.Outcome, exe *execve.File) error {
	want, is := &plain.After, &got.After
	lost := want.Permitted&^is.Permitted | want.Effective&^is.Effective
	switch {
	case lost != 0:
		return errors.New(exe.DeciderText() + ": " + fileLoss(got, exe) + ": the command would not hold " + Names(lost))
	case !p.loose && (is.UID.Effective != p.Want.UID.Effective || is.GID.Effective != p.Want.GID.Effective):
		return errors.New("the command would run with effective uid " + idText(is.UID.Effective) +
			" and gid " + idText(is.GID.Effective) + ": " + idRule(got.Rules))
	}
	return nil
}

// judgeUnread refuses a file that could not be read: it may be a script, and then
// another file decides.
func (p *Plan) judgeUnread(exe *execve.File) error {
	if !exe.Unreadable || p.harmless() {
		return nil
	}
	return errors.New(exe.DeciderText() + " cannot be read, so it is not known what it would hold")
}

// fileCaps is the file's capabilities as setcap(8) takes them.
func fileCaps(exe *execve.File) string { return exe.Caps.EPI().Text(caps.Named) }

// fileLoss says why a file takes away what a plain one would leave.
func fileLoss(got *execve.Outcome, exe *execve.File) string {
	switch {
	case got.Rules.Has(execve.AmbientFileCaps) && exe.Caps.Permitted|exe.Caps.Inheritable == 0:
		return "its file capabilities are empty and clear the ambient set"
	case got.Rules.Has(execve.AmbientFileCaps):
		return "its file capabilities (" + fileCaps(exe) + ") clear the ambient set"
	case got.Rules.Has(execve.AmbientIDs):
		return "it changes the effective ids, which clears the ambient set"
	}
	return lastRule(got.Rules)
}

// loss says why a plain file does not hold what is to be kept.
func loss(rules execve.Rules) string {
	if rules.Has(execve.Unprivileged) {
		return "only the ambient set stays through the execve"
	}
	return lastRule(rules)
}

// gain says by which rule a plain file holds more than what is to be kept.
func gain(rules execve.Rules) string {
	for _, r := range []execve.Rule{execve.RootEffective, execve.RootReal} {
		if rules.Has(r) {
			return r.String()
		}
	}
	return lastRule(rules)
}

// idRule is the rule that decided the effective ids.
func idRule(rules execve.Rules) string {
	for _, r := range []execve.Rule{execve.IDsReset, execve.SetuidTaken, execve.SetgidTaken} {
		if rules.Has(r) {
			return r.String()
		}
	}
	return lastRule(rules)
}

// lastRule is the last that decided anything about the sets.
func lastRule(rules execve.Rules) string {
	text := ""
	for r := range rules.All() {
		if r != execve.SavedIDs && r != execve.KeepCapsCleared {
			text = r.String()
		}
	}
	return text
}

// warn adds what is as it was asked and may still be a surprise.
func (b *builder) warn() {
	p := &b.plan
	b.warnOfCapabilities(p.keep | p.Want.Permitted)
	if open := p.Want.Bounding &^ p.keep; b.req.AllowNewPrivs && !p.Want.NoNewPrivs.Value && open != 0 {
		b.warning("new privileges are allowed and the bounding set has " + Names(open) + ": a setuid-root program gets all of that")
	}
	if b.req.AllowNewPrivs && p.Before.NoNewPrivs.Value {
		b.warning("no_new_privs is set already and stays")
	}
	if b.req.UserNamespaces.Value {
		b.warning("user namespaces are open: in a new one the command holds all capabilities over what belongs to that one")
	}
	b.warnOfRoot()
}

// warnOfCapabilities warns of what the catalogue says of a set: what is equivalent
// to root, in one line, and what has no effect where this runs.
func (b *builder) warnOfCapabilities(set caps.Set) {
	where := ""
	if initial := b.plan.Before.UserNS.Initial(); initial.OK && !initial.Value {
		where = " in this user namespace"
		if idle := catalog.WithoutEffect(set); idle != 0 {
			set &^= idle
			b.warning("without effect" + where + ": " + Names(idle))
		}
	}
	if like := catalog.RootEquivalent(set); like != 0 {
		b.warning("equivalent to root" + where + ": " + briefs(like))
	}
}

// briefs is what each capability of a set permits: all of it where they are few,
// then the names alone.
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

// warnOfRoot warns of ids of root beside others. A uid that all is 0 is as asked;
// so is a gid that was named.
func (b *builder) warnOfRoot() {
	want, now, asked := &b.plan.Want, &b.plan.Before, b.req
	if !asked.UID.OK && !asked.GID.OK && !asked.Groups.OK {
		return
	}
	b.warnOfZero("uid", want.UID, now.UID, "the command acts as root", "the command can become root again")
	b.warnOfZero("gid", want.GID, now.GID, "the command has the rights of group 0", "the command can take group 0 again")
	if want.UID.Effective == 0 {
		return
	}
	if want.GID == cred.Same(0) && (!asked.GID.OK || in(cred.Unchanged, asked.GID.Value)) {
		b.warning("the gid stays 0: the command has the rights of group 0")
	}
	if !asked.Groups.OK && slices.Contains(want.Groups, 0) {
		b.warning("group 0 stays among the supplementary groups: the command has the rights of group 0")
	}
}

// warnOfZero warns of an id of 0 beside one that is another.
func (b *builder) warnOfZero(kind string, want, now cred.IDs, acts, can string) {
	switch {
	case !anyZero(want) || want == cred.Same(0):
	case want.Effective == 0 && now.Effective == 0:
		b.warning("the effective " + kind + " stays 0: " + acts)
	case want.Effective == 0:
		b.warning("the effective " + kind + " becomes 0: " + acts)
	default:
		b.warning("the real or saved " + kind + " stays 0: " + can)
	}
}
