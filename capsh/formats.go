package main

import (
	"errors"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/export"
	"capsh/internal/ui/option"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// form is what the forms that can be pasted are to ask for.
type form struct {
	need cred.Known[string] // the list as it was typed
	keep caps.Set
}

// options adds those of the form, and the command's own, to the common ones.
func (f *form) options(c *common, own ...option.Option[setter]) []option.Option[setter] {
	c.forms = export.Formats()
	return c.options(append(own,
		value("need", func(v string) error { f.need = cred.Is(v); return nil }),
	)...)
}

// check reads --need, which is refused where nothing asks for it.
func (f *form) check(c *common) (err error) {
	if !f.need.OK {
		return nil
	}
	if c.form == "" {
		return errors.New("--need is for --format=docker and others that ask for capabilities")
	}
	if f.keep, err = caps.ParseList(f.need.Value, caps.First(kernelBits(c.proc))); err != nil {
		err = errors.New("--need: " + err.Error())
	}
	return err
}

// write puts out what the process holds, or needs, in a form, and warns of what
// that cannot give.
func (f *form) write(p *cred.Process, form, command string, out *term.Output) error {
	g := export.GrantOf(p)
	var warnings []string
	if f.need.OK {
		g.Keep = f.keep
	} else if warning := otherThreads(p); warning != "" {
		warnings = append(warnings, warning)
	}
	if err := insideIDs(&g, &p.UserNS); err != nil {
		return err
	}
	var more []string
	out.Buf, more = g.Format(out.Buf, form)
	warnings = append(warnings, more...)
	for _, w := range warnings {
		out.Message(command + ": warning: " + w)
	}
	return nil
}

// otherThreads warns of what other threads hold and is not asked for.
func otherThreads(p *cred.Process) string {
	more, who := report.MoreInThreads(p)
	switch {
	case more != 0:
		return who + " what this does not ask for: " + more.String()
	case p.TID == p.PID && p.Threads > 1 && !p.ThreadsRead:
		return "whether its other threads hold more is unknown"
	}
	return ""
}

// insideIDs turns ids as this process sees them into those of another's user
// namespace, which are what a container is told.
func insideIDs(g *export.Grant, ns *cred.UserNS) error {
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
	for i := range g.Groups {
		ok = ok && put(&g.Groups[i], ns.GIDMap.Value)
	}
	if !ok {
		return errors.New("an id of it has no place in its user namespace")
	}
	return nil
}

// within says whether a user namespace is this process's own. Who may not see
// which it is can tell by the maps: those of this process's own are shown as its
// parent has them, all others as this process does (user_namespaces(7)). In the
// first one both are the same.
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
