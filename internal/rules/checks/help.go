package checks

import (
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Help says what would have granted a check that was denied, by the state of the
// process: a sentence without a full stop. For a process that has ended, the state is
// that of its parent, or unknown.
func Help(c *Check, v *Verdict, state *cred.Known[cred.State], ended bool) string {
	name := c.Cap.String()
	s := &state.Value
	own := s.UserNS.Inode
	if c.UserNS != 0 { // what it was at the check, even if it has ended
		own = cred.Is(c.UserNS)
	}
	switch {
	case outOfReach(c.Namespace, own):
		return fmt.Sprintf("its capabilities have effect only in its own user namespace (%d): run it without one", own.Value)
	case !state.OK:
		return "start it with " + name + " effective" + or(v.Alternatives)
	case ended && s.Permitted.Has(c.Cap): // it had lost what its parent has
		return "start it with " + name + " effective" + or(v.Alternatives)
	case s.Effective.Has(c.Cap):
		return name + " is effective by now: its credentials have changed since, or those of another one were checked"
	case s.Permitted.Has(c.Cap):
		return name + " is permitted but not effective: the program must raise it"
	case !s.Bounding.Has(c.Cap):
		return name + " is not in the bounding set: add it where that was set, as with --cap-add=" + c.Cap.AddWord() + or(v.Alternatives)
	case s.NoNewPrivs.Value:
		return name + " is not permitted: start it with " + name + " ambient; under no_new_privs no file gives it" + or(v.Alternatives)
	}
	return name + " is not permitted: start it with " + name + " ambient, or from a file that has it" + or(v.Alternatives)
}

// outOfReach reports a check in a namespace that is not below a process's own, as far
// as that is known: the initial one is below no other.
func outOfReach(in Namespace, own cred.Known[uint64]) bool {
	return in.Kind == Initial && own.OK && own.Value != cred.InitialUserNS
}

// or is the end of a sentence: what would do as well.
func or(set caps.Set) string {
	if set == 0 {
		return ""
	}
	var names []string
	for c := range set.All() {
		names = append(names, c.String())
	}
	return " (" + strings.Join(names, " or ") + " would do too)"
}
