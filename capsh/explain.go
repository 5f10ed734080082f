package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// explainCommand is capsh explain.
type explainCommand struct {
	view
	defaults, sources bool
}

func (c *explainCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh explain [option ...] [CAP ...]",
		About: `Describes capabilities: what each permits, what uses it, and what it endangers.
Without CAP, all of them in a table. CAP is a name with or without cap_, or a
number; several are comma-separated; all describes each in full.
`,
		Options: func(o *flags.Options) {
			o.Group("what")
			flags.Switch(o, "--sources", "cite a source for each statement", &c.sources)
			flags.Switch(o, "--defaults", "what each container runtime gives by default", &c.defaults)
			c.outputs(o)
		},
		Operand: flags.CompleteCaps,
	}
}

func (c *explainCommand) run(operands, _ []string, out *term.Output) error {
	if c.defaults {
		switch {
		case len(operands) > 0:
			return usageError("--defaults takes no CAP")
		case c.sources:
			return usageError("--defaults shows its sources itself: without --sources")
		}
		explainDefaults(c.json(), out)
		return nil
	}
	var list []caps.Cap
	for _, operand := range operands {
		set, err := meant(operand)
		if err != nil {
			return exit.With(exit.Usage, err)
		}
		list = slices.AppendSeq(list, set.All())
	}
	bits, err := reportedBits(c.proc)
	if err == nil {
		c.explain(list, bits, out)
	}
	return err
}

// meant is the capabilities of an operand. To explain another than the one that was
// meant does no harm: "ptrace" is sys_ptrace.
func meant(operand string) (caps.Set, error) {
	set, err := caps.ParseList(operand, caps.First(caps.Named))
	var unknown *caps.UnknownName
	switch {
	case err != nil && strings.HasPrefix(operand, "0"):
		return 0, exit.Hint(err, "the bits of a mask: capsh --decode="+operand)
	case !errors.As(err, &unknown):
		return set, err
	}
	if strings.HasSuffix(unknown.Near, "_"+strings.ToLower(unknown.Text)) {
		return meant(strings.ReplaceAll(operand, unknown.Text, unknown.Near))
	}
	if found := catalog.Suggest(unknown.Text); unknown.Near == "" && len(found) > 0 {
		return 0, exit.Hint(err, fmt.Sprintf("their descriptions have it: %s (capsh --suggest=%s)", caps.Of(found...), unknown.Text))
	}
	return 0, exit.Hint(err, "capsh explain lists all capabilities")
}

// explainDefaults shows what container runtimes give by default.
func explainDefaults(json bool, out *term.Output) {
	if json {
		out.Buf = schema.Append(out.Buf, schema.NewDefaults(catalog.Defaults()))
		return
	}
	out.Buf = report.DefaultsTable(out.Buf, catalog.Defaults(), out.TextWidth())
}

// explain explains each of a list, all in a table if it is empty.
func (c *explainCommand) explain(list []caps.Cap, kernelBits int, out *term.Output) {
	if len(list) == 0 && (c.json() || c.sources) {
		list = slices.Collect(caps.First(caps.Named).All())
	}
	switch {
	case c.json():
		out.Buf = schema.Append(out.Buf, schema.NewCatalog(list, kernelBits))
	case len(list) == 0:
		out.Buf = report.ExplainTable(out.Buf, out.TextWidth())
	default:
		out.Buf = report.Explanations(out.Buf, list, kernelBits, c.sources)
	}
}
