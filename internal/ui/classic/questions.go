package classic

import (
	"errors"
	"fmt"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// The actions that look: they change nothing.

func (s *session) print(string) error {
	return s.show(s.subjectsInFull, func(b []byte, state *cred.State) []byte {
		if !s.view.elsewhere() && !state.Securebits.OK {
			state.Securebits = cred.Is(^cred.Securebits(0)) // what libcap makes of prctl's -1
		}
		return Print(b, state, s.kernel(), s.shownNames())
	})
}

// shownNames are the names of users and groups as they are printed: raw as
// libcap's, but to a terminal with control characters escaped.
func (s *session) shownNames() report.Names {
	if s.out.IsTerminal() {
		return escapedNames{&s.names}
	}
	return &s.names
}

// escapedNames are names with control characters escaped.
type escapedNames struct{ names report.Names }

func (e escapedNames) User(uid uint32) string  { return term.Escape(e.names.User(uid)) }
func (e escapedNames) Group(gid uint32) string { return term.Escape(e.names.Group(gid)) }

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
	if err == self.ErrNoBounding && !s.view.json {
		err = nil // text has a word for it
	}
	if err != nil && !s.view.elsewhere() {
		return err
	}
	for _, p := range list {
		if s.view.json {
			s.out.Buf = schema.Append(s.out.Buf, schema.NewProcess(p.Process, Mode(&p.State, s.kernel())))
			continue
		}
		if !p.own {
			s.out.Buf = Header(s.out.Buf, p.Process)
		}
		s.out.Buf = text(s.out.Buf, &p.State)
	}
	return err
}

func (s *session) decode(value string) error {
	set, err := caps.ParseMask(maskIn(value))
	if err != nil {
		return fmt.Errorf("--decode: %w", err)
	}
	if s.view.json {
		s.out.Buf = schema.Append(s.out.Buf, schema.NewDecoded(set))
		return nil
	}
	s.out.Buf = Decoded(s.out.Buf, set)
	return nil
}

// maskIn is the mask in a text that may be a whole line of /proc/PID/status,
// "CapBnd:\t000001ffffffffff", with blanks around it.
func maskIn(text string) string {
	text = strings.Trim(text, " \t\r\n")
	for _, set := range []string{"Inh", "Prm", "Eff", "Bnd", "Amb"} {
		if mask, ok := strings.CutPrefix(text, "Cap"+set+":"); ok {
			return strings.TrimLeft(mask, " \t")
		}
	}
	return text
}

// ask is a question about capabilities of each subject: missing gives those for
// which the answer is no.
func (s *session) ask(option, value, no string, missing func(p *cred.State, asked caps.Set) caps.Set) error {
	asked, err := s.parseQuestion(option, value)
	if err != nil {
		return err
	}
	return s.answer(asked, no, missing)
}

func (s *session) answer(asked caps.Set, no string, missing func(p *cred.State, asked caps.Set) caps.Set) error {
	return s.each(func(p subject) error {
		switch not := missing(&p.State, asked); not.Len() {
		case 0:
			return nil
		case 1:
			return fmt.Errorf("%s%s is %s", p.about(), not, no)
		default:
			return fmt.Errorf("%s%s are %s", p.about(), not, no)
		}
	})
}

func (s *session) hasPermitted(value string) error {
	return s.ask("--has-p", value, "not permitted", func(p *cred.State, asked caps.Set) caps.Set { return asked &^ p.Permitted })
}

func (s *session) hasInheritable(value string) error {
	return s.ask("--has-i", value, "not inheritable", func(p *cred.State, asked caps.Set) caps.Set { return asked &^ p.Inheritable })
}

func (s *session) hasAmbient(value string) error {
	return s.ask("--has-a", value, "not ambient", func(p *cred.State, asked caps.Set) caps.Set { return asked &^ p.Ambient })
}

func (s *session) hasBounding(value string) error {
	return s.ask("--has-b", value, "not in the bounding set", func(p *cred.State, asked caps.Set) caps.Set { return asked &^ p.Bounding })
}

func (s *session) dropped(value string) error {
	asked, err := s.parseQuestion("--dropped", value)
	if err == nil {
		err = s.beyondKernel("--dropped", asked)
	}
	if err != nil {
		return err
	}
	return s.answer(asked, "in the bounding set", func(p *cred.State, asked caps.Set) caps.Set { return asked & p.Bounding })
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
			return errors.New(p.about() + "no_new_privs is unknown: the kernel does not report it")
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
	want, err := parseNumber(option, value)
	if err != nil {
		return err
	}
	return s.each(func(p subject) error {
		state := p.State
		if p.own { // as it is shown, which is libcap's answer
			if state, err = ownState(); err != nil {
				return err
			}
		}
		if got := id(&state); got == cred.UnknownID {
			return errors.New(p.about() + what + " is unknown: the user namespace of capsh does not show it")
		} else if got != want {
			return fmt.Errorf("%s%s is %d, not %d", p.about(), what, got, want)
		}
		return nil
	})
}

func (s *session) supports(value string) error {
	c, err := parseCap("--supports", value, notRecognized)
	switch k := s.kernel(); {
	case err != nil:
		return err
	case !k.Bounding:
		return errors.New("--supports: the kernel does not report which capabilities it has")
	case int(c) >= k.Bits:
		return fmt.Errorf("this kernel has no capability %s, its last is %s", c, caps.Cap(k.Bits-1))
	}
	return nil
}

func (s *session) mode(string) error {
	_, _ = s.subjectsInFull() // each returns the error, after those that could be read
	return s.each(func(p subject) error {
		mode := Mode(&p.State, s.kernel())
		if !p.own && !s.view.json {
			s.out.Buf = Identity(s.out.Buf, p.Process)
		}
		switch {
		case s.view.json:
			s.out.Buf = schema.Append(s.out.Buf, schema.NewMode(p.Process, mode))
		case mode.OK:
			s.out.Printf("Mode: %s\n", mode.Value)
		default:
			s.text("Mode: unknown\n")
		}
		return nil
	})
}

func (s *session) inMode(want string) error {
	_, _ = s.subjectsInFull() // each returns the error, after those that could be read
	return s.each(func(p subject) error {
		mode := Mode(&p.State, s.kernel())
		switch {
		case !mode.OK:
			return errors.New(p.about() + "mode is unknown: it depends on the securebits, which the kernel does not report here")
		case mode.Value.String() == want:
			return nil
		case s.view.json || !p.own:
			return fmt.Errorf("%smode is %s, not %q", p.about(), mode.Value, want)
		}
		s.out.Printf("mismatched mode got=%s want=%s\n", mode.Value, want)
		return errSaid
	})
}

func (s *session) modes(string) error {
	if s.view.json {
		s.out.Buf = schema.Append(s.out.Buf, schema.NewModes(cred.Modes()))
		return nil
	}
	s.text("Supported modes:")
	for _, m := range cred.Modes() {
		s.text(" " + m.String())
	}
	s.text("\n")
	return nil
}
