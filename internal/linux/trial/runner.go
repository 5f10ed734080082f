package trial

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
)

// Runner makes the trials of one command.
type Runner struct {
	// Command is the command with a set.
	Command func(caps.Set) *Command
	// Reset, Ready and Check are run as this process; nil where there is none.
	// Without Check, exit status 0 is success.
	Reset, Ready, Check *Command
	// SameOutput asks that stdout is that of the first trial that worked.
	SameOutput bool
	// Timeout limits each of the helpers, and the command until it is known how
	// long it takes; Fixed says that it always limits the command.
	Timeout time.Duration
	Fixed   bool
	// Watch, where it is set, is called with the process that is about to execute the
	// command; the function that it returns is called when all of the trial has ended.
	Watch func(pid int) (done func())

	// Stopped is closed where the trials are to end, with ErrStopped; nil for never.
	Stopped <-chan struct{}

	// ResetFailures says of each reset that failed how.
	ResetFailures []string

	// slowest is how long the command took where it worked, slowestHelp how long
	// a ready or check that succeeded.
	slowest, slowestHelp time.Duration
	first                *Sum
}

// Outcome is how one trial went.
type Outcome struct {
	Works bool
	// Ended says that the command ended by itself, with Status. Refused is why
	// it was not started.
	Ended   bool
	Status  unix.WaitStatus
	Refused *Refusal
	// OtherOutput says that only its stdout was not what it had to be.
	OtherOutput bool
	// Stdout and Stderr are the last 64 KiB of each; Said is what the last helper
	// that failed wrote.
	Stdout, Stderr, Said []byte
	Took                 time.Duration
}

// ErrStopped is the error of a trial that did not end before [Runner.Stopped].
var ErrStopped = errors.New("stopped")

// Known notes that the command worked and took that long: ten times of it is
// waited for a trial that may hang, and at least two seconds.
func (r *Runner) Known(took time.Duration) { r.slowest = max(r.slowest, took) }

// Limit is how long the command may take.
func (r *Runner) Limit() time.Duration {
	const least = 2 * time.Second
	if r.Fixed || r.slowest == 0 {
		return r.Timeout
	}
	return min(max(10*r.slowest, least), max(r.Timeout, 4*r.slowest))
}

// Try runs the command once with a set and ends it with its whole tree. The error
// is one of this process, or ErrStopped.
func (r *Runner) Try(set caps.Set) (*Outcome, error) {
	if err := r.reset(); err != nil {
		return nil, err
	}
	c := r.Command(set)
	c.Hold = r.Watch != nil && c.Launch
	p, err := Start(c)
	if err != nil {
		return nil, err
	}
	if c.Hold {
		defer r.Watch(p.PID())()
		p.Release()
	}
	w := watch{Runner: r, process: p, outcome: &Outcome{}}
	err = w.watch()
	o := w.outcome
	o.Took = time.Since(p.started)
	err = cmp.Or(p.Stop(), err)
	var sum Sum
	o.Stdout, o.Stderr, sum = p.Output()
	if o.Works && r.SameOutput {
		if r.first == nil {
			r.first = &sum
		}
		o.Works, o.OtherOutput = sum == *r.first, sum != *r.first
	}
	return o, err
}

// SucceedsEarly says that the check succeeds where the command does not run.
func (r *Runner) SucceedsEarly() (bool, error) {
	if r.Check == nil {
		return false, nil
	}
	if err := r.reset(); err != nil {
		return false, err
	}
	o, err := r.help(r.Check, r.Timeout)
	return err == nil && o.Works, err
}

// reset runs the reset command. Its failure is noted: there may have been nothing
// to undo.
func (r *Runner) reset() error {
	if r.Reset == nil {
		return nil
	}
	o, err := r.help(r.Reset, r.Timeout)
	if err != nil || o.Works {
		return err
	}
	text := fmt.Sprintf("had not ended after %v", r.Timeout)
	if o.Ended {
		text = StatusText(o.Status) + lastLine(o.Stderr)
	}
	r.ResetFailures = append(r.ResetFailures, text)
	return nil
}

