// Package exit has the one error that carries an exit status.
package exit

import "errors"

// The exit statuses of capsh; libcap's has no 2.
const (
	Yes   = 0
	No    = 1 // no, or failed
	Usage = 2 // wrong usage of what libcap's capsh does not have
)

// The exit statuses of what runs a command, where it starts none, as env(1) and docker(1)
// have them.
const (
	Failed   = 125 // the program itself
	Cannot   = 126 // the command is there and cannot be run
	NotFound = 127
)

// Error is an error that decides the exit status of the program. Err is what
// goes to stderr; nil where no message is due, or it has been written already.
type Error struct {
	Status int
	Err    error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// With gives err an exit status; nil stays nil.
func With(status int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{status, err}
}

// Silent ends the program with a status and without a word.
func Silent(status int) error { return &Error{Status: status} }

// Status is the exit status of err: the outermost that it carries, failed for an
// error that carries none, 0 for nil.
func Status(err error, failed int) int {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Status
	}
	return failed
}

// hinted is an error with lines that say what to do.
type hinted struct {
	error
	lines []string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint adds lines to err that say what to do; nil stays nil.
func Hint(err error, lines ...string) error {
	if err == nil || len(lines) == 0 {
		return err
	}
	return &hinted{err, lines}
}

// Hints are the lines that err carries.
func Hints(err error) []string {
	var h *hinted
	if errors.As(err, &h) {
		return h.lines
	}
	return nil
}

// Message is what err says on stderr, "" for nothing.
func Message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
