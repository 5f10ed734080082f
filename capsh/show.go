package main

import (
	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/sandbox"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/export"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// showCommand is capsh show.
type showCommand struct {
	view
	subjects
	need need
}

func (c *showCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh show [option ...] [PID[/TID] ...]",
		About: `Shows what this process, or each PID or thread, has: its ids, its container, a
table of its capability sets, and a sentence that sums them up.
`,
		Options: func(o *flags.Options) {
			o.Group("what")
			c.subjects.option(o, "processes, or threads of them")
			c.need.option(o)
			c.outputs(o, export.Formats()...)
		},
		After:   formsText,
		Operand: flags.CompletePIDs,
		Refused: elsewhere,
	}
}

func (c *showCommand) run(operands, env []string, out *term.Output) error {
	err := c.add(operands)
	if err == nil {
		err = c.need.check(&c.view)
	}
	if err == nil && c.form() != "" && len(c.threads) > 1 {
		err = usageError("only one process at a time with --format=%s", c.form())
	}
	if err != nil {
		return err
	}
	threads, err := c.list(c.proc)
	if err != nil {
		return err
	}
	for _, t := range threads {
		showErr := c.one(t, env, out)
		if showErr != nil && len(threads) == 1 {
			return showErr
		}
		if showErr != nil { // the others are still to be seen
			out.Message("show: " + showErr.Error())
			err = exit.Silent(exit.No)
		}
	}
	return err
}

// one shows one thread, perhaps after others.
func (c *showCommand) one(t flags.Thread, env []string, out *term.Output) error {
	facts, err := sandbox.Read(c.proc, t.PID, t.TID)
	if err != nil {
		return err
	}
	if c.form() != "" {
		return c.need.write(&facts, c.form(), "show", out)
	}
	if !facts.Process.Securebits.OK {
		bpfiter.Securebits(c.proc, &facts.Process)
	}
	if c.json() {
		mode := cred.GuessMode(&facts.Process.State, kernelBits(c.proc))
		out.Buf = schema.Append(out.Buf, schema.NewShown(&facts, mode))
		return nil
	}
	if len(out.Buf) > 0 {
		out.Printf("\n")
	}
	a := assessment(&facts)
	var names userdb.DB
	out.Buf = report.Show(out.Buf, &facts, &a, &names, out.TextWidth(), out.Color(c.color, env))
	return nil
}
