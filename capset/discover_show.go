package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"capsh/internal/linux/trial"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"
	"capsh/internal/rules/shrink"
	"capsh/internal/ui/export"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// report writes the result in the form that was asked for. The error is about a set that
// the form cannot express.
func (d *discovery) report(doc *schema.Discovery, out *term.Output) error {
	if d.mode.json() {
		out.Buf = schema.Append(out.Buf, doc)
		return nil
	}
	var lines []byte
	if doc.Keep != nil {
		var warnings []string
		var err error
		if lines, warnings, err = d.lines(doc); err != nil {
			return err
		}
		doc.Warnings = append(doc.Warnings, warnings...)
	}
	if d.mode.quiet {
		doc.Warnings = nil
	}
	out.Buf = report.Discovery(out.Buf, doc, lines, out.TextWidth())
	return nil
}

// lines are those to paste, in the form that was asked for; of a container they
// are options of its engine.
func (d *discovery) lines(doc *schema.Discovery) (lines []byte, warnings []string, err error) {
	if d.discover.in.OK {
		return []byte(strings.Join(d.engineOptions(d.result.Keep), " ") + "\n"), nil, nil
	}
	form := "docker"
	if slices.Contains(export.Formats(), d.mode.format.Value) {
		form = d.mode.format.Value
	}
	return export.Grant{}.Found(doc, d.result.Keep).Format(nil, form)
}

// appendPlan appends the plan of the trials, for a dry run.
func (d *discovery) appendPlan(b []byte) []byte {
	b = fmt.Appendf(b, "up to %d trials, starting from %s; timeout %v each\n", d.search.Budget, plan.Names(d.limit), d.runner.Limit())
	for _, step := range []string{
		"at least 2 runs with the full set (more if the command is fast); all must succeed",
		"1 run without any capability",
		"without half of the remaining capabilities, then without smaller groups and single ones, the most dangerous first",
		"for each remaining capability, with all others, to find alternatives",
		fmt.Sprintf("the resulting set, until it has succeeded as many times; then the set minus each capability, until that has failed %d times", d.search.Confirm),
	} {
		b = append(append(append(b, "  "...), step...), '\n')
	}
	for _, helper := range []struct {
		when string
		cmd  *trial.Command
	}{{"before each", d.runner.Reset}, {"ready if", d.runner.Ready}, {"works if", d.runner.Check}} {
		if helper.cmd != nil {
			b = fmt.Appendf(b, "%s: %s\n", helper.when, term.Escape(helper.cmd.Argv[len(helper.cmd.Argv)-1]))
		}
	}
	if d.plan == nil {
		return append(b, term.Escape(fmt.Sprintf("the first trial: %q", d.engineWords(d.limit)))+"\n"...)
	}
	return append(append(b, "the first trial:\n"...), d.plan.show(&modeOptions{}, false)...)
}

// progress is the line on a terminal that says what is tried.
type progress struct {
	w io.Writer
	*discovery
	began time.Time
	last  string
}

func (p *progress) before(t *shrink.Trial) {
	if p == nil {
		return
	}
	if t.Number == 1 {
		p.began = time.Now()
	}
	p.line(fmt.Sprintf("trial %d: %s%s", t.Number, shortNames(t.Set), p.last))
}

func (p *progress) after(t *shrink.Trial, o *trial.Outcome) {
	if p == nil {
		return
	}
	verdict := "failed"
	if o.Works {
		verdict = "worked"
	}
	mean := time.Since(p.began) / time.Duration(t.Number)
	const expected = 35 // trials, about
	left := mean * time.Duration(max(expected-t.Number, 1))
	p.last = fmt.Sprintf(" (before: %s; about %v left)", verdict, left.Round(time.Second))
}

// line shows a text in the place of the one before.
func (p *progress) line(text string) {
	text = term.Escape(text)
	if width := term.Width(p.w); width > 0 && len(text) >= width {
		text = text[:width-1]
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

func (p *progress) clear() {
	if p != nil {
		io.WriteString(p.w, "\r\x1b[K")
	}
}

// shortNames is a set for a line: some names, or how many there are.
func shortNames(set caps.Set) string {
	const few = 5
	switch n := set.Len(); {
	case n == 0:
		return "no capability"
	case n > few:
		return fmt.Sprintf("%d capabilities", n)
	}
	return strings.Join(set.ShortNames(), ",")
}
