package main

import (
	"errors"
	"slices"

	"capsh/internal/caps"
	"capsh/internal/probe"
	"capsh/internal/render"
)

const explainUsage = `usage: capsh explain [--json] [CAP ...]
What capabilities are: what each permits, what it is used for, and what it gives
away. Without CAP, all of them in a table. CAP is a name with or without cap_, or
a number, several with commas between; all is every one, in full.
`

// runExplain is capsh explain.
func runExplain(args []string, out *output) (int, error) {
	var list []caps.Cap
	json := false
	for _, arg := range args {
		switch arg {
		case "--help", "-h":
			out.text(explainUsage)
			return exitYes, nil
		case "--json", "--format=json":
			json = true
			continue
		case "--format=text":
			json = false
			continue
		}
		if arg == "" || arg[0] == '-' {
			return exitUsage, errors.New("explain: unknown option " + quote(arg))
		}
		set, err := caps.ParseList(arg, caps.First(caps.Named))
		if err != nil {
			return exitUsage, errors.New("explain: " + err.Error())
		}
		list = slices.AppendSeq(list, set.All())
	}
	explainList(list, json, out)
	return exitYes, nil
}

// explainList explains each of a list, all in a table if it is empty.
func explainList(list []caps.Cap, json bool, out *output) {
	switch {
	case json:
		if len(list) == 0 {
			list = slices.Collect(caps.First(caps.Named).All())
		}
		var j render.JSON
		render.ExplainJSON(&j, list, probe.KernelBits())
		out.buf = append(append(out.buf, j.Bytes()...), '\n')
	case len(list) == 0:
		out.buf = render.ExplainTable(out.buf, tableWidth)
	default:
		out.buf = appendExplained(out.buf, list, probe.KernelBits())
	}
}

// appendExplained appends one description after the other.
func appendExplained(b []byte, list []caps.Cap, kernelBits int) []byte {
	for i, c := range list {
		if i > 0 {
			b = append(b, '\n')
		}
		b = render.Explain(b, c, kernelBits)
	}
	return b
}

// tableWidth is the width of tables: a terminal of the usual size.
const tableWidth = 80
