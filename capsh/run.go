package main

import (
	"io"
	"strings"

	"capsh/internal/ui/render"
)

// The exit statuses. libcap's capsh has 0 and 1 only.
const (
	exitYes   = 0
	exitNo    = 1 // no, or failed
	exitUsage = 2 // wrong usage of what libcap's capsh does not have
)

// run is the program: args[0] is its name, the result its exit status.
func run(args, env []string, stdout, stderr io.Writer) int {
	out := &output{w: stdout, errs: stderr, buf: make([]byte, 0, usualOutput)}
	status, err := dispatch(args, env, out)
	if flushErr := out.flush(); flushErr != nil && (err == nil || err == errSaid) {
		status, err = exitNo, flushErr
	}
	if err != nil && err != errSaid {
		out.complain(err.Error())
	}
	return status
}

// dispatch runs a command or the classic language. An error is for stderr; the
// status says what it means.
func dispatch(args, env []string, out *output) (int, error) {
	if len(args) > 1 && isWord(args[1]) {
		return runCommand(args[1:], env, out)
	}
	return runClassic(args, env, out)
}

// isWord tells a command's name from an option of the classic language.
func isWord(arg string) bool {
	return arg != "" && !strings.ContainsAny(arg[:1], "-=")
}

// output gathers what goes to stdout, so that one write carries it. What runs
// another program, or a copy of this one, flushes it first.
type output struct {
	w, errs io.Writer
	buf     []byte
	err     error
}

// usualOutput is room for what --print shows: growing to it would cost more than
// all else that --print does.
const usualOutput = 4096

// flush writes what was gathered. The first failure is kept and returned from
// then on: output that was lost stays lost.
func (o *output) flush() error {
	if o.err == nil && len(o.buf) > 0 {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
	return o.err
}

// text appends text as it is.
func (o *output) text(s string) { o.buf = append(o.buf, s...) }

// json appends one JSON text on a line of its own.
func (o *output) json(write func(j *render.JSON)) {
	var j render.JSON
	write(&j)
	o.buf = append(append(o.buf, j.Bytes()...), '\n')
}

// complain writes one line to stderr, of a failure that others may follow.
func (o *output) complain(text string) { io.WriteString(o.errs, "capsh: "+render.Message(text)+"\n") }
