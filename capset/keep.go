package main

import (
	"fmt"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/schema"
)

// keepOptions say what to keep.
type keepOptions struct {
	words []word // --keep, --cap-add, --cap-drop in order
	from  cred.Known[string]
	// saved is the profile that --from names, where it is one of ours.
	saved *schema.Discovery
}

// resolve is what to keep.
func (k *keepOptions) resolve(from *cred.State) (caps.Set, error) {
	base, err := k.base(from)
	if err != nil {
		return 0, err
	}
	keep, dropped := base, false
	for _, w := range k.words {
		set, err := w.caps()
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
	return keep, k.checkOrder(base, keep)
}

// checkOrder compares what is kept with what Docker, which ignores the order of its
// options, would keep. A difference is an error: the options may have been copied from
// a docker command line, or be meant to act in order.
func (k *keepOptions) checkOrder(base, keep caps.Set) error {
	var add, drop dockerWords
	for _, w := range k.words {
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
		err = fmt.Errorf("--cap-drop: options are applied in order: capset would keep %s, whereas Docker, which ignores the order, would keep %s; %s",
			plan.Names(keep), plan.Names(docker), inOrder(add, drop))
	}
	return err
}

// inOrder says how to write Docker's words so that their order does not matter.
func inOrder(add, drop dockerWords) string {
	switch {
	case add.all && drop.all:
		return "use all in only one of the two"
	case add.all:
		return "put --cap-add=all first"
	}
	return "put --cap-drop first"
}

// refuseFlag refuses a --keep of 0 or 1: for capsh that is a switch, here it would be
// a capability.
func refuseFlag(w word) error {
	if w.option != "--keep" || w.text == "" || w.text[0] > '9' {
		return nil
	}
	n, err := caps.ParseUint(w.text, 32)
	if err != nil || n > 1 {
		return nil
	}
	return fmt.Errorf("--keep: %q: for the capability with that number write --keep=%s"+
		"; capsh's --keep=%s is the securebit keep_caps, which the execve clears", w.text, caps.Cap(n), w.text)
}

// base is what --from names.
func (k *keepOptions) base(from *cred.State) (caps.Set, error) {
	switch k.from.Value {
	case "", "none":
		return 0, nil
	case "current": // what can become inheritable
		return from.Permitted & (from.Bounding | from.Inheritable), nil
	}
	if set, ok := catalog.Default(k.from.Value); ok {
		return set, nil
	}
	set, saved, err := profile(k.from.Value)
	k.saved = saved
	return set, err
}

// caps reads the value as a list of capabilities.
func (w word) caps() (caps.Set, error) {
	set, err := parseList(w.text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", w.option, err)
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

// capList is the names of all capabilities of the kernel, one a line.
func capList() (string, error) {
	kernel, err := self.ReadKernel()
	var b []byte
	for c := range kernel.All().All() {
		b = append(append(b, c.String()...), '\n')
	}
	return string(b), err
}
