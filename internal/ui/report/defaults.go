package report

import (
	"fmt"
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/term"
)

// DefaultsTable appends which capability each runtime gives by default, in lines
// of at most width characters, which must be 80 or more, and where that is said.
// Runtimes with the same set share a column.
func DefaultsTable(b []byte, list []catalog.RuntimeDefault, width int) []byte {
	var t, legend term.Table
	head := []string{"NAME"}
	var all caps.Set
	var columns []catalog.RuntimeDefault
	for i, d := range list {
		if firstLike(list, d) != i {
			continue
		}
		columns = append(columns, d)
		head = append(head, d.Column)
		all |= d.Set
	}
	t.Row(head...)
	for c := range all.All() {
		row := []string{c.Short()}
		for _, d := range columns {
			cell := ""
			if d.Set.Has(c) {
				cell = "*"
			}
			row = append(row, cell)
		}
		t.Row(row...)
	}
	b = append(t.Append(b, width), '\n')
	b = term.AppendHung(b, "", "No runtime gives "+listOf(caps.First(caps.Named)&^all)+" by default.", width)
	b = append(b, '\n')
	for i, d := range list {
		like := ""
		if first := firstLike(list, d); first != i {
			like = ", as " + list[first].Column
		}
		legend.Row(d.Column, d.Set.Mask()[6:], describeDefault(d, like))
	}
	return legend.Append(b, width)
}

// firstLike is the first of a list that has the same set as d.
func firstLike(list []catalog.RuntimeDefault, d catalog.RuntimeDefault) int {
	return slices.IndexFunc(list, func(x catalog.RuntimeDefault) bool { return x.Set == d.Set })
}

func describeDefault(d catalog.RuntimeDefault, like string) string {
	text := fmt.Sprintf("%d in %s %s%s", d.Set.Len(), d.Name, d.Version, like)
	if d.Note != "" {
		text += "; " + d.Note
	}
	return text + " [" + d.Source + "]"
}

// listOf is the short names of a set with commas and "and" between.
func listOf(s caps.Set) string {
	if s == 0 {
		return "none"
	}
	return term.List(s.ShortNames())
}
