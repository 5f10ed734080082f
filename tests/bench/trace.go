package main

import (
	"os"
	"path/filepath"
)

// traceRounds is how often the script runs, which takes hundreds of times as long as
// a start.
const traceRounds = 15

// traces is a script that starts many programs, watched by capsh trace and by strace.
func traces(bin string) group {
	script := []string{"/bin/sh", "-c", "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done"}
	watched := func(by ...string) []string { return append(by, script...) }
	return group{
		title:    "a script that starts 300 programs",
		baseline: row{name: "alone", argv: script},
		rows: []row{
			{name: "capsh trace", argv: watched(filepath.Join(bin, "capsh"), "trace", "--output="+os.DevNull, "--")},
			{name: "strace -f", argv: watched(installed("strace"), "-f", "-o", os.DevNull)},
		},
	}
}
