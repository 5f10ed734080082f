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
	// Since is the first kernel that had it, "2.6.24".
	Since string
	// Brief is what it permits, in at most 60 characters.
	Brief string
	// Permits lists all that it permits; each item completes "may …". Not to
	// be changed.
	Permits []string
	// Use is who rightly asks for it.
	Use string
	// Danger is what someone hostile makes of it, above all in a container.
	Danger string
	// Host says whether a container that has it is still a container.
	Host Host
}

// Of is the entry for c; false for a capability without a name.
func Of(c caps.Cap) (Entry, bool) {
	if int(c) >= caps.Named {
		return Entry{}, false
	}
	return entries[c], true
}

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
	e := &entries[c]
	for _, part := range append([]string{c.String(), e.Brief, e.Use, e.Danger}, e.Permits...) {
		if strings.Contains(strings.ToLower(part), text) {
			return true
		}
	}
	return false
}
