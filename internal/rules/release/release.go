// Package release compares releases of the kernel. It is pure.
package release

import (
	"strconv"
	"strings"
)

// Before reports whether a kernel's release, as uname(2) has it ("6.18.44-x"), is
// older than a version; ok is false for one that does not begin with two numbers.
func Before(release string, major, minor int) (before, ok bool) {
	first, rest, _ := strings.Cut(release, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	gotMajor, err := strconv.Atoi(first)
	gotMinor, minorErr := strconv.Atoi(second)
	return gotMajor < major || gotMajor == major && gotMinor < minor, err == nil && minorErr == nil
}
