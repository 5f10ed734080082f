package classic

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"capsh/internal/linux/apply"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

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
	return cmp.Or(change(), setSets(&before, before.Effective))
}

// raise puts c into the effective set.
func raise(now *cred.State, c caps.Cap) error {
	if !now.Permitted.Has(c) {
		return fmt.Errorf("raise %s: it is not in the permitted set", c)
	}
	if err := setSets(now, now.Effective|c.Set()); err != nil {
		return fmt.Errorf("raise %s: %w", c, err)
	}
	return nil
}

// setSets sets the sets that capset(2) can, with another effective set.
func setSets(s *cred.State, effective caps.Set) error {
	return apply.Capset(effective, s.Permitted, s.Inheritable)
}

// setSetsRaising sets E, P and I. Unless --strict, CAP_SETPCAP is raised first,
// where it can be: new inheritable capabilities need it.
func (s *session) setSetsRaising(option string, next caps.EPI) error {
	now, err := ownState()
	if err != nil {
		return err
	}
	if !s.strict && !now.Effective.Has(caps.Setpcap) {
		// Only some changes need it.
		if setSets(&now, now.Effective|caps.Setpcap.Set()) == nil {
			now.Effective |= caps.Setpcap.Set()
		}
	}
	err = refused(apply.Capset(next.Effective, next.Permitted, next.Inheritable), plan.Capset{EPI: next}, &now)
	if err != nil {
		err = fmt.Errorf("%s: %w", option, err)
	}
	return err
}

// refused adds to the error of a call the kernel's rule that forbids it.
func refused(err error, step plan.Step, now *cred.State) error {
	var call *apply.Error
	var why *plan.Failure
	if errors.As(err, &call) && call.Errno == unix.EPERM && errors.As(step.Simulate(now), &why) {
		call.Hint, call.Needs = why.Why, why.Needs
	}
	return err
}

func (s *session) setCaps(text string) error {
	next, err := caps.ParseText(text, s.kernel().Bits)
	if err != nil {
		return fmt.Errorf("--caps: %w", err)
	}
	if err := s.beyondKernel("--caps", next.Effective|next.Permitted|next.Inheritable); err != nil {
		return err
	}
	return s.setSetsRaising("--caps", next)
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
	return s.setSetsRaising("--inh", caps.EPI{Effective: now.Effective, Permitted: now.Permitted, Inheritable: inheritable})
}

// parseClassicList reads a list as the set text of cap_from_text(3) has it; flags
// are ignored with a message.
func (s *session) parseClassicList(option, list string) (caps.Set, error) {
	set, err := caps.ParseTextList(s.withoutFlags(option, list), s.kernel().Bits)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", option, err)
	}
	return set, s.beyondKernel(option, set)
}

// eachNamed calls change for each capability of a list: all that the kernel has
// for "all", otherwise the names between commas, from left to right, so that
// those before a bad one have been acted on.
func (s *session) eachNamed(option, list string, change func(caps.Cap) error) error {
	if list == "all" {
		all, err := s.supported()
		for c := range all.All() {
			if err == nil {
				err = change(c)
			}
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", option, err)
		}
		return err
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
			return fmt.Errorf("%s: %w", option, err)
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
	return s.eachNamed("--addamb", list, func(c caps.Cap) error {
		now, err := ownState()
		if err != nil {
			return err
		}
		return refused(apply.RaiseAmbient(c), plan.RaiseAmbient{Set: c.Set()}, &now)
	})
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
		return fmt.Errorf("--iab: %w", err)
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
		return fmt.Errorf("--iab: %w", err)
	}
	return cmp.Or(applyIAB(want, drop), apply.Capset(now.Effective, now.Permitted, want.Inheritable))
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
	return withNumber("--secbits", value, func(n uint32) error { return apply.Securebits(cred.Securebits(n)) })
}

func (s *session) setKeepCaps(value string) error {
	if _, err := caps.ParseList(value, 0); err == nil && value != "" && !strings.Contains("0123456789", value[:1]) {
		return fmt.Errorf("--keep=0|1 is the securebit keep_caps; for a command that keeps capabilities: capset --keep=%s -- COMMAND", value)
	}
	return withNumber("--keep", value, apply.KeepCaps)
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
			s.out.Printf("failed to set mode [%s]: %s\n", name, strerror(err))
			return errSaid
		}
		return nil
	}
	s.out.Printf("unsupported mode: %s\n", name)
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
	return cmp.Or(err, apply.Capset(0, next.Permitted, next.Inheritable))
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
	err = cmp.Or(err, allErr)
	for c := range all.All() {
		err = cmp.Or(err, apply.DropBounding(c))
	}
	return cmp.Or(err, apply.NoNewPrivs())
}

// strerror is the reason as libcap prints it on stdout: the C library's text.
func strerror(err error) string {
	errno := unix.EINVAL
	errors.As(err, &errno)
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
