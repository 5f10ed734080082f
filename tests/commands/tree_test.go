package commands

import (
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestTreeDeep: a chain of 1,000 processes comes out one below the other.
func TestTreeDeep(t *testing.T) {
	const depth = 1000
	parent := crowd(t, "chain", strconv.Itoa(depth))
	found := list(t, "tree", strconv.Itoa(parent))
	at := -1
	for i, p := range found {
		if p.PID == parent {
			at = i
		}
	}
	if at < 0 || len(found) != at+1+depth {
		t.Fatalf("%d lines, the parent at %d", len(found), at)
	}
	for i := at + 1; i < len(found); i++ {
		p, above := found[i], found[i-1]
		if *p.PPID != above.PID || *p.Depth != *above.Depth+1 || len(p.Gained) != 0 {
			t.Fatalf("line %d: %d below %d, depth %d, gained %v", i, p.PID, above.PID, *p.Depth, p.Gained)
		}
	}
	out := capsh(t, "tree", strconv.Itoa(parent)).Out
	if n := strings.Count(out, "\n"); n != len(found) {
		t.Errorf("%d lines of text, %d of JSON", n, len(found))
	}
	for line := range strings.Lines(out) {
		if len(line) > 250 {
			t.Fatalf("indented without bounds: %q", line)
		}
	}
}

// TestTreeSiblings: 10,000 siblings that are alike have one line, and with --all
// one each.
func TestTreeSiblings(t *testing.T) {
	const n = 10000
	parent := crowd(t, "siblings", strconv.Itoa(n))
	out := capsh(t, "tree", strconv.Itoa(parent)).Out
	if !strings.Contains(out, "crowd x10000") {
		t.Errorf("not on one line:\n%.2000s", out)
	}
	out = capsh(t, "tree", "--all", strconv.Itoa(parent)).Out
	if found := strings.Count(out, " crowd "); found != n+1 {
		t.Errorf("%d lines of %d", found, n+1)
	}
	if found := len(children(list(t, "tree", strconv.Itoa(parent)), parent)); found != n {
		t.Errorf("%d objects of %d", found, n)
	}
}

// TestTreeAgrees: each process of a random crowd is below its parent with what
// its status says, and what it gained is what its parent lacks.
func TestTreeAgrees(t *testing.T) {
	parent := crowd(t, "random", "60", "5")
	all := list(t, "tree", "--all")
	byPID := map[int]listed{}
	for _, p := range all {
		if _, twice := byPID[p.PID]; twice {
			t.Errorf("process %d is there twice", p.PID)
		}
		byPID[p.PID] = p
		above, ok := byPID[*orZero(p.PPID)]
		switch {
		case ok != (*p.Depth > 0):
			t.Errorf("process %d: depth %d, its parent before it: %v", p.PID, *p.Depth, ok)
		case ok && *p.Depth != *above.Depth+1:
			t.Errorf("process %d: depth %d below %d", p.PID, *p.Depth, *above.Depth)
		case ok:
			holds := func(l listed) uint64 { return uint64(mask(t, l.Masks.Effective) | mask(t, l.Masks.Permitted)) }
			if more := holds(p) &^ holds(above); uint64(len(p.Gained)) != ones(more) {
				t.Errorf("process %d gained %v, not %x", p.PID, p.Gained, more)
			}
		}
	}
	found := children(all, parent)
	if len(found) != 60 {
		t.Errorf("%d of 60", len(found))
	}
	for _, p := range found {
		status, err := testenv.ReadStatus(path(p.PID, "status"))
		must(t, err)
		for _, d := range p.Disagreements(status) {
			t.Errorf("process %d: %s", p.PID, d)
		}
		checkThreads(t, p)
	}
}

func orZero(n *int) *int {
	if n == nil {
		return new(int)
	}
	return n
}

func ones(v uint64) (n uint64) {
	for ; v != 0; v &= v - 1 {
		n++
	}
	return n
}
