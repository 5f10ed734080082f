package main

import (
	"slices"
	"strings"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/environ"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// show is what a dry run prints: the value that a real run carries out.
func (p *planned) show(m *modeOptions, color term.Color) string {
	c := schema.Command{Path: p.command, Argv: p.argv, Environment: changedVariables(p.inherited, p.env)}
	if p.found < len(p.paths) {
		c.Path = p.paths[p.found]
	}
	shown := *p.Plan
	if m.quiet {
		shown.Warnings, shown.Notes = nil, nil
	}
	if !m.json() {
		return string(report.Plan(nil, &shown, &c, color))
	}
	return string(schema.Append(nil, schema.NewPlan(&shown, c)))
}

// changedVariables are the variables that differ between two environments, by name.
func changedVariables(before, after []string) (list []schema.Variable) {
	var names []string
	for _, v := range slices.Concat(before, after) {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	get := func(env []string, name string) (v cred.Known[string]) {
		v.Value, v.OK = environ.Get(env, name)
		return v
	}
	for _, name := range slices.Compact(names) {
		if was, is := get(before, name), get(after, name); was != is {
			list = append(list, schema.Variable{Name: name, Before: was, After: is})
		}
	}
	return list
}
