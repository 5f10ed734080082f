package main

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"capsh/internal/linux/files"
	"capsh/internal/linux/inherit"
	"capsh/internal/linux/trial"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/rules/shrink"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// At most how many trials there are, how often the answers are confirmed, and how
// long the first trial may take.
const (
	trialBudget  = 400
	confirmRuns  = 3
	trialTimeout = 10 * time.Second
)

// discovery is the search for the least set that a command works with.
type discovery struct {
	*options
	from      *cred.State
	args, env []string // capset's own, the first without its name

	plan     *planned // with all that may be tried
	limit    caps.Set
	runner   trial.Runner
	search   shrink.Search
	watching *watching // nil where nothing is watched
	progress *progress

	surroundings schema.Environment

	result   shrink.Result
	outcomes map[caps.Set]*trial.Outcome // the last of each set
	took     time.Duration
	warnings []string

	interruption syscall.Signal // what ended it, 0 for nothing
}

// newDiscovery makes a search ready. Nothing is run.
func (o *options) newDiscovery(from *cred.State, args, env []string) (*discovery, error) {
	d := &discovery{options: o, from: from, args: args, env: env, outcomes: map[caps.Set]*trial.Outcome{}}
	prepare := d.planLimit
	if o.discover.in.OK {
		prepare = d.prepareEngine
	}
	if err := prepare(); err != nil {
		return nil, err
	}
	if err := d.prepareRunner(); err != nil {
		return nil, err
	}
	d.surroundings = d.environment()
	d.search = shrink.Search{
		Limit: d.limit, FullRuns: d.fullRuns, Confirm: confirmRuns, Budget: trialBudget, Danger: danger,
	}
	if o.discover.confirm.OK {
		d.search.Confirm = o.discover.confirm.Value
	}
	return d, d.startWatching()
}

// planLimit plans the launch with the greatest set, what --keep says or all that
// can be handed on. A file that cannot have all of that lowers it.
func (d *discovery) planLimit() error {
	from := d.from
	l, err := d.resolve(from, d.env)
	if err != nil {
		return err
	}
	if len(d.keep.words) == 0 && !d.keep.from.OK {
		l.request.Keep = from.Permitted & (from.Bounding | from.Inheritable)
	}
	for {
		d.limit = l.request.Keep
		if d.plan, err = l.plan(from); err == nil {
			return d.needs()
		}
		if d.plan == nil || !d.plan.After.OK {
			return err
		}
		less := d.limit & d.plan.After.Value.Permitted
		switch {
		case d.plan.leavesRaising():
			d.warnings = append(d.warnings, fmt.Sprintf("%v effective, only permitted; so a launch needs --allow-mismatch", err))
			return d.needs()
		case less == d.limit:
			return err
		}
		d.warnings = append(d.warnings, fmt.Sprintf("the search is limited to %s: %v", plan.Names(less), err))
		l.request.Keep = less
	}
}

// needs says what this process lacks for a search.
func (d *discovery) needs() error {
	from, r := &d.plan.Before, &d.plan.request
	if !from.Permitted.Has(caps.Setpcap) {
		return errors.New("--discover needs CAP_SETPCAP in the permitted set, to reduce the bounding set for each trial" +
			"; --dry-run and a launch with --keep work without it")
	}
	others := r.UID.OK && r.UID.Value != from.UID || r.AllowNewPrivs || d.limit.Has(caps.Setuid)
	if others && !from.Effective.Has(caps.Kill) {
		return errors.New("--discover needs CAP_KILL in the effective set, to end what the command starts as another user")
	}
	return nil
}

// prepareRunner works out how trials are run and judged.
func (d *discovery) prepareRunner() error {
	o := &d.discover
	d.runner.Timeout, d.runner.SameOutput = trialTimeout, o.sameOutput
	if o.timeout.OK {
		d.runner.Timeout, d.runner.Fixed = o.timeout.Value, true
	}
	if d.runner.Command == nil {
		d.runner.Command = d.command
	}
	var err error
	helper := func(option, text string) (c *trial.Command) {
		if text != "" && err == nil {
			if c, err = d.helper(text); err != nil {
				err = fmt.Errorf("--%s: %w", option, err)
			}
		}
		return c
	}
	d.runner.Reset = helper("reset", o.reset.Value)
	d.runner.Ready = helper("ready", o.ready.Value)
	d.runner.Check = helper("check", o.check.Value)
	if d.runner.Check == nil { // what is ready works
		d.runner.Ready, d.runner.Check = nil, d.runner.Ready
	}
	if err == nil && o.stdin.OK {
		err = rereadable(o.stdin.Value)
	}
	if err == nil && o.save.OK {
		err = savable(o.save.Value)
	}
	return err
}

