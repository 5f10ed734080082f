package main

import (
	"errors"
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const explainUsage = `usage: capsh explain [--json] [--proc=DIR] [CAP ...]
       capsh explain [--json] --defaults
What capabilities are: what each permits, what it is used for, and what it gives
away. Without CAP, all of them in a table. CAP is a name with or without cap_,
or a number, several with commas between; all is every one, in full.

    --defaults  what each container runtime gives by default, and the source
    --json      as one JSON object; --format=text|json
    --proc=DIR  say which of them the kernel has that this procfs is of
    --color=auto|always|never
`

// runExplain is capsh explain.
func runExplain(args, _ []string, out *term.Output) (int, error) {
	var c common
	var defaults bool
	operands, err := parseCommand(args, c.options(flag("defaults", &defaults)))
	if err != nil {
		return exitUsage, err
	}
	if defaults {
		if len(operands) > 0 {
			return exitUsage, errors.New("--defaults takes no CAP")
		}
		explainDefaults(c.json, out)
		return exitYes, nil
	}
	var list []caps.Cap
	for _, operand := range operands {
		set, err := caps.ParseList(operand, caps.First(caps.Named))
		if err != nil {
			return exitUsage, err
		}
		list = slices.AppendSeq(list, set.All())
	}
	bits, err := toldBits(c.proc)
	if err != nil {
		return exitNo, err
	}
	explainList(list, bits, c.json, out)
	return exitYes, nil
}

// explainDefaults tells what container runtimes give by default.
func explainDefaults(json bool, out *term.Output) {
	if json {
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { schema.DefaultsJSON(j, catalog.Defaults()) })
		return
	}
	out.Buf = report.DefaultsTable(out.Buf, catalog.Defaults(), out.TextWidth())
}

// explainList explains each of a list, all in a table if it is empty.
func explainList(list []caps.Cap, kernelBits int, json bool, out *term.Output) {
	switch {
	case json:
		if len(list) == 0 {
			list = slices.Collect(caps.First(caps.Named).All())
		}
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { schema.ExplainJSON(j, list, kernelBits) })
	case len(list) == 0:
		out.Buf = report.ExplainTable(out.Buf, out.TextWidth())
	default:
		out.Buf = report.Explanations(out.Buf, list, kernelBits)
	}
}
