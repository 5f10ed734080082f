package report

import (
	"cmp"
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/term"
)

// Predict appends what an execve of f would lead to, by a thread whose state is
// before, in lines of at most width characters: the file, what else than sets
// changes, a row for all capabilities that are in the same sets, and the rules.
func Predict(b []byte, before *cred.State, f *execve.File, o *execve.Outcome, kernelBits, width int, color term.Color) []byte {
	b = appendFile(b, f, kernelBits)
	b = append(b, '\n')
	b = appendIdentities(b, before, &o.After, width)
	b = append(b, '\n')
	b = appendMatrix(b, before, &o.After, width, color)
	b = append(b, "\nby these rules of the kernel\n"...)
	for r := range o.Rules.All() {
		b = term.AppendHung(b, "- ", r.String(), width)
	}
	if o.Secure {
		b = append(b, "\nAT_SECURE is set: the C library ignores LD_PRELOAD and the like\n"...)
	}
	return b
}

// appendFile appends the line that says which file decides and what it carries.
func appendFile(b []byte, f *execve.File, kernelBits int) []byte {
	b = term.AppendEscaped(b, f.Path)
	for _, i := range f.Interpreters {
		b = fmt.Appendf(b, ", run by %s", term.Escape(i))
	}
	capabilities := ""
	switch {
	case f.HasCaps && f.Caps.Version == 0:
		capabilities = "file capabilities that are not shown here"
	case f.HasCaps:
		capabilities = f.Caps.EPI().Text(kernelBits)
	}
	text := carriedText(f.Mode, ownerText(f, f.UID), ownerText(f, f.GID), capabilities)
	return fmt.Appendf(b, ": %s\n", cmp.Or(text, "no privileges of its own"))
}

// ownerText is the owner or the group of a file, "?" where that may not be shown.
func ownerText(f *execve.File, id uint32) string {
	if f.Unmapped || f.UnsureOwner {
		id = cred.UnknownID
	}
	return cred.IDText(id)
}

// appendIdentities appends what besides the sets decides, before and after.
func appendIdentities(b []byte, before, after *cred.State, width int) []byte {
	var t term.Table
	t.Row("", "before", "after")
	t.Row("user", before.UID.Text(cred.IDText), after.UID.Text(cred.IDText))
	t.Row("group", before.GID.Text(cred.IDText), after.GID.Text(cred.IDText))
	t.Row("securebits", securebitsRow(before.Securebits), securebitsRow(after.Securebits))
	t.Row("no_new_privs", cred.OnOff(before.NoNewPrivs), cred.OnOff(after.NoNewPrivs))
	if ns := &before.UserNS; ns.Inode.OK && !ns.Initial().Value {
		t.Row("userns", fmt.Sprint(ns.Inode.Value), "all ids are as it has them")
	}
	return t.Append(b, width)
}

// places are the sets that a capability is in, before and after: five bits each,
// the first set of fiveSets in the lowest.
type places struct{ before, after uint8 }

// fiveSets are the sets in the order of the matrix.
func fiveSets(s *cred.Sets) [5]caps.Set {
	return [5]caps.Set{s.Bounding, s.Effective, s.Permitted, s.Inheritable, s.Ambient}
}

// letters stand for the sets.
const letters = "bepia"

// placeRow is all capabilities that are in the same places.
type placeRow struct {
	places
	caps caps.Set
}

// placeRows groups the capabilities that are in any set, those that change
// first.
func placeRows(before, after *cred.Sets) []placeRow {
	var changed, same []placeRow
	for c := range caps.Cap(caps.MaxBits) {
		p := places{placesOf(c, before), placesOf(c, after)}
		list := &same
		if p.before != p.after {
			list = &changed
		}
		if p != (places{}) {
			*list = addPlace(*list, p, c)
		}
	}
	return append(changed, same...)
}

func placesOf(c caps.Cap, s *cred.Sets) (p uint8) {
	for i, set := range fiveSets(s) {
		if set.Has(c) {
			p |= 1 << i
		}
	}
	return p
}

func addPlace(list []placeRow, p places, c caps.Cap) []placeRow {
	for i := range list {
		if list[i].places == p {
			list[i].caps |= c.Set()
			return list
		}
	}
	return append(list, placeRow{p, c.Set()})
}

// appendMatrix appends a row for each group of capabilities.
func appendMatrix(b []byte, before, after *cred.State, width int, color term.Color) []byte {
	var t term.Table
	t.Row("before", "after", "", "")
	for _, r := range placeRows(&before.Sets, &after.Sets) {
		word, hue := r.change()
		t.Row(placesText(r.before), placesText(r.after), color.Paint(hue, word), strings.ReplaceAll(plan.Names(r.caps), ",", ", "))
	}
	if before.Sets == (cred.Sets{}) && after.Sets == (cred.Sets{}) {
		t.Row(placesText(0), placesText(0), "", "no capability anywhere")
	}
	b = t.Append(b, width)
	return append(b, "b bounding, e effective, p permitted, i inheritable, a ambient\n"...)
}

// change is what happens to the capabilities of a row, in a word and a colour.
func (r *placeRow) change() (word string, hue term.Style) {
	gained, lost := r.after&^r.before, r.before&^r.after
	switch {
	case gained != 0 && lost != 0:
		return "changed", term.Yellow
	case gained != 0:
		return "gained", term.Red // more privilege is what one should see
	case lost != 0:
		return "lost", term.Green
	}
	return "", term.Plain
}

// placesText is a letter for each set that it is in, a dash for each other.
func placesText(p uint8) string {
	text := []byte(letters)
	for i := range text {
		if p>>i&1 == 0 {
			text[i] = '-'
		}
	}
	return string(text)
}
