package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// psCommand is capsh ps.
type psCommand struct {
	listing
	sort     string
	columns  []report.Column
	noHeader bool
}

func (c *psCommand) table() *flags.Table {
	sort := flags.Among("KEY", "pid", "ppid", "user", "name", "container", "caps")
	return &flags.Table{
		Usage: "capsh ps [option ...] [PID|NAME ...]",
		About: `Processes of which a thread has a capability. Of those that are named, by id or
by a pattern such as 'nginx*', all. Exit status 1 if none is as asked for.
`,
		Groups: []flags.Group{
			{Title: "which", Options: append(c.filters(),
				flags.Option{Name: "all", Help: "those without any too, and kernel threads", Value: flags.Switch(&c.all)},
				flags.Option{Name: "threads", Help: "threads that differ from the first, each on a line", Value: flags.Switch(&c.threads)},
				flags.Option{Name: "sort", Help: "pid, ppid, user, name, container, caps (most first)", Value: flags.To(&c.sort, sort)},
			)},
			c.outputs(
				flags.Option{Name: "columns", Short: "o", Help: strings.Join(report.ColumnNames(), ","), Value: flags.Do(columnList, func(list []report.Column) error {
					c.columns = list
					c.commands = slices.Contains(list, report.Command)
					return nil
				})},
				flags.Option{Name: "no-headers", Short: "n", Help: "without the titles of the columns", Value: flags.Switch(&c.noHeader)},
			),
		},
		After: `MARK  a  something is ambient          b  execve can give more
      u  another user namespace        n  no_new_privs     ?  not known
HAS   names without cap_; "=" and letters show how: e effective, p permitted,
      i inheritable, a ambient; with none it is ep. +N: N more.
JSON is one object a line.
`,
		Operand: flags.CompletePIDs,
	}
}

// otherColumns are words of ps(1) for what has another word here.
var otherColumns = map[string]report.Column{
	"cmd": report.Command, "args": report.Command, "comm": report.Name, "ucmd": report.Name,
	"euser": report.User, "uid": report.User, "caps": report.Has, "holds": report.Has,
}

// columnList is columns with commas between.
var columnList = flags.Kind[[]report.Column]{
	Word: "COLUMN,...",
	Parse: func(text string) (list []report.Column, err error) {
		for word := range strings.SplitSeq(text, ",") {
			c, ok := report.ParseColumn(word)
			if !ok {
				if near := otherColumns[word]; near != "" {
					return nil, fmt.Errorf("no column %q, did you mean %s?", word, near)
				}
				return nil, fmt.Errorf("no column %q: the columns are %s", word, strings.Join(report.ColumnNames(), ", "))
			}
			list = append(list, c)
		}
		return list, nil
	},
	Complete: func(typed string) []string { return flags.Listed(report.ColumnNames(), typed) },
}

func (c *psCommand) run(operands, env []string, out *term.Output) error {
	switch {
	case c.json() && c.sort != "pid":
		return usageError("--sort: JSON comes as it is read, by pid")
	case c.json() && (c.columns != nil || c.noHeader):
		return usageError("--columns and --no-headers are for text: JSON has every member")
	}
	if err := c.name(operands); err != nil {
		return err
	}
	return c.show(out, func() error { return c.once(env, out) })
}

// once lists the processes.
func (c *psCommand) once(env []string, out *term.Output) error {
	if err := c.open(); err != nil {
		return err
	}
	defer c.scan.Close()
	found := 0
	if c.json() {
		found = c.objects(out)
	} else {
		rows := c.rows()
		found = len(rows)
		list := report.List{All: caps.First(kernelBits(c.proc)), First: c.caps, Columns: c.columns, NoHeader: c.noHeader,
			Width: c.width(out), Color: out.Color(c.color, env)}
		if found > 0 {
			out.Buf = list.Append(out.Buf, rows)
		}
		c.foot(out)
	}
	return c.finish("ps", found, out)
}

// rows reads all processes and sorts them.
func (c *psCommand) rows() []report.Row {
	var all []report.Row
	procfs.Batches(c.scan, func(r *procfs.Reader) func([]int) []report.Row {
		l := c.lister(r)
		return func(pids []int) (rows []report.Row) {
			for _, pid := range pids {
				if l.list(pid) {
					rows = l.newRows(rows)
				}
			}
			return rows
		}
	}, func(rows []report.Row) { all = append(all, rows...) })
	if order := c.order(); order != nil {
		slices.SortStableFunc(all, order)
	}
	return all
}

// order compares two rows by what they are sorted by; nil where they are in
// order.
func (c *psCommand) order() func(a, b report.Row) int {
	switch c.sort {
	case "ppid":
		return func(a, b report.Row) int { return cmp.Compare(a.PPID, b.PPID) }
	case "user":
		return func(a, b report.Row) int { return strings.Compare(a.User, b.User) }
	case "name":
		return func(a, b report.Row) int { return strings.Compare(a.Name, b.Name) }
	case "container":
		return func(a, b report.Row) int { return strings.Compare(a.Container, b.Container) }
	case "caps":
		return func(a, b report.Row) int { return cmp.Compare(b.Sets.Permitted.Len(), a.Sets.Permitted.Len()) }
	}
	return nil
}

// objects writes one object for each process, as they are read.
func (c *psCommand) objects(out *term.Output) (found int) {
	type lines struct {
		text  []byte
		count int
	}
	procfs.Batches(c.scan, func(r *procfs.Reader) func([]int) lines {
		l := c.lister(r)
		return func(pids []int) (b lines) {
			for _, pid := range pids {
				if l.list(pid) {
					b.text = schema.Append(b.text, schema.NewListed(&l.p.Process, l.p.User, l.p.Container, l.p.ContainerName))
					b.count++
				}
			}
			return b
		}
	}, func(b lines) {
		out.Write(b.text)
		found += b.count
	})
	return found
}
