package report

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// fewNames is how many capabilities of a change are named, rather than counted.
const fewNames = 3

// noNumber is to name no capability, and no user namespace by its number either.
const noNumber = -1

// changes is in what a process differs from its parent: what it has more and less,
// and which other sets and flags are not the same. Of at most few capabilities it
// has the names.
func (t *Tree) changes(n *Branch, few int) string {
	if n.Parent == nil {
		return ""
	}
	from, to := n.Parent, n.Listed
	var list []string
	say := func(s term.Style, text string) { list = append(list, t.Color.Paint(s, text)) }
	some := func(s term.Style, label string, set caps.Set, few int) {
		switch count := set.Len(); {
		case count > few && count > 0:
			say(s, fmt.Sprintf("%s%d", label, count))
		case count > 0:
			say(s, label+shortNames(set, t.First, count))
		}
	}
	gain := styleGain
	if to.Foreign.Value {
		gain = styleForeign
	}
	some(gain, "+", Gained(from, to), few)
	some(term.Dim, "-", Gained(to, from), few)
	few = min(few, 1)
	some(styleMark, "inh +", to.Inheritable&^from.Inheritable, few)
	some(term.Dim, "inh -", from.Inheritable&^to.Inheritable, few)
	some(styleMark, "amb +", to.Ambient&^from.Ambient, few)
	some(term.Dim, "amb -", from.Ambient&^to.Ambient, few)
	some(styleMark, "bnd +", to.Bounding&^from.Bounding, few)
	some(term.Dim, "bnd -", from.Bounding&^to.Bounding, few)
	if from.NoNewPrivs != to.NoNewPrivs && to.NoNewPrivs.OK {
		word := "nnp"
		if !to.NoNewPrivs.Value {
			word = "not nnp"
		}
		say(term.Dim, word)
	}
	if to.UserNS.Same(&from.UserNS) == cred.Is(false) {
		text := "userns"
		if to.UserNS.Inode.OK && few > noNumber {
			text = fmt.Sprintf("userns %d", to.UserNS.Inode.Value)
		}
		say(styleForeign, text)
	}
	if len(list) == 0 {
		return ""
	}
	return gap + "(" + strings.Join(list, ", ") + ")"
}

// Gained is what a process may use or raise that its parent may not.
func Gained(from, to *Listed) caps.Set {
	return (to.Effective | to.Permitted) &^ (from.Effective | from.Permitted)
}

// Alike reports that two processes can share a line.
func Alike(a, b *Listed) bool {
	return (a.KernelThread.Value && b.KernelThread.Value || a.Name == b.Name && a.KernelThread == b.KernelThread) &&
		a.Sets == b.Sets && a.UID.Effective == b.UID.Effective && a.NoNewPrivs == b.NoNewPrivs &&
		a.UserNS.Inode == b.UserNS.Inode && slices.Equal(a.UserNS.UIDMap.Value, b.UserNS.UIDMap.Value) && a.Foreign == b.Foreign &&
		a.Container == b.Container && a.Zombie() == b.Zombie() &&
		len(a.Differing)+len(b.Differing) == 0
}
