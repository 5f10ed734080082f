package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const psUsage = `usage: capsh ps [option ...] [PID|NAME ...]
Processes of which a thread holds a capability. Of those that are named, by id
or by a pattern such as 'nginx*', all. Exit status 1 if none is as asked for.
  --all             those that hold nothing too; on a terminal, kernel threads
  --threads         all threads that differ from the first, on their own lines
  --cap=LIST        those that have one of these, effective or permitted
  --user=USER       those whose effective user it is, a name or a number
  --container=WORD  those in a container whose id or name begins so; a runtime
                    (docker, podman, containerd, cri-o, kubernetes, lxc, ...)
  --sort=KEY        by pid, user, name, container or caps (most first)
  --json            one object a line; --format=text|json
  --proc=DIR        another procfs: the host's, a saved copy
  --color=WHEN      auto, always or never
MARK   a  something is ambient          b  execve can give more
       u  another user namespace        n  no_new_privs     ?  not known
HOLDS  names without cap_; "=" and letters tell how: e effective, p permitted,
       i inheritable, a ambient; with none it is ep. +N: N more.
`

// psCommand is capsh ps.
type psCommand struct {
	listing
	sort string
}

// sortKeys are what --sort takes.
var sortKeys = [...]string{"pid", "user", "name", "container", "caps"}

func runPs(args, env []string, out *term.Output) (int, error) {
	c := psCommand{sort: "pid"}
	operands, err := parseCommand(args, c.options(
		flag("threads", &c.threads),
		value("sort", func(v string) error {
			c.sort = v
			return oneOf(v, sortKeys[:]...)
		}),
	))
	if err == nil && c.json && c.sort != "pid" {
		err = errors.New("--sort: JSON comes as it is read, by pid")
	}
	if err == nil {
		err = c.operands(operands)
	}
	if err != nil {
		return exitUsage, err
	}
	if err := c.open(); err != nil {
		return exitNo, err
	}
	defer c.scan.Close()
	found := 0
	if c.json {
		found = c.objects(out)
	} else {
		rows := c.rows()
		found = len(rows)
		c.table(rows, env, out)
	}
	return c.finish("ps", found, out)
}

// table writes the rows. On a terminal kernel threads, which are many and hold
// everything, are counted where nothing in particular was asked for.
func (c *psCommand) table(rows []report.Row, env []string, out *term.Output) {
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
		json  *schema.JSON
		count int
	}
	spare := sync.Pool{New: func() any { return new(schema.JSON) }}
	procfs.Batches(c.scan, func(r *procfs.Reader) func([]int) lines {
		l := c.lister(r)
		return func(pids []int) lines {
			b := lines{json: spare.Get().(*schema.JSON)}
			for _, pid := range pids {
				if l.list(pid) {
					b.json.Listed(&l.p.Process, l.p.User, l.p.Container, nil)
					b.count++
				}
			}
			return b
		}
	}, func(b lines) {
		out.Write(b.json.Bytes())
		found += b.count
		b.json.Reset()
		spare.Put(b.json)
	})
	return found
}
