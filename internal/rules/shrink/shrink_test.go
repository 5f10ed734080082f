package shrink_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/shrink"
)

const (
	fullRuns = 5
	confirm  = 3
	budget   = 400
)

var all = caps.First(caps.Named)

// oracle says whether a command works with a set.
type oracle func(caps.Set) bool

// needs is a command that works with all of any one of the sets.
func needs(sets ...caps.Set) oracle {
	return func(has caps.Set) bool {
		return slices.ContainsFunc(sets, has.Contains)
	}
}

// danger is the catalogue's.
func danger(c caps.Cap) int {
	e, _ := catalog.Of(c)
	return int(e.Host)
}

// runs is how often a command must work, fail and hang.
func runs(works, fails, hangs int) func(shrink.Answer) int {
	return func(first shrink.Answer) int { return [...]int{fails, hangs, works}[first] }
}

// search is a search that asks an oracle.
func search(works oracle) *shrink.Search {
	return &shrink.Search{
		Limit: all, FullRuns: runs(fullRuns, confirm, 2), Confirm: confirm, Budget: budget, Danger: danger,
		Try: func(trial shrink.Trial) (shrink.Answer, error) {
			if works(trial.Set) {
				return shrink.Works, nil
			}
			return shrink.Fails, nil
		},
	}
}

func run(t *testing.T, s *shrink.Search) shrink.Result {
	t.Helper()
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Runs > s.Budget {
		t.Errorf("%d runs of at most %d", r.Runs, s.Budget)
	}
	if r.Reason != "" && (r.Keep != 0 || r.Needs != nil) {
		t.Errorf("nothing is claimed (%s), but %s", r.Reason, r.Keep)
	}
	return r
}

// check is that what is claimed suffices and nothing of it can go.
func check(t *testing.T, r *shrink.Result, works oracle) {
	t.Helper()
	if !works(r.Keep) {
		t.Errorf("{%s} is claimed and not enough", r.Keep)
	}
	for c := range r.Keep.All() {
		if works(r.Keep &^ c.Set()) {
			t.Errorf("{%s} is claimed, and %s can go", r.Keep, c)
		}
	}
	if r.Keep.Len() != len(r.Needs) {
		t.Errorf("{%s} is claimed, with reasons for %v", r.Keep, r.Needs)
	}
	for _, n := range r.Needs {
		if n.Runs < confirm {
			t.Errorf("%s: tried without it %d times", n.Cap, n.Runs)
		}
	}
}

// some are n random capabilities.
func some(rnd *rand.Rand, n int) (set caps.Set) {
	for set.Len() < n {
		set |= caps.Cap(rnd.IntN(caps.Named)).Set()
	}
	return set
}

// claimed is the result where a set has to be claimed.
func claimed(t *testing.T, works oracle) shrink.Result {
	t.Helper()
	r := run(t, search(works))
	if r.Reason != "" {
		t.Fatalf("none is claimed: %s after %d runs", r.Reason, r.Runs)
	}
	check(t, &r, works)
	return r
}

func TestMonotone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		set := some(rnd, rnd.IntN(caps.Named+1))
		if r := claimed(t, needs(set)); r.Keep != set {
			t.Errorf("{%s} is needed and {%s} claimed", set, r.Keep)
		}
	}
}

// TestAlternatives: with several sets that would do, what is claimed is one of
// them, and none of the others that were found is milder.
func TestAlternatives(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		sets := make([]caps.Set, 1+rnd.IntN(4))
		for i := range sets {
			sets[i] = some(rnd, 1+rnd.IntN(4))
		}
		works := needs(sets...)
		r := claimed(t, works)
		if !slices.Contains(sets, r.Keep) {
			t.Errorf("one of %v is needed and {%s} claimed", sets, r.Keep)
		}
		for _, set := range sets {
			if milder(set, r.Keep) {
				t.Errorf("{%s} is claimed where {%s} would do", r.Keep, set)
			}
		}
		for _, other := range r.Alternatives {
			if !works(other) || other == r.Keep {
				t.Errorf("{%s} is no alternative to {%s}", other, r.Keep)
			}
		}
	}
}

// milder says that a set's capabilities, most dangerous first, are below those of
// another.
func milder(a, b caps.Set) bool {
	return slices.Compare(dangers(a), dangers(b)) < 0
}

