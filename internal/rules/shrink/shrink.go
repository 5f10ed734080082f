// Package shrink finds the least set of capabilities that a command works with,
// by trial. It is about sets and answers; the caller runs the command.
//
// The least set is 1-minimal: the command works with it, and without any one of
// its capabilities it does not. A command may have several such sets; the one
// found avoids the most dangerous capabilities.
package shrink

import (
	"errors"
	"slices"

	"capsh/internal/rules/caps"
)

// Answer is how one trial went.
type Answer uint8

// A trial whose success is decided by a check never hangs: it works or fails.
const (
	Fails Answer = iota // the command ended, or was judged, without success
	Hangs               // the command had not ended when its time was up
	Works
)

// Purpose is why a trial is made.
type Purpose uint8

// The purposes, in the order in which they come up.
const (
	Full        Purpose = iota // does the command work with all, every time?
	Empty                      // does it work with none?
	Guided                     // does it work with what watching it showed?
	Narrow                     // does it work without this part?
	Alternative                // does it work with all but one that seems needed?
	Confirm                    // is the answer the same again?
)

// Trial is one run of the command.
type Trial struct {
	Set caps.Set
	For Purpose
	// Number counts the trials from 1.
	Number int
}

// Watched is what watching a run with everything showed: of each set of Needs the
// command needs one capability, of each of Optional perhaps.
type Watched struct{ Needs, Optional []caps.Set }

// Search is what to find the least set of. All members but Watched are
// required.
type Search struct {
	// Limit is the upper limit: every trial's set is within it.
	Limit caps.Set
	// FullRuns is how often the command must give the same answer with Limit, where
	// the first one is this; if it works, the set that is claimed must work as often.
	FullRuns func(first Answer) int
	// Confirm is how often a set must give the same answer before a claim rests on it.
	Confirm int
	// Budget is the greatest number of trials. Least is how many there are at least
	// before a set is claimed, and with Limit alone where watching does not lead.
	Budget, Least int
	// Danger orders capabilities: the most dangerous is removed first, of equals the one
	// of the lower number.
	Danger func(caps.Cap) int
	// Try runs the command once. Its error ends the search.
	Try func(Trial) (Answer, error)
	// Watched is asked once, after the trials with Limit. It says false where
	// watching did not work.
	Watched func() (Watched, bool)
}

// Reason says why no set is claimed; it is empty where one is.
type Reason string

// The reasons, as they stand in reports.
const (
	Flaky               Reason = "flaky"                // the same set gave different answers
	FailsWithAll        Reason = "fails-with-all"       // neither all nor none is enough
	RefusesCapabilities Reason = "refuses-capabilities" // works with none, fails with all
	DoesNotEnd          Reason = "does-not-end"         // and nothing else says whether it works
	NotConfirmed        Reason = "not-confirmed"        // a set was found and later trials refuted it
)

// Result is what the search found.
type Result struct {
	// Reason is empty where Keep is the least set.
	Reason Reason
	Keep   caps.Set
	// Needs are the capabilities of Keep with the trials that show it.
	Needs []Need
	// Alternatives are other sets that the command works with, none of which is
	// milder.
	Alternatives []caps.Set
	// Guided says that the search began with what watching showed.
	Guided bool
	// Runs is how many trials there were; OutOfBudget says that they ended the
	// search.
	Runs        int
	OutOfBudget bool
}

// Need is a capability of the set that is claimed.
type Need struct {
	Cap caps.Cap
	// Runs is how often the command was run with all of the set but this one.
	// It failed each time; Hangs is how often it had not ended.
	Runs, Hangs int
	// Replaceable says that it works without this one and with others instead.
	Replaceable bool
}

// errBudget ends a search that has used up its trials.
var errBudget = errors.New("no trials are left")

// state is a search under way.
type state struct {
	*Search
	tallies map[caps.Set]*tally
	// need is how often the set that is claimed must work.
	need int
	// suggested are all capabilities that watching suggests, where they have led.
	suggested caps.Set
	// late counts the sets that failed once and then worked.
	late   int
	result Result
}

// tally counts the answers that a set got.
type tally struct {
	counts [Works + 1]int
	works  bool // the answer that the search goes by
}

func (t *tally) runs() int      { return t.successes() + t.fails() }
func (t *tally) successes() int { return t.counts[Works] }
func (t *tally) fails() int     { return t.counts[Fails] + t.counts[Hangs] }

// Run searches. An error is one of Try's.
func (s *Search) Run() (Result, error) {
	st := &state{Search: s, tallies: map[caps.Set]*tally{}}
	reason, err := st.search()
	st.result.Reason = reason
	if errors.Is(err, errBudget) {
		st.result.Reason, st.result.OutOfBudget, err = NotConfirmed, true, nil
	}
	if err != nil || st.result.Reason != "" {
		st.result.Keep, st.result.Needs, st.result.Alternatives = 0, nil, nil
	}
	return st.result, err
}

