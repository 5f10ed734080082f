package classic

import (
	"errors"
	"strings"

	"capsh/internal/linux/apply"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// The actions that change the capability sets and securebits of this process.

// raised runs change with c in the effective set and puts the sets back after.
// It is an error where c is not permitted.
func raised(c caps.Cap, change func() error) error {
	before, err := ownState()
	if err != nil {
		return err
	}
	if err := raise(&before, c); err != nil {
		return err
	}
	err = change()
	if restoreErr := setSets(&before, before.Effective); err == nil {
		err = restoreErr
	}
	return err
}

// raise puts c into the effective set.
func raise(now *cred.State, c caps.Cap) error {
	if !now.Permitted.Has(c) {
		return errors.New("raise " + c.String() + ": it is not in the permitted set")
	}
	if err := setSets(now, now.Effective|c.Set()); err != nil {
		return errors.New("raise " + c.String() + ": " + err.Error())
	}
	return nil
}

// setSets sets the sets that capset(2) can, with another effective set.
func setSets(s *cred.State, effective caps.Set) error {
	return apply.Capset(effective, s.Permitted, s.Inheritable)
}

// setSetsRaising sets E, P and I. Unless --strict, CAP_SETPCAP is raised first,
// where it can be: new inheritable capabilities need it.
func (s *session) setSetsRaising(next caps.EPI) error {
	now, err := ownState()
	if err != nil {
		return err
	}
	if !s.strict && !now.Effective.Has(caps.Setpcap) {
		_ = setSets(&now, now.Effective|caps.Setpcap.Set()) // only some changes need it
	}
	return apply.Capset(next.Effective, next.Permitted, next.Inheritable)
}

func (s *session) setCaps(text string) error {
	next, err := caps.ParseText(text, s.kernel().Bits)
	if err != nil {
		return errors.New("--caps: " + err.Error())
	}
	if err := s.beyondKernel("--caps", next.Effective|next.Permitted|next.Inheritable); err != nil {
		return err
	}
	return s.setSetsRaising(next)
}

func (s *session) setInheritable(list string) error {
	var inheritable caps.Set
	if list != "" && list != "none" {
		var err error
		if inheritable, err = s.parseClassicList("--inh", list); err != nil {
			return err
		}
	}
	now, err := ownState()
	if err != nil {
		return err
	}
	return s.setSetsRaising(caps.EPI{Effective: now.Effective, Permitted: now.Permitted, Inheritable: inheritable})
}

// parseClassicList reads a list as the set text of cap_from_text(3) has it, and
// nothing else of that text: no blanks, and flags are ignored with a message.
func (s *session) parseClassicList(option, list string) (caps.Set, error) {
	list = s.withoutFlags(option, list)
	if i := strings.IndexAny(list, "=+- \t\n\v\f\r"); i >= 0 {
		return 0, errors.New(option + ": " + quote(list) + " is not a list of capabilities: it has " + quote(list[i:i+1]))
	}
	set, err := caps.ParseText(list+"=i", s.kernel().Bits)
	if err != nil {
		return 0, errors.New(option + ": " + err.Error())
	}
	return set.Inheritable, s.beyondKernel(option, set.Inheritable)
}

// eachNamed calls change for each capability of a list: all that the kernel has
// for "all", otherwise the names between commas, from left to right, so that
// those before a bad one have been acted on.
func (s *session) eachNamed(option, list string, change func(caps.Cap) error) error {
	if list == "all" {
		all, err := s.supported()
		if err != nil {
			return errors.New(option + ": " + err.Error())
		}
		for c := range all.All() {
			if err := change(c); err != nil {
				return errors.New(option + ": " + err.Error())
			}
		}
		return nil
	}
	for name := range strings.SplitSeq(s.withoutFlags(option, list), ",") {
		if name == "" {
			continue // libcap's, by strtok(3)
		}
		c, err := parseCap(option, name, notKnown)
		if err != nil {
			return err
		}
		if err := change(c); err != nil {
			return errors.New(option + ": " + err.Error())
		}
	}
	return nil
}

func (s *session) dropBounding(list string) error {
	return s.eachNamed("--drop", list, func(c caps.Cap) error {
		if s.strict {
			return apply.DropBounding(c)
		}
		return raised(caps.Setpcap, func() error { return apply.DropBounding(c) })
	})
}

func (s *session) addAmbient(list string) error {
	return s.eachNamed("--addamb", list, apply.RaiseAmbient)
}

func (s *session) delAmbient(list string) error {
	if list == "all" {
		return clearAmbient()
	}
	return s.eachNamed("--delamb", list, apply.LowerAmbient)
}

func (s *session) clearAmbient(string) error { return clearAmbient() }

// clearAmbient does nothing where nothing is ambient, so that it works where
// the kernel has no ambient set.
func clearAmbient() error {
	now, err := ownState()
	if err != nil || now.Ambient == 0 {
		return err
	}
	return apply.ClearAmbient()
}

// setIAB sets the inheritable, ambient and bounding sets in one go, raising
// CAP_SETPCAP where that needs it: for new inheritable capabilities and for
// those to be dropped that are not dropped yet.
func (s *session) setIAB(text string) error {
	want, err := caps.ParseIAB(text)
	if err != nil {
		return errors.New("--iab: " + err.Error())
	}
	if err := s.beyondKernel("--iab", want.Inheritable|want.Ambient|want.Dropped); err != nil {
		return err
	}
	now, err := ownState()
	if err != nil {
		return err
	}
	drop := want.Dropped
	if s.kernel().Bounding {
		drop &= now.Bounding
	}
	effective := now.Effective
	if drop != 0 || !(now.Permitted | now.Inheritable).Contains(want.Inheritable) {
		effective |= caps.Setpcap.Set()
	}
	if err := apply.Capset(effective, now.Permitted, want.Inheritable); err != nil {
		return errors.New("--iab: " + err.Error())
	}
	err = applyIAB(want, drop)
	if restoreErr := apply.Capset(now.Effective, now.Permitted, want.Inheritable); err == nil {
		err = restoreErr
	}
	return err
}

func applyIAB(want caps.IAB, drop caps.Set) error {
	if err := clearAmbient(); err != nil {
		return err
	}
	for c := range want.Ambient.All() {
		if err := apply.RaiseAmbient(c); err != nil {
			return err
		}
	}
	for c := range drop.All() {
		if err := apply.DropBounding(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) setSecurebits(value string) error {
	bits, err := parseID("--secbits", value)
	if err != nil {
		return err
	}
	return apply.Securebits(cred.Securebits(bits))
}

func (s *session) setKeepCaps(value string) error {
	v, err := parseID("--keep", value)
	if err != nil {
		return err
	}
	return apply.KeepCaps(v)
}

func (s *session) setNoNewPrivs(string) error { return apply.NoNewPrivs() }

// setMode puts the process into one of libcap's modes. As with libcap the
// effective set is empty afterwards, whether that went well or not.
func (s *session) setMode(name string) error {
	for _, m := range cred.Modes() {
		if m.String() != name {
			continue
		}
		if err := s.enterMode(m); err != nil {
			s.text("failed to set mode [" + name + "]: " + strerror(err) + "\n")
			return errSaid
		}
		return nil
	}
	s.text("unsupported mode: " + name + "\n")
	return errSaid
}

// enterMode is cap_set_mode(3): securebits need CAP_SETPCAP, and what comes
// after them is done also where they failed.
func (s *session) enterMode(m cred.Mode) error {
	now, err := ownState()
	if err != nil {
		return err
	}
	next := caps.EPI{Permitted: now.Permitted, Inheritable: now.Inheritable}
	if err = setSets(&now, now.Effective|caps.Setpcap.Set()); err == nil {
		if m == cred.ModeNoPriv || m == cred.ModePure1EInit {
			next.Inheritable = 0
		}
		err = s.modeBits(m, now.AmbientSupported)
		if m == cred.ModeNoPriv {
			next.Permitted = 0
		}
	}
	if finalErr := apply.Capset(0, next.Permitted, next.Inheritable); err == nil {
		err = finalErr
	}
	return err
}

// modeBits does what of a mode lies beside the sets of capset(2).
func (s *session) modeBits(m cred.Mode, ambientSupported bool) error {
	if m == cred.ModeHybrid {
		return apply.Securebits(0)
	}
	if ambientSupported {
		if err := clearAmbient(); err != nil {
			return err
		}
	}
	err := apply.Securebits(cred.PureSecurebits(ambientSupported))
	if m != cred.ModeNoPriv {
		return err
	}
	all, allErr := s.supported()
	if err == nil {
		err = allErr
	}
	for c := range all.All() {
		if dropErr := apply.DropBounding(c); err == nil {
			err = dropErr
		}
	}
	if nnpErr := apply.NoNewPrivs(); err == nil {
		err = nnpErr
	}
	return err
}

// strerror is the reason as libcap prints it on stdout: the C library's text.
func strerror(err error) string {
	errno := errnoOf(err)
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.EINVAL
}
