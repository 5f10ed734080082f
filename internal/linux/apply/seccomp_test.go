package apply

import "testing"

// TestFilterCount: one filter more than before, where the kernel counts them, and
// the mode in any case.
func TestFilterCount(t *testing.T) {
	const head = "Name:\tSeccomp:\t2\nNoNewPrivs:\t1\n"
	none, one, two := head+"Seccomp:\t0\nSeccomp_filters:\t0\n", head+"Seccomp:\t2\nSeccomp_filters:\t1\n", head+"Seccomp:\t2\nSeccomp_filters:\t2\n"
	oldNone, oldSome := head+"Seccomp:\t0\n", head+"Seccomp:\t2\n" // before Linux 5.9
	for _, c := range []struct {
		before, after string
		shows, ok     bool
	}{
		{none, one, true, true}, {none, none, true, false}, {none, two, true, false}, {none, head, true, false},
		{none, head + "Seccomp:\t0\nSeccomp_filters:\t1\n", true, false},
		{one, two, true, true}, {one, one, true, false}, {one, none, true, false}, {one, oldSome, true, false},
		{oldNone, oldSome, true, true}, {oldNone, oldNone, true, false},
		{oldSome, oldSome, false, true},
		{head, oldSome, false, true},
	} {
		before, after := countFilters([]byte(c.before)), countFilters([]byte(c.after))
		if got := before.shows(); got != c.shows {
			t.Errorf("%q shows one more: %t", c.before, got)
		}
		if err := before.check(after); (err == nil) != c.ok {
			t.Errorf("%q, then %q: %v", c.before, c.after, err)
		}
	}
}
