package main

import (
	"errors"

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
			return oneOf(v, append([]string{"text", "json"}, render.Formats()...)...)
		}),
		value("need", func(v string) (err error) {
			f.need, err = caps.ParseList(v, caps.First(probe.KernelBits()))
			f.hasNeed = true
			return err
		}),
	)...)
}

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
	if f.hasNeed {
		g.Keep = f.need
	}
	if err := insideIDs(&g, &p.UserNS); err != nil {
		return err
	}
	var warnings []string
	out.buf, warnings = g.Format(out.buf, f.name)
	for _, w := range warnings {
		out.complain(command + ": warning: " + w)
	}
	return nil
}

// insideIDs turns ids as this process sees them into those of another's user
// namespace, which are what a container is told.
func insideIDs(g *render.Grant, ns *cred.UserNS) error {
	own, err := probe.SelfUserNS()
	if err != nil || !ns.Inode.OK || ns.Inode == own.Inode {
		return err
	}
	if !ns.UIDMap.OK || !ns.GIDMap.OK {
		return errors.New("its ids in its user namespace are unknown: the maps could not be read")
	}
	ok := inside(&g.UID, ns.UIDMap.Value) && inside(&g.GID, ns.GIDMap.Value)
	for i := range g.Groups {
		ok = ok && inside(&g.Groups[i], ns.GIDMap.Value)
	}
	if !ok {
		return errors.New("an id of it has no place in its user namespace")
	}
	return nil
}

// inside replaces an outside id by the inside one; false where the map has none.
func inside(id *uint32, m []cred.IDRange) (ok bool) {
	*id, ok = cred.Inside(m, *id)
	return ok
}
