package main

import (
	"fmt"

	"capsh/internal/linux/watch"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/shrink"
	"capsh/internal/ui/schema"
)

// watching is what watching some of the trials showed.
type watching struct {
	// full is what the first trial showed, nil before it; final what one with the
	// set in question did.
	full  *checks.Found
	found map[caps.Set]*checks.Found
	err   error
}

// startWatching finds out whether trials can be watched. Where they can't, the
// search does without, unless watching is all that was asked for.
func (d *discovery) startWatching() error {
	how := d.discover.how.Value
	if how == "prove" || d.discover.in.OK {
		return nil
	}
	w, err := watch.Start(watch.Target{Threads: []int{0}, FromExec: true}, nil)
	if err == nil {
		_, err = w.Stop()
	}
	switch {
	case err == nil:
		d.watching = &watching{found: map[caps.Set]*checks.Found{}}
		d.search.Watched = d.watching.guess
		if how == "watch" {
			d.search.Budget = 1
		}
	case how == "watch":
		return fmt.Errorf("--discover=watch: %w; use --discover=prove", err)
	default:
		d.warnings = append(d.warnings, "the capability checks could not be watched: "+err.Error())
	}
	return nil
}

// wanted says whether to watch a trial: the first one, and the first that
// confirms a set that works.
func (w *watching) wanted(t *shrink.Trial, worked bool) bool {
	return w != nil && w.err == nil && (w.full == nil || t.For == shrink.Confirm && worked && w.found[t.Set] == nil)
}

// watch watches a trial with a set from its execve on.
func (w *watching) watch(set caps.Set) func(pid int) func() {
	return func(pid int) func() {
		if pid == 0 {
			return func() {}
		}
		watch, err := watch.Start(watch.Target{Threads: []int{pid}, FromExec: true}, nil)
		if err != nil {
			w.err = err
			return func() {}
		}
		return func() {
			found, err := watch.Stop()
			if err != nil {
				w.err = err
				return
			}
			if w.full == nil {
				w.full = found
			}
			w.found[set] = found
		}
	}
}

// guess is what the first trial seems to need.
func (w *watching) guess() (shrink.Watched, bool) {
	if w.full == nil {
		return shrink.Watched{}, false
	}
	return shrink.Watched{Needs: w.full.Needs(), Optional: w.full.Optional()}, true
}

// describe adds what was seen to the result.
func (w *watching) describe(doc *schema.Discovery, r *shrink.Result) {
	if w == nil || w.full == nil {
		return
	}
	if w.full.Blind != "" {
		doc.Warnings = append(doc.Warnings, w.full.Blind)
	}
	for _, why := range w.full.Incomplete {
		doc.Warnings = append(doc.Warnings, "some capability checks were missed: "+why)
	}
	asked, refused := caps.Set(0), caps.Set(0)
	for _, s := range w.full.Seen {
		if s.Ours && s.Verdict.Kind != checks.Incidental {
			asked |= s.Cap.Set()
		}
	}
	doc.Unneeded = cred.Is((asked &^ r.Keep).OCINames())
	final := w.found[r.Keep]
	if final == nil || r.Reason != "" {
		return
	}
	for _, s := range final.Seen {
		if s.Ours && s.Verdict.Kind == checks.Needed && !s.Granted {
			refused |= s.Cap.Set()
		}
	}
	doc.Refused = cred.Is((refused &^ r.Keep).OCINames())
}
