package main

import (
	"capsh/internal/rules/plan"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
)

// show is what a dry run prints: the value that a real run carries out.
func (l *launch) show(p *plan.Plan) string {
	c := schema.Command{Path: l.command, Argv: l.argv}
	if l.found < len(l.paths) {
		c.Path = l.paths[l.found]
	}
	shown := *p
	if l.quiet {
		shown.Warnings = nil
	}
	if !l.json {
		return string(report.Plan(nil, &shown, &c))
	}
	var j schema.JSON
	j.Plan(&shown, &c)
	return string(j.Bytes()) + "\n"
}
