package main

import (
	"cmp"
	"slices"
	"strings"

	"capsh/internal/linux/procfs"
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
	return &flags.Table{
		Usage: "capsh ps [option ...] [PID|NAME ...]",
		About: `Lists processes with a thread that has a capability. Processes named by PID or
pattern (such as 'nginx*') are always listed. Exit status 1 if none matches.
`,
		Options: func(o *flags.Options) {
			c.filters(o.Group("which"))
			flags.Switch(o, "--all", "also those without capabilities, and kernel threads", &c.all)
			flags.Switch(o, "--threads", "also threads that differ from their process", &c.threads)
			flags.To(o, "--sort", "pid, ppid, user, name, container, caps (most first)", &c.sort,
				flags.Among("KEY", "pid", "ppid", "user", "name", "container", "caps"))
			c.outputs(o)
		},
		After: `USER  the effective user
MARK  a  ambient set not empty         b  execve may add capabilities
      u  different user namespace      n  no_new_privs     ?  unknown
HAS   names without cap_; "=" and letters show the sets: e effective,
      p permitted, i inheritable, a ambient; without letters ep. +N: N more.
JSON is one object per line.
`,
		Operand: flags.CompletePIDs,
		Refused: refusedByPs,
	}
}

// refusedByPs is what does here what an option of ps(1) does.
func refusedByPs(name string) string {
	switch name {
	case "e", "A", "a", "x":
		return "for all processes use --all"
	case "f", "F", "l", "j":
		return "parents and command lines: -o pid,ppid,user,has,command"
	case "L", "T", "m":
		return "threads: --threads"
	case "C", "comm", "name":
		return "the processes of a name: capsh ps NAME"
	case "H", "forest":
		return "a tree: capsh tree"
	case "w":
		return "nothing cut to the width of the terminal: --no-trunc"
	case "U", "G":
		return "processes of a user: -u USER"
	case "ppid":
		return "the children of a process: capsh tree PID"
	}
	return ""
}

func (c *psCommand) run(operands, env []string, out *term.Output) error {
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
	rows := c.rows()
	switch {
	case c.json():
		for i := range rows {
			out.Buf = append(out.Buf, rows[i].Object...)
			out.Relieve()
		}
	default:
		if len(rows) > 0 {
			c.draw(rows, env, out)
		}
		c.foot(out)
	}
	return c.finish("ps", len(rows), out)
}

// rows reads all processes and sorts them. With --json there is one for each process.
func (c *psCommand) rows() []report.Row {
	var all []report.Row
	procfs.Batches(c.scan, func(r *procfs.Reader) func([]int) []report.Row {
		l := c.lister(r)
		return func(pids []int) (rows []report.Row) {
			for _, pid := range pids {
				switch there := l.list(pid); {
				case there && c.json():
					row := report.NewRow(&l.p)
					row.Object = schema.Append(nil, schema.NewListed(&l.p.Process, l.p.User, l.p.Container))
					rows = append(rows, row)
				case there:
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
	return map[string]func(a, b report.Row) int{
		"ppid":      func(a, b report.Row) int { return cmp.Compare(a.PPID, b.PPID) },
		"user":      func(a, b report.Row) int { return strings.Compare(a.User, b.User) },
		"name":      func(a, b report.Row) int { return strings.Compare(a.Name, b.Name) },
		"container": func(a, b report.Row) int { return strings.Compare(a.Container, b.Container) },
		"caps":      func(a, b report.Row) int { return cmp.Compare(b.Sets.Permitted.Len(), a.Sets.Permitted.Len()) },
	}[c.sort]
}
