package main

import (
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
)

// show is what a dry run prints: the value that a real run carries out.
func (p *planned) show(m *modeOptions) string {
	c := schema.Command{Path: p.command, Argv: p.argv}
	if p.found < len(p.paths) {
		c.Path = p.paths[p.found]
	}
	shown := *p.Plan
	if m.quiet {
		shown.Warnings, shown.Notes = nil, nil
	}
	if !m.json() {
		return string(report.Plan(nil, &shown, &c))
	}
	return string(schema.Append(nil, schema.NewPlan(&shown, c)))
}
