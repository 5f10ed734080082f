package main

import (
	"cmp"
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
	sort string
}

func (c *psCommand) table() *flags.Table {
	sort := flags.Among("KEY", "pid", "user", "name", "container", "caps")
	return &flags.Table{
		Usage: "capsh ps [option ...] [PID|NAME ...]",
		About: `Processes of which a thread has a capability. Of those that are named, by id or
by a pattern such as 'nginx*', all. Exit status 1 if none is as asked for.
`,
		Groups: []flags.Group{
			{Title: "which", Options: append(c.filters(),
				flags.Option{Name: "all", Help: "those without any too; on a terminal, kernel threads", Value: flags.Switch(&c.all)},
				flags.Option{Name: "threads", Help: "threads that differ from the first, each on a line", Value: flags.Switch(&c.threads)},
				flags.Option{Name: "sort", Help: "by pid, user, name, container or caps (most first)", Value: flags.To(&c.sort, sort)},
			)},
			c.group(),
		},
		After: `MARK   a  something is ambient          b  execve can give more
       u  another user namespace        n  no_new_privs     ?  not known
HAS    names without cap_; "=" and letters say how: e effective, p permitted,
       i inheritable, a ambient; with none it is ep. +N: N more.
JSON is one object a line.
`,
		Operand: flags.CompletePIDs,
	}
}

func (c *psCommand) run(operands, env []string, out *term.Output) error {
	if c.json() && c.sort != "pid" {
		return usageError("--sort: JSON comes as it is read, by pid")
	}
	if err := c.name(operands); err != nil {
		return err
	}
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
		c.write(rows, env, out)
	}
	return c.finish("ps", found, out)
}

// write writes the rows. On a terminal kernel threads, which are many and have all
// capabilities, are only counted, unless a filter or --all is given.
func (c *psCommand) write(rows []report.Row, env []string, out *term.Output) {
	list := report.List{All: caps.First(kernelBits(c.proc)), First: c.caps, Color: out.Color(c.color, env)}
	counted := 0
	if out.IsTerminal() {
		list.Width = out.Width()
		if !c.all && !c.filtered() {
			counted = len(rows)
			rows = slices.DeleteFunc(rows, func(r report.Row) bool { return r.Kernel })
			counted -= len(rows)
		}
	}
	if len(rows) > 0 {
		out.Buf = list.Append(out.Buf, rows)
	}
	if counted > 0 {
		out.Printf("and %d kernel threads, listed by --all\n", counted)
	}
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
					b.text = schema.Append(b.text, schema.NewListed(&l.p.Process, l.p.User, l.p.Container))
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
