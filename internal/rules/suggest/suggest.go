// Package suggest finds the word that a mistyped one most likely meant. It is
// pure.
package suggest

import "iter"

// Nearest is the candidate with the fewest letters to change: at most two, and
// at most half of the word's; "" if none is that near.
func Nearest(word string, candidates iter.Seq[string]) string {
	best, least := "", min(2, len(word)/2)+1
	for c := range candidates {
		if d := distance(word, c, least); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is how many letters must be added, left out or changed to turn a
// into b (Levenshtein's distance); it is limit where it is not less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1) // from a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return min(row[len(b)], limit)
}
