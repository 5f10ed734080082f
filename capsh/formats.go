package main

import (
	"errors"
	"slices"

	"capsh/internal/caps"
	"capsh/internal/cred"
	"capsh/internal/option"
	"capsh/internal/probe"
	"capsh/internal/render"
)

// form is a form that can be pasted, and what to ask for in it.
type form struct {
	name    string // "" is text or JSON
	need    caps.Set
	hasNeed bool
}

// options adds those of the form, and the command's own, to the common ones.
func (f *form) options(c *common, own ...option.Option[setter]) []option.Option[setter] {
	return c.options(append(own,
		value("format", func(v string) error {
			c.json, f.name = v == "json", v
			if v == "json" || v == "text" {
				f.name = ""
			}
			return oneOf(v, forms()...)
		}),
		value("need", func(v string) (err error) {
			f.need, err = caps.ParseList(v, caps.First(probe.KernelBits()))
			f.hasNeed = true
			return err
		}),
	)...)
}

// forms are what --format takes.
func forms() []string { return append([]string{"text", "json"}, render.Formats()...) }

// check refuses --need where nothing asks for it.
func (f *form) check() error {
	if f.hasNeed && f.name == "" {
		return errors.New("--need is for --format=docker and others that ask for capabilities")
	}
	return nil
}

// write puts out what the process holds, or needs, and warns of what the form
// cannot give.
func (f *form) write(p *cred.Process, command string, out *output) error {
	g := render.GrantOf(p)
	var warnings []string
	if f.hasNeed {
		g.Keep = f.need
	} else if warning := otherThreads(p); warning != "" {
		warnings = append(warnings, warning)
	}
	if err := insideIDs(&g, &p.UserNS); err != nil {
		return err
	}
	var more []string
	out.buf, more = g.Format(out.buf, f.name)
	warnings = append(warnings, more...)
	for _, w := range warnings {
		out.complain(command + ": warning: " + w)
	}
	return nil
}

// otherThreads warns of what other threads hold and is not asked for.
func otherThreads(p *cred.Process) string {
	more, who := render.MoreInThreads(p)
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
func insideIDs(g *render.Grant, ns *cred.UserNS) error {
	own, err := probe.SelfUserNS()
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
	switch {
	case own.Inode.OK && ns.Inode.OK:
		return cred.Is(own.Inode == ns.Inode)
	case own.Initial().Value, !slices.Equal(own.UIDMap.Value, ns.UIDMap.Value), !slices.Equal(own.GIDMap.Value, ns.GIDMap.Value):
		return cred.Is(false)
	}
	return cred.Known[bool]{}
}

// asItIs is an id of this process's own user namespace; false for one that the map
// lacks: what the kernel showed then stands for all that are not in it.
func asItIs(m []cred.IDRange, id uint32) (uint32, bool) {
	_, ok := cred.Outside(m, id)
	return id, ok
}