// rereadable refuses what cannot be read again for each trial.
func rereadable(name string) error {
	f, err := files.Here.Open(name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return fmt.Errorf("--stdin: %w", err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(f.FD, &st); err != nil {
		return fmt.Errorf("--stdin: fstat %s: %w", name, err)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFCHR {
		return fmt.Errorf("--stdin %q is not a regular file, so each trial would read something else", name)
	}
	return nil
}

// command is one trial: capset launches the command with the options given, but with
// this set.
func (d *discovery) command(set caps.Set) *trial.Command {
	return &trial.Command{
		Launch: true, Argv: append([]string{set.Mask()}, d.args...), Env: d.env, Stdin: d.discover.stdin.Value,
	}
}

// helper is a command that stands in one word: for a shell or, where there is
// none, words separated by spaces.
func (d *discovery) helper(text string) (*trial.Command, error) {
	const shell = "/bin/sh"
	if unix.Access(shell, unix.X_OK) == nil {
		return &trial.Command{Path: shell, Argv: []string{shell, "-c", text}, Env: d.env}, nil
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, fmt.Errorf("%q is not a command", text)
	}
	paths := files.CommandPaths(words[0], d.env)
	found, _, err := files.Here.Command(words[0], paths)
	if err != nil {
		return nil, fmt.Errorf("%w, and there is no %s", err, shell)
	}
	return &trial.Command{Path: paths[found.At], Argv: words, Env: d.env}, nil
}

// danger orders capabilities by the access to the host that they give, then by
// whether a container lacks them by default, then by how much they permit.
func danger(c caps.Cap) int {
	const grade, extra = 1000, 500
	e, _ := catalog.Of(c)
	value := int(e.Host)*grade + len(e.Permits)
	if !catalog.DockerDefault.Has(c) {
		value += extra
	}
	return value
}

// run makes the trials. The error is a failure of capset, or an interruption.
func (d *discovery) run() error {
	stopped, end := d.interruptible()
	defer end()
	d.runner.Stopped = stopped
	trial.Adopt()
	began := time.Now()
	early, err := d.runner.SucceedsEarly()
	if err == nil && early {
		d.warnings = append(d.warnings, "the check already succeeds before the command runs, so it proves nothing; use --reset=CMD to undo what it looks for")
	}
	d.search.Try = func(t shrink.Trial) (shrink.Answer, error) { return d.try(&t) }
	if err == nil {
		d.result, err = d.search.Run()
	}
	d.took = time.Since(began)
	d.progress.clear()
	select {
	case <-stopped:
		const bySignal = 128
		return exit.With(bySignal+int(d.interruption), errors.New("interrupted: the running trial and all its processes were ended"))
	default:
		return err
	}
}

// try makes one trial.
func (d *discovery) try(t *shrink.Trial) (shrink.Answer, error) {
	d.progress.before(t)
	before := d.outcomes[t.Set]
	d.runner.Watch = nil
	if d.watching.wanted(t, before != nil && before.Works) {
		d.runner.Watch = d.watching.watch(t.Set)
	}
	o, err := d.runner.Try(t.Set)
	if err != nil {
		return shrink.Fails, err
	}
	if t.For == shrink.Full && o.Works {
		d.runner.Known(o.Took)
	}
	d.outcomes[t.Set] = o
	d.progress.after(t, o)
	switch {
	case o.Works:
		return shrink.Works, nil
	case !o.Ended && d.runner.Check == nil: // a check that did not succeed in time is a no
		return shrink.Hangs, nil
	}
	return shrink.Fails, nil
}

// fullRuns is how often the command is run with everything after an answer: ten times
// if it is fast, to find one that fails now and then. A command that works half of the
// time gives the same answer ten times in one of 500 searches. A hang takes all of the
// timeout, and fewer runs are enough where the checks were watched.
func (d *discovery) fullRuns(first shrink.Answer) int {
	const most = 10
	least, budget := 5, 2*time.Second
	switch first {
	case shrink.Fails:
		least, budget = 3, trialTimeout
	case shrink.Hangs:
		least, budget = 2, trialTimeout
	}
	runs := max(least, min(most, int(budget/d.outcomes[d.limit].Took)))
	if first == shrink.Works && d.watching != nil {
		d.search.Least = runs
		return confirmRuns
	}
	return runs
}

// interruptible gives a channel that is closed at a signal that ends programs, unless
// it was ignored when capset started. Interruption is then that signal.
func (d *discovery) interruptible() (stopped chan struct{}, end func()) {
	stopped = make(chan struct{})
	signals := inherit.Signals(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	go func() {
		if sig, ok := (<-signals).(syscall.Signal); ok {
			d.interruption = sig
			close(stopped)
		}
	}()
	return stopped, func() { signal.Stop(signals); close(signals) }
}

// discoverLeast finds the least set and reports it.
func (o *options) discoverLeast(from *cred.State, args, env []string, out *term.Output) error {
	d, err := o.newDiscovery(from, args, env)
	if err != nil {
		return err
	}
	if o.mode.dryRun {
		out.Buf = d.appendPlan(out.Buf)
		return nil
	}
	runs := fmt.Sprintf("up to %d times, first", d.search.Budget)
	if d.search.Budget == 1 {
		runs = "once,"
	}
	out.Message(fmt.Sprintf("will run %s %s with all capabilities, on real data", o.argv[0], runs))
	if term.IsTerminal(out.Stderr()) {
		d.progress = &progress{w: out.Stderr(), discovery: d}
	}
	if err := d.run(); err != nil {
		return err
	}
	document := d.document()
	if o.discover.save.OK && document.Keep != nil {
		if err := saveProfile(o.discover.save.Value, document); err != nil {
			return err
		}
	}
	if err := d.report(document, out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if document.Keep == nil {
		return exit.Silent(notClaimed)
	}
	return nil
}

// notClaimed is the exit status where trials ran and no set is claimed.
const notClaimed = 1
