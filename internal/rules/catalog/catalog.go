// Package catalog describes capabilities and container runtimes: what each
// capability permits and what it endangers, and which capabilities each runtime
// gives by default.
package catalog

import (
	"strings"

	"capsh/internal/rules/caps"
)

// Entry is what there is to say of one capability. Texts are plain sentences
// without line breaks; whoever shows them wraps them.
type Entry struct {
	Cap caps.Cap
	// Since is the first kernel that had it, "2.6.24".
	Since string
	// Brief is what it permits, in at most 60 characters.
	Brief string
	// Permits lists all that it permits; each item completes "may …". Not to
	// be changed.
	Permits []Claim
	// Use is who rightly asks for it.
	Use string
	// Danger is what someone hostile makes of it, above all in a container.
	Danger Claim
	// Root says how a process of an ordinary user with it gets what root has on
	// the system where it runs, container or host; empty where it does not.
	Root string
	// With are the capabilities without which Root does not apply.
	With caps.Set
	// Host says whether a container that has it is still isolated.
	Host Host
	// UserNS says how much of it counts in a user namespace that is not the
	// initial one, Inside what.
	UserNS UserNS
	Inside Claim
}

// Claim is a statement and where it can be checked: manual pages, then files of
// the kernel's source with their functions, "chown(2); fs/attr.c chown_ok".
type Claim struct {
	Text, Source string
}

// Of is the entry for c; false for a capability without a name.
func Of(c caps.Cap) (Entry, bool) {
	if int(c) >= caps.Named {
		return Entry{}, false
	}
	return *entries[c], true
}

// RootEquivalent lists the capabilities of a set by which a process of an
// ordinary user gets what root has. One that needs another counts with that one.
func RootEquivalent(set caps.Set) caps.Set {
	var found caps.Set
	for c := range (set & caps.First(caps.Named)).All() {
		if e := entries[c]; e.Root != "" && set.Contains(e.With) {
			found |= c.Set()
		}
	}
	return found
}

// WithoutEffect lists the capabilities of a set that permit nothing in a user
// namespace that is not the initial one, not even by an exception.
func WithoutEffect(set caps.Set) caps.Set {
	var found caps.Set
	for c := range (set & caps.First(caps.Named)).All() {
		if entries[c].UserNS == InNothing {
			found |= c.Set()
		}
	}
	return found
}

// Remarkable reports whether there is anything to warn of in a set: what is
// equivalent to root, or has no effect in a child user namespace.
func Remarkable(set caps.Set) bool { return RootEquivalent(set)|WithoutEffect(set) != 0 }

// Suggest lists the capabilities whose name or description contains text, in
// bit order; the case of letters does not matter. All contain the empty text.
func Suggest(text string) []caps.Cap {
	text = strings.ToLower(text)
	var found []caps.Cap
	for c := range caps.Cap(caps.Named) {
		if mentions(c, text) {
			found = append(found, c)
		}
	}
	return found
}

// mentions reports whether the name or the description of c contains text, which
// is in lower case.
func mentions(c caps.Cap, text string) bool {
	e := entries[c]
	parts := []string{c.String(), e.Brief, e.Use, e.Danger.Text, e.Root, e.Inside.Text}
	for _, p := range e.Permits {
		parts = append(parts, p.Text)
	}
	for _, part := range parts {
		if strings.Contains(strings.ToLower(part), text) {
			return true
		}
	}
	return false
}
