package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/export"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// formsText says in --help what the formats are that can be pasted.
const formsText = `FORMAT is text, json, or one of these, which print settings that grant exactly
what the process has: docker, compose, kubernetes, oci, systemd, capset.
`

// need is what the forms that can be pasted are to ask for.
type need struct {
	typed cred.Known[string] // the list as it was typed
	keep  caps.Set
	// profile is what capset saved, nil for a list.
	profile *schema.Discovery
}

// option is --need. It is read when the procfs is known that says what all is.
func (n *need) option(o *flags.Options) {
	flags.Known(o, "--need", "print settings for these capabilities instead", &n.typed, flags.UnreadCaps)
}

// check reads --need, which is refused where nothing asks for it.
func (n *need) check(v *view) (err error) {
	if !n.typed.OK {
		return nil
	}
	if v.form() == "" {
		return usageError("--need is for --format=docker and others that ask for capabilities")
	}
	if err = n.read(caps.First(kernelBits(v.proc))); err != nil {
		err = usageError("--need: %w", err)
	}
	return err
}

// read reads a list or, behind an @, the name of a profile that capset saved.
func (n *need) read(all caps.Set) (err error) {
	name, isFile := strings.CutPrefix(n.typed.Value, "@")
	if !isFile {
		n.keep, err = caps.ParseList(n.typed.Value, all)
		return err
	}
	text, err := files.Here.ReadNamed(name)
	if err != nil {
		return err
	}
	if n.profile, err = schema.ReadDiscovery(text); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	n.keep, err = n.profile.Set(all)
	return err
}

// write writes what the process has, or needs, in a form. It warns of what differs from
// that, and notes what has no effect or is not needed here.
func (n *need) write(f *container.Facts, form, command string, out *term.Output) error {
	g, warnings, err := n.grant(f, form)
	if err != nil {
		return err
	}
	text, more, err := g.Format(out.Buf, form)
	if err != nil {
		return err
	}
	out.Buf = text
	for _, w := range append(warnings, more...) {
		out.Message(command + ": warning: " + w)
	}
	for _, note := range effectNotes(f, g.Keep) {
		out.Message(command + ": note: " + note)
	}
	return nil
}

// grant is what to ask for. The user is that of the process, unless a profile names
// another.
func (n *need) grant(f *container.Facts, form string) (g export.Grant, warnings []string, err error) {
	p := &f.Process
	switch {
	case n.profile != nil && n.profile.User.OK:
		return g.Found(n.profile, n.keep), nil, nil
	case n.profile != nil:
		warnings = append(warnings, fmt.Sprintf("the profile names no user: this is for that of process %d", p.PID))
	case !n.typed.OK:
		warnings = append(beyondDefault(f, form), otherThreads(p)...)
	}
	g = export.GrantOf(p)
	groups := len(g.Groups)
	if err := insideIDs(&g, p); err != nil {
		return g, nil, err
	}
	if left := groups - len(g.Groups); left > 0 {
		warnings = append(warnings, strconv.Itoa(left)+" of its groups left out: its user namespace does not map them")
	}
	switch {
	case n.profile != nil:
		g = g.Found(n.profile, n.keep)
	case n.typed.OK:
		g.Keep = n.keep
	}
	return g, warnings, nil
}

// beyondDefault warns where a form for a container asks for more than its runtime gives
// by default.
func beyondDefault(f *container.Facts, form string) []string {
	a := container.Assess(f)
	if a.Default.Set.Contains(f.Process.Permitted) || form == "systemd" || form == "capset" {
		return nil
	}
	return []string{"this asks for more capabilities than " + a.Default.Name + "'s default; use --need=LIST with what the program needs (capset --discover finds it)"}
}

// effectNotes says for which capabilities of a set the process had no use, and why:
// one note for each cause. A form asks for them all the same.
func effectNotes(f *container.Facts, set caps.Set) []string {
	var causes []string
	of := map[string]caps.Set{}
	for c := range set.All() {
		effect := f.Effect(c)
		if effect.Kind < catalog.EffectSpare {
			continue
		}
		if of[effect.Why] == 0 {
			causes = append(causes, effect.Why)
		}
		of[effect.Why] |= c.Set()
	}
	for i, why := range causes {
		causes[i] = of[why].String() + ": " + why
	}
	return causes
}

// otherThreads warns of capabilities that other threads have and that are not asked for.
func otherThreads(p *cred.Process) []string {
	more, who := report.MoreInThreads(p)
	switch {
	case more != 0:
		return []string{who + " capabilities that are not asked for: " + more.String()}
	case p.TID == p.PID && p.Threads > 1 && !p.ThreadsRead:
		return []string{"whether its other threads have more is unknown"}
	}
	return nil
}

// insideIDs turns ids as this process sees them into those of another's user
// namespace, the ones that a container's definition uses. Groups that are not mapped there, as
// podman's keep-groups passes on, are left out.
func insideIDs(g *export.Grant, p *cred.Process) error {
	ns := &p.UserNS
	if g.UID == cred.UnknownID || g.GID == cred.UnknownID || p.GroupsUnknown {
		return errors.New("an id of it is unknown: the user namespace of capsh does not show it")
	}
	own, err := self.UserNS()
	if err != nil {
		return err
	}
	if !own.UIDMap.OK && !ns.UIDMap.OK {
		return nil // a kernel without user namespaces
	}
	if !ns.UIDMap.OK || !ns.GIDMap.OK {
		return errors.New("its ids in its user namespace are unknown: the maps could not be read")
	}
	place := cred.Inside
	switch within(&own, ns) {
	case cred.Known[bool]{}:
		return errors.New("its ids in its user namespace are unknown: whether that is this one could not be found out")
	case cred.Is(true):
		place = asItIs
	}
	put := func(id *uint32, m []cred.IDRange) (ok bool) {
		*id, ok = place(m, *id)
		return ok
	}
	ok := put(&g.UID, ns.UIDMap.Value) && put(&g.GID, ns.GIDMap.Value)
	var groups []uint32
	for _, gid := range g.Groups {
		if gid != cred.UnknownID && put(&gid, ns.GIDMap.Value) {
			groups = append(groups, gid)
		}
	}
	g.Groups = groups
	if !ok {
		return errors.New("an id of it has no place in its user namespace")
	}
	return nil
}

// within says whether a user namespace is this process's own. Where its inode
// may not be read, the maps decide: those of this process's own namespace are shown
// with its parent's ids, all others with this process's (user_namespaces(7)). In the
// initial one both are the same.
func within(own, ns *cred.UserNS) cred.Known[bool] {
	same := own.Same(ns)
	if !same.OK && own.Initial().Value {
		return cred.Is(false)
	}
	return same
}

// asItIs is an id of this process's own user namespace; false for one that the map
// lacks: what the kernel showed then stands for all that are not in it.
func asItIs(m []cred.IDRange, id uint32) (uint32, bool) {
	_, ok := cred.Outside(m, id)
	return id, ok
}
