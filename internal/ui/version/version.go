// Package version is the programs' version.
package version

// These are set when linking: -X capsh/internal/ui/version.version=…
var version, revision string

// String is the version and, where git knew it, the revision: "0.2.0 (1a2b3c4)". A
// plain go build has no version: it is "devel", and says so where it is linked
// dynamically.
func String() string {
	text := version
	if text == "" {
		text = "devel"
	}
	if revision != "" {
		text += " (" + revision + ")"
	}
	if cgo {
		text += " (built with cgo: linked dynamically, slower to start; CGO_ENABLED=0 or make build avoids it)"
	}
	return text
}
