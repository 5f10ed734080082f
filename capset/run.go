package main

import (
	"errors"
	"io"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/inherit"
	"capsh/internal/linux/self"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/term"
	"capsh/internal/ui/version"
)

// The exit statuses where no command was started, as env(1) and docker(1) have
// them.
const (
	exitFailed   = 125 // capset itself
	exitCannot   = 126 // the command is there and cannot be run
	exitNotFound = 127
)

// run is the program: args[0] is its name, the result its exit status. It
// returns only where no command was started.
func run(args, env []string, stdout, stderr io.Writer) int {
	status, err := dispatch(args, env, stdout, stderr)
	if err != nil {
		say(stderr, err.Error())
	}
	return status
}

// say writes one line to stderr in one piece, whatever a name in it holds.
func say(stderr io.Writer, text string) {
	io.WriteString(stderr, "capset: "+term.Message(text)+"\n")
}

// exitError is an error with an exit status other than exitFailed.
type exitError struct {
	status int
	error
}

func (e *exitError) Unwrap() error { return e.error }

// explained is an error with more to it than it says itself.
type explained struct {
	error
	why string
}

func (e *explained) Error() string { return e.error.Error() + " (" + e.why + ")" }

func (e *explained) Unwrap() error { return e.error }

// statusOf is the exit status of a failure.
func statusOf(err error) (int, error) {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.status, err
	}
	return exitFailed, err
}

func dispatch(args, env []string, stdout, stderr io.Writer) (int, error) {
	l, err := parse(args[1:])
	if err != nil {
		return exitFailed, err
	}
	if text, err := l.information(); text != "" || err != nil {
		return written(stdout, text, err)
	}
	if len(l.argv) == 0 {
		return exitFailed, errors.New("no command to run; capset --help lists the options")
	}
	p, err := l.plan(env)
	if err == nil && l.dryRun {
		return written(stdout, l.show(p), nil)
	}
	if err == nil {
		l.warn(stderr, p.Warnings)
		if inherit.Lacks != "" {
			l.warn(stderr, []string{inherit.Lacks})
		}
		err = l.start(p, stderr)
	}
	return statusOf(err)
}

// information is what is asked for instead of a launch.
func (l *launch) information() (string, error) {
	switch {
	case l.help:
		return usage, nil
	case l.version:
		return versionText(), nil
	case l.listCaps:
		return capList()
	}
	return "", nil
}

func versionText() string {
	text := "capset " + version.String()
	if inherit.Lacks != "" {
		text += " (" + inherit.Lacks + ")"
	}
	return text + "\n"
}

// written writes to stdout what there is no error about, and says whether that
// went well.
func written(stdout io.Writer, text string, err error) (int, error) {
	if err == nil {
		_, err = io.WriteString(stdout, text)
	}
	if err != nil {
		return exitFailed, err
	}
	return 0, nil
}

// warn writes warnings to stderr.
func (l *launch) warn(stderr io.Writer, warnings []string) {
	if l.quiet {
		return
	}
	for _, w := range warnings {
		say(stderr, "warning: "+w)
	}
}

// plan resolves what was asked for and plans it. Nothing is changed.
func (l *launch) plan(env []string) (*plan.Plan, error) {
	from, err := self.State()
	if err != nil {
		return nil, err
	}
	// A process that runs with other ids than its own is most likely a capset
	// that someone made setuid. It would take orders from anybody.
	if from.UID.Real != from.UID.Effective || from.GID.Real != from.GID.Effective {
		return nil, errors.New("real and effective ids differ: capset refuses to run setuid or setgid")
	}
	if err := l.resolve(&from, env); err != nil {
		return nil, err
	}
	p, err := plan.Make(&from, &l.request)
	if err == nil {
		err = l.foresee(p)
	}
	return p, err
}

// start carries the plan out. It returns only if that failed.
func (l *launch) start(p *plan.Plan, stderr io.Writer) error {
	command, err := apply.NewCommand(l.argv, l.env)
	if err != nil {
		return err
	}
	if command.Filter, err = apply.Do(p); err != nil {
		return blame(p, err)
	}
	return l.exec(&command, p, stderr)
}