func dangers(set caps.Set) (list []int) {
	for c := range set.All() {
		list = append(list, danger(c)*caps.MaxBits-int(c))
	}
	slices.Sort(list)
	slices.Reverse(list)
	return list
}

// TestMilder: what sys_admin can do, and something milder as well, is claimed
// without sys_admin, also where watching saw sys_admin alone.
func TestMilder(t *testing.T) {
	admin := caps.SysAdmin.Set()
	for _, other := range []caps.Set{caps.SysNice.Set(), caps.Of(caps.NetAdmin, caps.NetRaw), caps.Of(caps.Chown, caps.Setuid, caps.SysPacct)} {
		works := needs(admin, other)
		for _, guided := range []bool{false, true} {
			s := search(works)
			if guided {
				s.Watched = func() (shrink.Watched, bool) { return shrink.Watched{Needs: []caps.Set{admin}}, true }
			}
			r := run(t, s)
			check(t, &r, works)
			if r.Keep != other || !slices.Equal(r.Alternatives, []caps.Set{admin}) || r.Guided != guided {
				t.Errorf("%s or %s, guided %v: %+v", admin, other, guided, r)
			}
			for _, n := range r.Needs {
				if !n.Replaceable {
					t.Errorf("%s can be replaced: %+v", n.Cap, r)
				}
			}
		}
	}
}

// TestNotMonotone: more may be worse. What is claimed still suffices and is
// minimal.
func TestNotMonotone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	claims := 0
	for range 3000 {
		seed, bad := rnd.Uint64(), some(rnd, 2)
		sets := []caps.Set{some(rnd, 1+rnd.IntN(3)), some(rnd, 1+rnd.IntN(3))}
		works := func(has caps.Set) bool {
			switch {
			case has == all:
				return true
			case has&bad == bad && has.Len() < 30: // two that don't go together
				return false
			}
			h := (uint64(has) ^ seed) * 0x9e3779b97f4a7c15 >> 40 // any answer, for one in 64
			return needs(sets...)(has) != (h%64 == 0)
		}
		r := run(t, search(works))
		if r.Reason == "" {
			claims++
			check(t, &r, works)
		}
	}
	if claims < 2000 {
		t.Errorf("%d of 3000 were claimed", claims)
	}
}

// TestFlaky: a command that works at random, or needs something at random, rarely
// gets an answer that says otherwise.
func TestFlaky(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	works := func(part int, needs caps.Set) oracle {
		return func(has caps.Set) bool { return rnd.IntN(100) < part && has.Contains(needs) }
	}
	const quick = 10 // runs of a quick command, as in capset
	for _, test := range []struct {
		name  string
		works oracle
		full  int
		least int
		most  int // answers other than flaky or not confirmed, in 1000
	}{
		{"works half of the time", works(50, 0), fullRuns, 0, 80},
		{"works half of the time, quick", works(50, 0), quick, 0, 5},
		{"works half of the time, quick and watched", works(50, 0), confirm, quick, 6},
		{"works in four of five, quick", works(80, 0), quick, 0, 35},
		{"works in one of five, quick", works(20, 0), quick, 0, 110},
		{"works with it in two of three", works(67, caps.Chown.Set()), fullRuns, 0, 25},
		{"works with it in two of three, quick", works(67, caps.Chown.Set()), quick, 0, 5},
		{"needs it half of the time", func(has caps.Set) bool { return has.Has(caps.Chown) || rnd.IntN(2) == 0 }, fullRuns, 0, 90},
	} {
		wrong := 0
		for range 1000 {
			s := search(test.works)
			s.FullRuns, s.Least = runs(test.full, max(test.full, test.least), 2), test.least
			if r := run(t, s); r.Reason != shrink.Flaky && r.Reason != shrink.NotConfirmed {
				wrong++
			}
		}
		if wrong > test.most {
			t.Errorf("%s: another answer %d times of 1000", test.name, wrong)
		}
	}
}

// TestOneLateTrial: one trial that fails for want of time, wherever it comes,
// costs no claim of too much.
func TestOneLateTrial(t *testing.T) {
	want := caps.Of(caps.Chown, caps.NetRaw, caps.SysTime)
	claims := 0
	for late := range 60 {
		s := search(needs(want))
		try := s.Try
		s.Try = func(trial shrink.Trial) (shrink.Answer, error) {
			if trial.Number == late+1 {
				return shrink.Hangs, nil
			}
			return try(trial)
		}
		r := run(t, s)
		if r.Reason == "" {
			claims++
			check(t, &r, needs(want))
		}
	}
	if claims < 40 {
		t.Errorf("%d of 60 were claimed", claims)
	}
}

