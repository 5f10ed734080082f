package classic

import (
	"errors"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/schema"
)

// The actions that look: they change nothing.

func (s *session) print(string) error {
	return s.show(s.subjectsInFull, func(b []byte, state *cred.State) []byte {
		return Print(b, state, s.kernel(), &s.names)
	})
}

func (s *session) current(string) error {
	list := s.subjects
	if s.view.json {
		list = s.subjectsInFull // text has no securebits
	}
	return s.show(list, func(b []byte, state *cred.State) []byte {
		return Current(b, state, s.kernel())
	})
}

// show puts out each subject, as an object or with text; one other than this
// process is named first.
func (s *session) show(subjects func() ([]subject, error), text func(b []byte, state *cred.State) []byte) error {
	list, err := subjects()
	if err != nil && (err != self.ErrNoBounding || s.view.json) { // text has a word for it
		return err
	}
	for _, p := range list {
		if s.view.json {
			s.out.Buf = schema.Line(s.out.Buf, func(j *schema.JSON) { j.Process(p.Process, Mode(&p.State, s.kernel())) })
			continue
		}
		if !p.own {
			s.out.Buf = Header(s.out.Buf, p.Process)
		}
		s.out.Buf = text(s.out.Buf, &p.State)
	}
	return nil
}

func (s *session) decode(value string) error {
	set, err := caps.ParseMask(value)
	if err != nil {
		return errors.New("--decode: " + err.Error())
	}
	if s.view.json {
		s.out.Buf = schema.Line(s.out.Buf, func(j *schema.JSON) { j.Decoded(set) })
		return nil
	}
	s.out.Buf = Decoded(s.out.Buf, set)
	return nil
}

// ask is a question about one capability of each subject.
func (s *session) ask(option, value, no string, has func(p *cred.State, c caps.Cap) bool) error {
	c, err := parseCap(option, value)
	if err != nil {
		return err
	}
	return s.each(func(p subject) error {
		if !has(&p.State, c) {
			return errors.New(p.about() + c.String() + no)
		}
		return nil
	})
}

func (s *session) hasPermitted(value string) error {
	return s.ask("--has-p", value, " is not permitted", func(p *cred.State, c caps.Cap) bool { return p.Permitted.Has(c) })
}

func (s *session) hasInheritable(value string) error {
	return s.ask("--has-i", value, " is not inheritable", func(p *cred.State, c caps.Cap) bool { return p.Inheritable.Has(c) })
}

func (s *session) hasAmbient(value string) error {
	return s.ask("--has-a", value, " is not ambient", func(p *cred.State, c caps.Cap) bool { return p.Ambient.Has(c) })
}

func (s *session) hasBounding(value string) error {
	return s.ask("--has-b", value, " is not in the bounding set", func(p *cred.State, c caps.Cap) bool { return p.Bounding.Has(c) })
}

func (s *session) dropped(value string) error {
	if c, err := caps.ParseName(value); err == nil {
		if err := s.beyondKernel("--dropped", c.Set()); err != nil {
			return err
		}
	}
	return s.ask("--dropped", value, " is in the bounding set", func(p *cred.State, c caps.Cap) bool { return !p.Bounding.Has(c) })
}

func (s *session) ambientSupported(string) error {
	return s.each(func(p subject) error {
		if !p.AmbientSupported {
			return errors.New(p.about() + "this kernel has no ambient set")
		}
		return nil
	})
}

func (s *session) hasNoNewPrivs(string) error {
	return s.each(func(p subject) error {
		switch {
		case !p.NoNewPrivs.OK:
			return errors.New(p.about() + "no_new_privs is unknown: the kernel does not tell")
		case !p.NoNewPrivs.Value:
			return errors.New(p.about() + "no_new_privs is not set")
		}
		return nil
	})
}

func (s *session) isUID(value string) error {
	return s.isID("--is-uid", value, "uid", func(p *cred.State) uint32 { return p.UID.Real })
}

func (s *session) isGID(value string) error {
	return s.isID("--is-gid", value, "gid", func(p *cred.State) uint32 { return p.GID.Real })
}

func (s *session) isID(option, value, what string, id func(p *cred.State) uint32) error {
	want, err := parseID(option, value)
	if err != nil {
		return err
	}
	return s.each(func(p subject) error {
		if got := id(&p.State); got != want {
			return errors.New(p.about() + what + " is " + itoa(got) + ", not " + itoa(want))
		}
		return nil
	})
}

func (s *session) supports(value string) error {
	c, err := parseCap("--supports", value)
	switch k := s.kernel(); {
	case err != nil:
		return err
	case !k.Bounding:
		return errors.New("--supports: the kernel does not tell which capabilities it has")
	case int(c) >= k.Bits:
		return errors.New("this kernel has no capability " + c.String() + ", its last is " + caps.Cap(k.Bits-1).String())
	}
	return nil
}

func (s *session) mode(string) error {
	if _, err := s.subjectsInFull(); err != nil {
		return err
	}
	return s.each(func(p subject) error {
		mode := Mode(&p.State, s.kernel())
		if !p.own && !s.view.json {
			s.out.Buf = Identity(s.out.Buf, p.Process)
		}
		switch {
		case s.view.json:
			s.out.Buf = schema.Line(s.out.Buf, func(j *schema.JSON) { j.Mode(p.Process, mode) })
		case mode.OK:
			s.text("Mode: " + mode.Value.String() + "\n")
		default:
			s.text("Mode: unknown\n")
		}
		return nil
	})
}

func (s *session) inMode(want string) error {
	if _, err := s.subjectsInFull(); err != nil {
		return err
	}
	return s.each(func(p subject) error {
		mode := Mode(&p.State, s.kernel())
		switch {
		case !mode.OK:
			return errors.New(p.about() + "mode is unknown: it depends on the securebits, which the kernel does not tell here")
		case mode.Value.String() == want:
			return nil
		case s.view.json || !p.own:
			return errors.New(p.about() + "mode is " + mode.Value.String() + ", not " + quote(want))
		}
		s.text("mismatched mode got=" + mode.Value.String() + " want=" + want + "\n")
		return ErrSaid
	})
}

func (s *session) modes(string) error {
	if s.view.json {
		s.out.Buf = schema.Line(s.out.Buf, func(j *schema.JSON) { j.Modes(cred.Modes()) })
		return nil
	}
	s.text("Supported modes:")
	for _, m := range cred.Modes() {
		s.text(" " + m.String())
	}
	s.text("\n")
	return nil
}
