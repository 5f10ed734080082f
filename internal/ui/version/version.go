// Package version holds the programs' version.
package version

// version is set when linking: -X capsh/internal/ui/version.version=…
var version = "devel"

// String is the version as the Makefile found it, "devel" in a plain go build.
func String() string { return version }