func (s *state) search() (Reason, error) {
	if reason, err := s.full(); err != nil || reason != "" {
		return reason, err
	}
	works, err := s.works(0, Empty)
	if err != nil {
		return "", err
	}
	found := caps.Set(0)
	if !works {
		if found, err = s.guided(); err != nil {
			return "", err
		}
	}
	if !works && !s.result.Guided { // it may fail by chance
		if steady, err := s.steady(s.Least, Works); err != nil || !steady {
			return Flaky, err
		}
		if found, err = s.reduce(s.Limit, caps.MaxBits); err != nil {
			return "", err
		}
	}
	return s.settle(found)
}

// full tries all capabilities several times, and none if the command fails with all.
func (s *state) full() (Reason, error) {
	first, err := s.try(s.Limit, Full)
	if err != nil {
		return "", err
	}
	runs := s.FullRuns(first)
	s.need = max(runs, s.Confirm)
	if steady, err := s.steady(runs, first); err != nil || !steady {
		return Flaky, err
	}
	switch {
	case first == Works:
		return "", nil
	case first == Hangs:
		return DoesNotEnd, nil
	case s.Limit == 0:
		return FailsWithAll, nil
	}
	return s.refuses()
}

// steady runs the command with everything until it has been run so often, as long
// as the answer is the same.
func (s *state) steady(runs int, first Answer) (bool, error) {
	for s.tallies[s.Limit].runs() < runs {
		if again, err := s.try(s.Limit, Full); err != nil || again != first {
			return false, err
		}
	}
	return true, nil
}

// refuses distinguishes a command that fails with every set from one that refuses
// to run with capabilities.
func (s *state) refuses() (Reason, error) {
	if works, err := s.works(0, Empty); err != nil || !works {
		return FailsWithAll, err
	}
	for range s.Confirm - 1 {
		if again, err := s.try(0, Confirm); err != nil || again != Works {
			return Flaky, err
		}
	}
	return RefusesCapabilities, nil
}

// guided finds a small set, starting from what watching showed if that set works.
func (s *state) guided() (caps.Set, error) {
	guesses := s.guesses()
	for _, guess := range guesses {
		works, err := s.works(guess, Guided)
		if err != nil {
			return 0, err
		}
		if works {
			s.result.Guided, s.suggested = true, guesses[len(guesses)-1]
			return s.reduce(guess, 1)
		}
	}
	return 0, nil
}

// guesses are the sets that watching suggests: the least dangerous capability of
// each need, all capabilities of the needs, and those that are optional too.
func (s *state) guesses() []caps.Set {
	if s.Watched == nil {
		return nil
	}
	w, ok := s.Watched()
	if !ok {
		return nil
	}
	var mildest, all caps.Set
	for _, choice := range w.Needs {
		if list := s.byDanger(choice & s.Limit); len(list) > 0 {
			mildest |= list[len(list)-1].Set()
			all |= choice & s.Limit
		}
	}
	more := all
	for _, choice := range w.Optional {
		more |= choice & s.Limit
	}
	return slices.DeleteFunc(slices.Compact([]caps.Set{mildest, all, more}), func(set caps.Set) bool { return set == 0 })
}

// reduce removes from a set that works what the command does not need: parts of at
// most the given size, halves of the parts that are needed, and so on to single
// capabilities. The most dangerous part comes first, and is reduced completely before
// the next: so the result is the same as that of removing single capabilities, the
// most dangerous first.
func (s *state) reduce(set caps.Set, part int) (caps.Set, error) {
	var cut func(list []caps.Cap) error
	cut = func(list []caps.Cap) error {
		rest := set &^ caps.Of(list...)
		works, err := s.works(rest, Narrow)
		switch {
		case err != nil:
			return err
		case works:
			set = rest
			return nil
		case len(list) == 1:
			return nil
		}
		half := (len(list) + 1) / 2
		if err := cut(list[:half]); err != nil {
			return err
		}
		return cut(list[half:])
	}
	for list := s.byDanger(set); len(list) > 0; {
		n := min(part, len(list))
		if err := cut(list[:n]); err != nil {
			return 0, err
		}
		list = list[n:]
	}
	return set, nil
}

// works is whether a set works, by a trial unless there was one.
func (s *state) works(set caps.Set, why Purpose) (bool, error) {
	if t := s.tallies[set]; t != nil {
		return t.works, nil
	}
	answer, err := s.try(set, why)
	return answer == Works, err
}

// try makes one trial and counts it. The first answer of a set is the one that
// the search goes by.
func (s *state) try(set caps.Set, why Purpose) (Answer, error) {
	if s.result.Runs >= s.Budget {
		return Fails, errBudget
	}
	s.result.Runs++
	answer, err := s.Try(Trial{Set: set, For: why, Number: s.result.Runs})
	if err != nil {
		return Fails, err
	}
	t := s.tallies[set]
	if t == nil {
		t = &tally{works: answer == Works}
		s.tallies[set] = t
	}
	t.counts[answer]++
	return answer, nil
}
