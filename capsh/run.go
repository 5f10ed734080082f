package main

import (
	"io"
	"strings"

	"capsh/internal/ui/classic"
	"capsh/internal/ui/term"
)

// The exit statuses. libcap's capsh has 0 and 1 only.
const (
	exitYes   = 0
	exitNo    = 1 // no, or failed
	exitUsage = 2 // wrong usage of what libcap's capsh does not have
)

// run is the program: args[0] is its name, the result its exit status.
func run(args, env []string, stdout, stderr io.Writer) int {
	out := term.NewOutput("capsh", stdout, stderr)
	status, err := dispatch(args, env, out)
	if flushErr := out.Flush(); flushErr != nil && (err == nil || err == classic.ErrSaid) {
		status, err = exitNo, flushErr
	}
	if err != nil && err != classic.ErrSaid {
		out.Message(err.Error())
	}
	return status
}

// dispatch runs a command or the classic language. An error is for stderr; the
// status says what it means.
func dispatch(args, env []string, out *term.Output) (int, error) {
	if len(args) > 1 && isWord(args[1]) {
		return runCommand(args[1:], env, out)
	}
	return classic.Run(args, env, out)
}

// isWord tells a command's name from an option of the classic language.
func isWord(arg string) bool {
	return arg != "" && !strings.ContainsAny(arg[:1], "-=")
}
