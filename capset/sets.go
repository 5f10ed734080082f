package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// setOptions say what each set, the securebits and no_new_privs are to be.
type setOptions struct {
	bounding, inheritable, permitted, ambient cred.Known[string]
	securebits                                cred.Known[string]
	lock, noNewPrivs, allowNewPrivs           bool
}

// resolve reads them, as changes of what this process has where they are that.
func (s *setOptions) resolve(r *plan.Request, from *cred.State) (err error) {
	r.Lock, r.AllowNewPrivs = s.lock, s.allowNewPrivs
	for _, set := range [...]struct {
		option string
		typed  cred.Known[string]
		now    caps.Set
		to     *cred.Known[caps.Set]
	}{
		{"--bounding", s.bounding, from.Bounding, &r.Bounding},
		{"--inheritable", s.inheritable, from.Inheritable, &r.Inheritable},
		{"--permitted", s.permitted, from.Permitted, &r.Permitted},
		{"--ambient", s.ambient, from.Ambient, &r.Ambient},
	} {
		if !set.typed.OK {
			continue
		}
		if set.to.Value, err = changed(word{set.option, set.typed.Value}, set.now); err != nil {
			return err
		}
		set.to.OK = true
	}
	if s.securebits.OK {
		if r.Securebits, err = s.bits(from); err != nil {
			err = fmt.Errorf("--securebits: %w", err)
		}
	}
	return err
}

// changed is now with setpriv's changes, or the list in their place.
func changed(w word, now caps.Set) (caps.Set, error) {
	if w.option == "--bounding" && w.text == "keep" {
		return now, nil
	}
	if !isChange(w.text) {
		return w.caps()
	}
	set, err := change(w.text, now, func(name string) (caps.Set, error) { return parseList(numbered(name)) })
	if err != nil {
		err = fmt.Errorf("%s: %w", w.option, err)
	}
	return set, err
}

// isChange says whether a text is of the form "+x,-y".
func isChange(text string) bool { return text != "" && (text[0] == '+' || text[0] == '-') }

// change is now with the changes "+x,-y", of which parse reads the names.
func change[S caps.Set | cred.Securebits](text string, now S, parse func(name string) (S, error)) (S, error) {
	for item := range strings.SplitSeq(text, ",") {
		if !isChange(item) || len(item) == 1 {
			return 0, fmt.Errorf("%q in %q must be +NAME or -NAME, as the first is", item, text)
		}
		bits, err := parse(item[1:])
		switch {
		case err != nil:
			return 0, err
		case item[0] == '+':
			now |= bits
		default:
			now &^= bits
		}
	}
	return now, nil
}

// numbered turns setpriv's "cap_13" into a number.
func numbered(name string) string {
	if digits, ok := strings.CutPrefix(strings.ToLower(name), "cap_"); ok && digits != "" && digits[0] <= '9' {
		return digits
	}
	return name
}

// bits reads --securebits: a number, a list, or changes.
func (s *setOptions) bits(from *cred.State) (none cred.Known[cred.Securebits], err error) {
	text := s.securebits.Value
	bits, clears, err := parseBits(text, from.Securebits)
	if err != nil {
		return none, err
	}
	const known = cred.SecurebitFlags | cred.SecurebitFlags<<1
	if unknown := bits &^ known; unknown != 0 {
		return none, fmt.Errorf("%q: no kernel knows %s", text, unknown)
	}
	if bits.Has(cred.KeepCaps) {
		return none, fmt.Errorf("%q sets keep_caps, which the execve clears", text)
	}
	if locked := clears & plan.Locks(from.AmbientSupported); s.lock && locked != 0 {
		return none, fmt.Errorf("%q clears what --lock sets: %s", text, locked)
	}
	return cred.Is(bits), nil
}

// parseBits reads all securebits or changes of those now. Clears are the bits
// that the text says are to be off; a list of names says that of none.
func parseBits(text string, now cred.Known[cred.Securebits]) (bits, clears cred.Securebits, err error) {
	switch {
	case !isChange(text):
		bits, err = cred.ParseSecurebits(text)
		if text == "none" || text[0] <= '9' { // or a number
			clears = ^bits
		}
		return bits, clears, err
	case !now.OK:
		return 0, 0, errors.New("the current securebits are unknown")
	case slices.Contains(strings.Split(text, ","), "+all"): // all locked, and there are some that nobody knows yet
		return 0, 0, errors.New(`"+all" is not allowed`)
	}
	if bits, err = change(text, now.Value, parseBit); err != nil {
		return 0, 0, err
	}
	left, err := change(text, ^cred.Securebits(0), parseBit)
	return bits, ^left, err
}

// parseBit reads the name of a securebit or "all".
func parseBit(name string) (cred.Securebits, error) {
	if name == "all" {
		return ^cred.Securebits(0), nil
	}
	return cred.ParseSecurebit(name)
}
