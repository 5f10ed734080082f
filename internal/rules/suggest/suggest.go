// Package suggest finds the known word nearest to a mistyped one. It is pure.
package suggest

import (
	"iter"
	"strings"
)

// Nearest is the candidate that differs from the word by a typing error: one letter
// added, left out, changed, or swapped with the next; up to two of these in a word of
// at least eight letters. It is "" where there is none, and where two are equally
// near: spelling does not decide which of them was meant.
func Nearest(word string, candidates iter.Seq[string]) string {
	least := 2
	if len(strings.TrimLeft(word, "-")) >= 8 {
		least = 3
	}
	best := ""
	for c := range candidates {
		switch d := distance(word, c, least+1); {
		case len(word) < 2 || d > least || c == best:
		case d == least:
			best = ""
		default:
			best, least = c, d
		}
	}
	return best
}

// distance is how many such errors turn a into b (the optimal string alignment
// distance), at most limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	// The rows are from a[:i-2], a[:i-1] and a[:i] to each b[:j].
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
