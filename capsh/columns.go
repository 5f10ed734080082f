package main

import (
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// columns are those in which processes are shown.
type columns struct {
	list     []report.Column // none for the usual ones
	noHeader bool
}

func (c *columns) options(o *flags.Options) {
	flags.To(o, "-o, --columns", report.Columns, &c.list, columnList)
	flags.Switch(o, "-n, --no-headers", "without the titles of the columns", &c.noHeader)
}

// asked says that some were asked for.
func (c *columns) asked() bool { return c.list != nil || c.noHeader }

// commands says that command lines are shown.
func (c *columns) commands() bool { return slices.Contains(c.list, report.Command) }

// columnList is columns with commas between.
var columnList = flags.Kind[[]report.Column]{
	Word: "COLUMN,...",
	Parse: func(text string) (list []report.Column, err error) {
		for word := range strings.SplitSeq(text, ",") {
			c, ok := report.ParseColumn(word)
			if !ok {
				return nil, noColumn(word)
			}
			list = append(list, c)
		}
		return list, nil
	},
	Complete: func(typed string) []string { return flags.Listed(strings.Split(report.Columns, ","), typed) },
}

// noColumn is the error of a word that is no column; some are those of ps(1).
func noColumn(word string) error {
	near := ""
	switch word {
	case "cmd", "args":
		near = "command"
	case "comm", "ucmd":
		near = "name"
	case "euser", "uid":
		near = "user"
	case "caps":
		near = "has"
	default:
		return fmt.Errorf("no column %q: the columns are %s", word, report.Columns)
	}
	return fmt.Errorf("no column %q, did you mean %s?", word, near)
}

// draw writes rows in columns.
func (l *listing) draw(rows []report.Row, env []string, out *term.Output) {
	list := report.List{All: caps.First(kernelBits(l.proc)), First: l.caps, Columns: l.columns.list, NoHeader: l.columns.noHeader,
		Width: l.width(out), Color: out.Color(l.color, env)}
	out.Buf = list.Append(out.Buf, rows)
}
