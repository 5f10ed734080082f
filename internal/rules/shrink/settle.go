package shrink

import (
	"cmp"
	"slices"
	"sort"

	"capsh/internal/rules/caps"
)

// settle looks for less dangerous sets than the one found and then confirms it.
// Where the confirmation finds that one more capability is not needed, both begin
// again without it, so the set gets smaller each time.
func (s *state) settle(found caps.Set) (Reason, error) {
	checked := caps.Set(0)
	for {
		// A set that worked by chance is refuted here, before the many runs of alternatives.
		again, err := s.confirmWorks(found)
		if err != nil {
			return "", err
		}
		if !again {
			return s.refuted()
		}
		if found, err = s.milder(found, &checked); err != nil {
			return "", err
		}
		outcome, less, err := s.confirm(found)
		switch {
		case err != nil:
			return "", err
		case outcome == refuted:
			return s.refuted()
		case outcome == confirmed:
			s.claim(found)
			return "", nil
		}
		found = less
	}
}

// refuted distinguishes a command that is flaky with all capabilities from one that is
// flaky with fewer.
func (s *state) refuted() (Reason, error) {
	if steady, err := s.steady(s.tallies[s.Limit].runs()+s.need, Works); err != nil || !steady {
		return Flaky, err
	}
	return NotConfirmed, nil
}

// milder tries, once for each capability of a set that works, everything but that
// one. If that works, there are alternatives: the less dangerous one is taken, the
// other one noted.
func (s *state) milder(set caps.Set, checked *caps.Set) (caps.Set, error) {
	for set&^*checked != 0 {
		c := s.byDanger(set &^ *checked)[0]
		*checked |= c.Set()
		works, err := s.works(s.Limit&^c.Set(), Alternative)
		if err != nil {
			return 0, err
		}
		if !works {
			continue
		}
		other, err := s.without(c)
		if err != nil {
			return 0, err
		}
		if s.compare(other, set) < 0 {
			set, other = other, set
		}
		if other != set && !slices.Contains(s.result.Alternatives, other) {
			s.result.Alternatives = append(s.result.Alternatives, other)
		}
	}
	return set, nil
}

// without reduces everything but a capability, or what watching suggests but it, if the
// command works with that: it is much less.
func (s *state) without(c caps.Cap) (caps.Set, error) {
	if less := s.suggested &^ c.Set(); less != 0 {
		works, err := s.works(less, Alternative)
		if err != nil {
			return 0, err
		}
		if works {
			return s.reduce(less, 1)
		}
	}
	return s.reduce(s.Limit&^c.Set(), caps.MaxBits)
}

// outcome is what the confirmation of a set says.
type outcome uint8

const (
	confirmed outcome = iota
	refuted           // the same set got different answers
	smaller           // it works without one of its capabilities
)

// confirm runs a set and each of those with one capability less until each has
// been run often enough; a smaller set that works is returned. The turns
// alternate, so that what one run leaves behind meets another.
func (s *state) confirm(set caps.Set) (outcome, caps.Set, error) {
	list := s.byDanger(set)
	for range max(s.need, s.Confirm) {
		if again, err := s.confirmWorks(set); err != nil || !again {
			return refuted, 0, err
		}
		for _, c := range list {
			less := set &^ c.Set()
			if out, err := s.confirmFails(less); err != nil || out != confirmed {
				return out, less, err
			}
		}
	}
	for s.result.Runs < s.Least {
		if answer, err := s.try(set, Confirm); err != nil || answer != Works {
			return refuted, 0, err
		}
	}
	return confirmed, 0, nil
}

// confirmWorks runs a set that should work once more, if that is necessary.
func (s *state) confirmWorks(set caps.Set) (bool, error) {
	if t := s.tallies[set]; t == nil || t.fails() == 0 && t.runs() < s.need {
		if _, err := s.try(set, Confirm); err != nil {
			return false, err
		}
	}
	return s.tallies[set].fails() == 0, nil
}

// confirmFails runs a set that should fail once more, if that is necessary. One that
// works now and failed before is run until it has worked as often as others
// have to fail: the earlier trial may have failed for lack of time.
func (s *state) confirmFails(set caps.Set) (outcome, error) {
	t := s.tallies[set]
	if t != nil && t.successes() == 0 && t.runs() >= s.Confirm {
		return confirmed, nil
	}
	answer, err := s.try(set, Confirm)
	if err != nil {
		return refuted, err
	}
	t = s.tallies[set]
	if answer != Works {
		if t.successes() > 0 {
			return refuted, nil
		}
		return confirmed, nil
	}
	if t.fails() > 0 {
		s.late++
	}
	const most = 2
	if t.fails() > 1 || s.late > most {
		return refuted, nil
	}
	for t.successes() < s.Confirm {
		if again, err := s.try(set, Confirm); err != nil || again != Works {
			return refuted, err
		}
	}
	*t = tally{works: true}
	t.counts[Works] = s.Confirm
	return smaller, nil
}

// claim notes the set that is the result.
func (s *state) claim(set caps.Set) {
	s.result.Keep = set
	for c := range set.All() {
		t := s.tallies[set&^c.Set()]
		all := s.tallies[s.Limit&^c.Set()]
		s.result.Needs = append(s.result.Needs, Need{
			Cap: c, Runs: t.runs(), Hangs: t.counts[Hangs], Replaceable: all != nil && all.works,
		})
	}
	s.result.Alternatives = slices.DeleteFunc(s.result.Alternatives, func(other caps.Set) bool { return other.Contains(set) })
}

// byDanger lists the capabilities of a set, most dangerous first.
func (s *state) byDanger(set caps.Set) []caps.Cap {
	list := slices.Collect(set.All())
	sort.SliceStable(list, func(i, j int) bool { return s.order(list[i], list[j]) < 0 })
	return list
}

// order puts the more dangerous one first; of equals, the one of the lower
// number.
func (s *state) order(a, b caps.Cap) int {
	return cmp.Or(cmp.Compare(s.Danger(b), s.Danger(a)), cmp.Compare(a, b))
}

// compare orders two sets by their most dangerous capability, then by the next,
// and so on: the milder one is less.
func (s *state) compare(a, b caps.Set) int {
	return slices.CompareFunc(s.byDanger(a), s.byDanger(b), func(a, b caps.Cap) int { return s.order(b, a) })
}