func TestReasons(t *testing.T) {
	n := 0
	for _, test := range []struct {
		name string
		try  func(caps.Set) shrink.Answer
		want shrink.Reason
		runs int
	}{
		{"fails", func(caps.Set) shrink.Answer { return shrink.Fails }, shrink.FailsWithAll, confirm + 1},
		{"hangs", func(caps.Set) shrink.Answer { return shrink.Hangs }, shrink.DoesNotEnd, 2},
		{"hangs once", func(caps.Set) shrink.Answer {
			if n++; n == 1 {
				return shrink.Hangs
			}
			return shrink.Works
		}, shrink.Flaky, 2},
		{"refuses", func(has caps.Set) shrink.Answer {
			if has == 0 {
				return shrink.Works
			}
			return shrink.Fails
		}, shrink.RefusesCapabilities, confirm + confirm},
		{"works once", func(caps.Set) shrink.Answer {
			if n++; n == 1 {
				return shrink.Works
			}
			return shrink.Fails
		}, shrink.Flaky, 2},
		{"stops to work", func(caps.Set) shrink.Answer {
			if n++; n <= fullRuns+1 {
				return shrink.Works
			}
			return shrink.Fails
		}, shrink.Flaky, fullRuns + 3},
		{"stops to work with none", func(has caps.Set) shrink.Answer {
			if has == 0 {
				n++
			}
			if n > 1 && has == 0 {
				return shrink.Fails
			}
			return shrink.Works
		}, shrink.NotConfirmed, fullRuns + 2 + fullRuns},
	} {
		n = 0
		s := search(nil)
		s.Try = func(trial shrink.Trial) (shrink.Answer, error) { return test.try(trial.Set), nil }
		if r := run(t, s); r.Reason != test.want || r.Runs != test.runs {
			t.Errorf("%s: %q after %d runs, want %q after %d", test.name, r.Reason, r.Runs, test.want, test.runs)
		}
	}
}

