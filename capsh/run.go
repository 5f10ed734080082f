package main

import (
	"io"
	"strings"

	"capsh/internal/linux/sandbox"
	"capsh/internal/ui/classic"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/term"
)

// run is the program: args[0] is its name, the result its exit status.
func run(args, env []string, _ io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == sandbox.ApartName {
		return exit.Status(sandbox.Apart(args[1], stdout), exit.No)
	}
	out := term.NewOutput("capsh", stdout, stderr)
	err := dispatch(args, env, out)
	if flushErr := out.Flush(); flushErr != nil && exit.Message(err) == "" {
		err = flushErr
	}
	if message := exit.Message(err); message != "" {
		out.Message(message, exit.Hints(err)...)
	}
	return exit.Status(err, exit.No)
}

// dispatch runs a command or the classic language.
func dispatch(args, env []string, out *term.Output) error {
	if len(args) > 1 && isWord(args[1]) {
		return runCommand(args[1:], env, out)
	}
	return classic.Run(args, env, out)
}

// isWord reports whether an argument is a command's name, not an option of the
// classic language.
func isWord(arg string) bool {
	return arg != "" && !strings.ContainsAny(arg[:1], "-=")
}