// help runs one of the helpers within a time limit.
func (r *Runner) help(c *Command, limit time.Duration) (*Outcome, error) {
	p, err := Start(c)
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	ended, err := r.ending(p.Ended(), limit)
	if ended != nil {
		err = o.take(ended)
		o.Works, o.Took = exitedWell(ended.Status), ended.Took
	}
	err = cmp.Or(p.Stop(), err)
	o.Stdout, o.Stderr, _ = p.Output()
	return o, err
}

// watch is one trial under way.
type watch struct {
	*Runner
	process *Process
	outcome *Outcome
	// until is when the command's time is up; after that many more attempts of a
	// helper it is up for one that has ended.
	until    time.Time
	attempts int
}

func (w *watch) watch() error {
	w.until = w.process.started.Add(w.Limit())
	if w.Check == nil {
		if err := w.wait(w.Limit()); err != nil || !w.outcome.Ended {
			return err
		}
		w.outcome.Works = w.outcome.Refused == nil && exitedWell(w.outcome.Status)
		return nil
	}
	for _, helper := range []*Command{w.Ready, w.Check} {
		if helper == nil {
			continue
		}
		if yes, err := w.attempt(helper); err != nil || !yes {
			return err
		}
	}
	w.outcome.Works = true
	return nil
}

// attempt runs a helper beside the command until it succeeds or time is up. What
// a command does may come late, so one that has ended gets about a second more,
// and some attempts where the host is busy.
func (w *watch) attempt(helper *Command) (bool, error) {
	const pause, enough, most = 50 * time.Millisecond, 5, time.Second
	for {
		o, err := w.help(helper, w.helpLimit())
		if err != nil {
			return false, err
		}
		if o.Works {
			w.slowestHelp = max(w.slowestHelp, o.Took)
			return true, nil
		}
		w.outcome.Said = append(o.Stdout, o.Stderr...)
		w.attempts++
		if err := w.wait(pause); err != nil || w.outcome.Refused != nil {
			return false, err
		}
		if late := time.Since(w.until); late > 0 && (!w.outcome.Ended || w.attempts >= enough || late > most) {
			return false, nil
		}
	}
}

// helpLimit is how long one attempt of a helper may take: ten times as long as
// one that succeeded, since one that hangs would take all of the time.
func (r *Runner) helpLimit() time.Duration {
	const least = 500 * time.Millisecond
	if r.slowestHelp == 0 {
		return r.Timeout
	}
	return min(r.Timeout, max(10*r.slowestHelp, least))
}

// wait waits for the command's end, but no longer than that.
func (w *watch) wait(most time.Duration) error {
	const late = time.Second
	ended := w.process.Ended()
	if w.outcome.Ended {
		ended = nil
	}
	e, err := w.ending(ended, most)
	if e == nil {
		return err
	}
	w.attempts, w.until = 0, time.Now().Add(late)
	return w.outcome.take(e)
}

// ending is how a command ended, nil where the limit is up before. Where both have
// come, as after capset was stopped, the end counts.
func (r *Runner) ending(ended <-chan Ended, limit time.Duration) (*Ended, error) {
	late := after(limit)
	select {
	case e := <-ended:
		return &e, nil
	case <-late:
	case <-r.Stopped:
		return nil, ErrStopped
	}
	select {
	case e := <-ended:
		return &e, nil
	default:
		return nil, nil
	}
}

// take notes how the command ended. A launch that was refused for a reason of
// ours is an error.
func (o *Outcome) take(e *Ended) error {
	o.Ended, o.Status, o.Refused = true, e.Status, e.Refused
	if e.Err == nil && o.Refused != nil && !o.Refused.Answer {
		return errors.New(o.Refused.Text)
	}
	return e.Err
}

// StatusText is "exit 1", or "killed by SIGSEGV".
func StatusText(s unix.WaitStatus) string {
	if s.Signaled() {
		return "killed by " + unix.SignalName(s.Signal())
	}
	return fmt.Sprintf("exit %d", s.ExitStatus())
}

// lastLine is the last line of an output, behind a comma.
func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	if text = text[bytes.LastIndexByte(text, '\n')+1:]; len(text) == 0 {
		return ""
	}
	return ", " + string(text)
}

func exitedWell(s unix.WaitStatus) bool { return s.Exited() && s.ExitStatus() == 0 }