// TestOrder: everything first, then nothing, and what watching saw.
func TestOrder(t *testing.T) {
	s := search(needs(caps.NetRaw.Set()))
	var got []shrink.Purpose
	try := s.Try
	s.Try = func(trial shrink.Trial) (shrink.Answer, error) {
		got = append(got, trial.For)
		return try(trial)
	}
	s.FullRuns = runs(confirm, confirm, 2)
	s.Watched = func() (shrink.Watched, bool) {
		return shrink.Watched{Needs: []caps.Set{caps.NetRaw.Set(), 1 << 50}}, len(got) == confirm+1
	}
	run(t, s)
	want := []shrink.Purpose{shrink.Full, shrink.Full, shrink.Full, shrink.Empty, shrink.Guided,
		shrink.Confirm, shrink.Alternative, shrink.Confirm, shrink.Confirm, shrink.Confirm}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// watched are needs without a choice.
func watched(set caps.Set) (w shrink.Watched) {
	for c := range set.All() {
		w.Needs = append(w.Needs, c.Set())
	}
	return w
}

// TestChoice: where watching leaves a choice, the mildest is tried first, then all.
func TestChoice(t *testing.T) {
	choice := caps.Of(caps.DACOverride, caps.DACReadSearch)
	for _, c := range []caps.Cap{caps.DACOverride, caps.DACReadSearch} {
		s := search(needs(c.Set() | caps.Kill.Set()))
		s.Watched = func() (shrink.Watched, bool) { return shrink.Watched{Needs: []caps.Set{choice, caps.Kill.Set()}}, true }
		if r := run(t, s); r.Keep != c.Set()|caps.Kill.Set() || !r.Guided {
			t.Errorf("%s is needed: %+v", c, r)
		}
	}
}

// TestOptional: what is only optional is tried last, before the search that watching does
// not lead.
func TestOptional(t *testing.T) {
	s := search(needs(caps.Of(caps.Kill, caps.SysNice)))
	s.Watched = func() (shrink.Watched, bool) {
		return shrink.Watched{Needs: []caps.Set{caps.Kill.Set()}, Optional: []caps.Set{caps.SysNice.Set()}}, true
	}
	if r := run(t, s); r.Keep != caps.Of(caps.Kill, caps.SysNice) || !r.Guided {
		t.Errorf("%+v", r)
	}
}

// TestGuidedAlternatives: what watching saw leads also to the alternatives, and where it
// does not, they are found all the same.
func TestGuidedAlternatives(t *testing.T) {
	mild, other, unseen := caps.NetRaw.Set(), caps.NetAdmin.Set(), caps.SysModule.Set()
	for _, c := range []struct {
		saw, alternative caps.Set
		runs             int
	}{{mild | other, other, 12}, {mild, unseen, budget}} {
		s := search(needs(mild, c.alternative))
		s.FullRuns = runs(confirm, confirm, 2)
		s.Watched = func() (shrink.Watched, bool) { return shrink.Watched{Needs: []caps.Set{c.saw}}, true }
		if r := run(t, s); r.Keep != mild || !slices.Equal(r.Alternatives, []caps.Set{c.alternative}) || r.Runs > c.runs {
			t.Errorf("%s seen: %+v", c.saw, r)
		}
	}
}

// TestWrongGuide: what watching saw may be wrong; the answer is right anyway.
func TestWrongGuide(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 1000 {
		set := some(rnd, rnd.IntN(4))
		s := search(needs(set))
		saw := some(rnd, rnd.IntN(4))
		s.Watched = func() (shrink.Watched, bool) { return watched(saw), true }
		r := run(t, s)
		check(t, &r, needs(set))
		if r.Keep != set || r.Guided != (saw.Contains(set) && set != 0) {
			t.Errorf("{%s} is needed, {%s} seen, {%s} claimed, guided %v", set, saw, r.Keep, r.Guided)
		}
	}
}

// TestGuidedIsShort: in the median, watching halves the trials at least.
func TestGuidedIsShort(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	var blind, guided []int
	for range 1000 {
		set := some(rnd, 1+rnd.IntN(3))
		noise := some(rnd, rnd.IntN(2))
		blind = append(blind, claimed(t, needs(set)).Runs)
		s := search(needs(set))
		s.FullRuns = runs(confirm, confirm, 2)
		s.Watched = func() (shrink.Watched, bool) { return watched(set | noise), true }
		guided = append(guided, run(t, s).Runs)
	}
	slices.Sort(blind)
	slices.Sort(guided)
	t.Logf("trials in the median: blind %d, at most %d; guided %d, at most %d", blind[500], blind[999], guided[500], guided[999])
	if 2*guided[500] > blind[500] {
		t.Errorf("guided %d, blind %d", guided[500], blind[500])
	}
}

// TestBudget: a search without trials left claims nothing.
func TestBudget(t *testing.T) {
	for n := range 40 {
		s := search(needs(caps.Of(caps.Chown, caps.NetRaw, caps.SysTime, caps.Kill)))
		s.Budget = n + 1
		r := run(t, s)
		if r.Reason != shrink.NotConfirmed || !r.OutOfBudget || r.Runs != n+1 {
			t.Errorf("with %d trials: %+v", n+1, r)
		}
	}
}

func TestError(t *testing.T) {
	broken := errors.New("broken")
	for n := range 40 {
		s := search(needs(caps.Of(caps.Chown, caps.NetRaw, caps.SysTime, caps.Kill)))
		try := s.Try
		s.Try = func(trial shrink.Trial) (shrink.Answer, error) {
			if trial.Number == n+1 {
				return 0, broken
			}
			return try(trial)
		}
		if r, err := s.Run(); !errors.Is(err, broken) || r.Keep != 0 || r.Runs != n+1 {
			t.Errorf("broken at trial %d: %+v, %v", n+1, r, err)
		}
	}
}

// TestLimit: no trial goes beyond it, and an empty one has an answer too.
func TestLimit(t *testing.T) {
	for _, limit := range []caps.Set{0, caps.Kill.Set(), caps.Of(caps.Chown, caps.NetRaw)} {
		for _, need := range []caps.Set{0, caps.NetRaw.Set()} {
			s := search(needs(need))
			try := s.Try
			s.Limit = limit
			s.Try = func(trial shrink.Trial) (shrink.Answer, error) {
				if !limit.Contains(trial.Set) {
					t.Errorf("{%s} was tried beyond {%s}", trial.Set, limit)
				}
				return try(trial)
			}
			r := run(t, s)
			if works := limit.Contains(need); works != (r.Reason == "") || !works && r.Reason != shrink.FailsWithAll {
				t.Errorf("{%s} is needed, {%s} the limit: %+v", need, limit, r)
			}
		}
	}
}
