package main

import (
	"errors"
	"slices"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// resolveCaps works out what to keep, and the sets that were given.
func (l *launch) resolveCaps(from *cred.State) error {
	base, err := l.base(from)
	if err != nil {
		return err
	}
	if l.request.Keep, err = l.kept(base); err != nil {
		return err
	}
	for _, w := range l.sets {
		if err := l.resolveSet(w, from); err != nil {
			return err
		}
	}
	return l.resolveBits(from)
}

// kept is the base with the changes of --keep, --cap-add and --cap-drop in order.
func (l *launch) kept(base caps.Set) (caps.Set, error) {
	keep, dropped := base, false
	for _, w := range l.caps {
		set, err := list(w.option, w.text)
		if err == nil {
			err = refuseFlag(w)
		}
		switch {
		case err != nil:
			return 0, err
		case w.option == "--cap-drop":
			keep, dropped = keep&^set, true
		default:
			keep |= set
		}
	}
	if !dropped {
		return keep, nil
	}
	return keep, l.checkOrder(base, keep)
}

// checkOrder compares what is kept with what Docker would keep, to which the order
// is nothing. Where they differ, either who pasted Docker's words or who counts on
// their order would be wrong.
func (l *launch) checkOrder(base, keep caps.Set) error {
	var add, drop dockerWords
	for _, w := range l.caps {
		words := &add
		if w.option == "--cap-drop" {
			words = &drop
		}
		for word := range strings.SplitSeq(w.text, ",") {
			if err := words.add(word); err != nil {
				return err
			}
		}
	}
	docker, err := dockerKeeps(base, add, drop)
	if err == nil && docker != keep {
		err = errors.New("--cap-drop: in this order " + plan.Names(keep) + " would be kept, by Docker's rules, which know no order, " + plan.Names(docker))
	}
	return err
}

// refuseFlag refuses a --keep of 0 or 1: to capsh that is a switch, to us a
// capability, and who means the one would silently have the other.
func refuseFlag(w word) error {
	n, err := caps.ParseUint(w.text, 32)
	if w.option != "--keep" || err != nil || n > 1 {
		return nil
	}
	c := caps.Cap(n).String()
	return errors.New("--keep " + quote(w.text) + ": for the capability with that number write --keep=" + c +
		"; capsh's --keep=" + w.text + " is the securebit keep_caps, which the execve clears")
}

// base is what --from names.
func (l *launch) base(from *cred.State) (caps.Set, error) {
	switch l.from {
	case "", "none":
		return 0, nil
	case "current": // what can be handed on
		return from.Permitted & (from.Bounding | from.Inheritable), nil
	}
	if set, ok := catalog.Default(l.from); ok {
		return set, nil
	}
	return profile(l.from)
}

// list reads a list of capabilities of an option.
func list(option, text string) (caps.Set, error) {
	set, err := parseList(text)
	if err != nil {
		return 0, errors.New(option + ": " + err.Error())
	}
	return set, nil
}

// parseList reads a list. The kernel is asked for what it has only where the text
// may say "all".
func parseList(text string) (all caps.Set, err error) {
	if strings.Contains(strings.ToLower(text), "all") {
		kernel, err := self.ReadKernel()
		if err != nil {
			return 0, err
		}
		all = kernel.All()
	}
	return caps.ParseList(text, all)
}

// resolveSet reads one of the five sets: a list, or setpriv's changes to the set
// that this process has.
func (l *launch) resolveSet(w word, from *cred.State) error {
	var now caps.Set
	var to *cred.Known[caps.Set]
	switch w.option {
	case "--bounding":
		now, to = from.Bounding, &l.request.Bounding
	case "--inheritable":
		now, to = from.Inheritable, &l.request.Inheritable
	case "--permitted":
		now, to = from.Permitted, &l.request.Permitted
	case "--ambient":
		now, to = from.Ambient, &l.request.Ambient
	}
	if to.OK {
		return errors.New(w.option + " is given twice")
	}
	set, err := changed(w, now)
	*to = cred.Is(set)
	return err
}

// changed is now with the changes of an option, or the list in their place.
func changed(w word, now caps.Set) (caps.Set, error) {
	if !isChange(w.text) {
		return list(w.option, w.text)
	}
	set, err := change(w.text, now, func(name string) (caps.Set, error) { return parseList(numbered(name)) })
	if err != nil {
		err = errors.New(w.option + ": " + err.Error())
	}
	return set, err
}

// isChange says whether a text is of the form "+x,-y".
func isChange(text string) bool { return text != "" && (text[0] == '+' || text[0] == '-') }

// change is now with the changes "+x,-y", of which parse reads the names.
func change[S caps.Set | cred.Securebits](text string, now S, parse func(name string) (S, error)) (S, error) {
	for item := range strings.SplitSeq(text, ",") {
		if !isChange(item) || len(item) == 1 {
			return 0, errors.New(quote(item) + " in " + quote(text) + " must be +NAME or -NAME, as the first is")
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

// resolveBits reads --securebits: a number, a list, or changes.
func (l *launch) resolveBits(from *cred.State) error {
	text := l.bits.text
	if !l.bits.given {
		return nil
	}
	fail := func(why string) error { return errors.New("--securebits: " + why) }
	if text == "" {
		return fail(`the value is empty, write "none" for no bit`)
	}
	bits, clears, err := parseBits(text, from.Securebits)
	if err != nil {
		return fail(err.Error())
	}
	const known = cred.SecurebitFlags | cred.SecurebitFlags<<1
	if unknown := bits &^ known; unknown != 0 {
		return fail(quote(text) + ": no kernel knows " + unknown.String())
	}
	if bits.Has(cred.KeepCaps) {
		return fail(quote(text) + " sets keep_caps, which the execve clears")
	}
	if locked := clears & plan.Locks(from.AmbientSupported); l.request.Lock && locked != 0 {
		return fail(quote(text) + " takes away what --lock sets: " + locked.String())
	}
	l.request.Securebits = cred.Is(bits)
	return nil
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

// capList is the names of all capabilities of the kernel, one a line.
func capList() (string, error) {
	kernel, err := self.ReadKernel()
	var b []byte
	for c := range kernel.All().All() {
		b = append(append(b, c.String()...), '\n')
	}
	return string(b), err
}
