package main

import (
	"capsh/internal/linux/sandbox"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/export"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// assessCommand is capsh assess.
type assessCommand struct {
	view
	subjects
	need   need
	failOn cred.Known[container.Verdict]
	probe  bool
	all    bool
	every  bool // all containers of the host
}

func (c *assessCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh assess [option ...] [PID[/TID]]",
		About: `Detects whether a process (this one, PID, or one of its threads) is in a
container, which runtime started it, and how well it is isolated. It only reads,
unless --probe is given; unreadable items are reported as 'unknown'.
`,
		Options: func(o *flags.Options) {
			o.Group("what")
			c.subjects.option(o, "the process, or one of its threads")
			flags.Known(o, "--fail-on", "exit 1 if the verdict is, or could be, this or worse", &c.failOn, flags.Verdict)
			flags.Switch(o, "-a, --all", "also list passed checks", &c.all)
			flags.Switch(o, "--all-containers", "one row for each container of this host", &c.every)
			flags.Switch(o, "--probe", "also test actively what cannot be read from /proc", &c.probe)
			c.need.option(o)
			c.outputs(o, export.Formats()...)
		},
		After: "VERDICT is one of these, from worst to best. Those before default mean weaker\nisolation; confined-root has more capabilities only in its own user namespace:\n" +
			flags.Hang("  ", container.VerdictNames()) + formsText,
		Operand: flags.CompletePIDs,
	}
}

func (c *assessCommand) run(operands, env []string, out *term.Output) error {
	err := c.add(operands)
	if err == nil {
		err = c.atMostOne()
	}
	if err == nil {
		err = c.need.check(&c.view)
	}
	switch {
	case err != nil:
		return err
	case c.every && (len(c.threads) > 0 || c.probe || c.all || c.form() != ""):
		return usageError("--all-containers is for text and JSON about all of them: without a process, --all and --probe")
	case c.every:
		return c.containers(env, out)
	}
	threads, err := c.list(c.proc)
	if err != nil {
		return err
	}
	facts, err := sandbox.Read(c.proc, threads[0].PID, threads[0].TID)
	if err != nil {
		return err
	}
	if c.probe {
		if !sandbox.Own(c.proc, threads[0].PID) {
			return usageError("--probe works only for capsh's own process")
		}
		sandbox.Probe(&facts)
	}
	a := assessment(&facts)
	switch {
	case c.form() != "":
		err = c.need.write(&facts, c.form(), "assess", out)
	case c.json():
		out.Buf = schema.Append(out.Buf, schema.NewAssessment(&facts.Process, &a))
	default:
		var names userdb.DB
		out.Buf = report.Assessment(out.Buf, &facts.Process, &a, &names, c.all, out.TextWidth(), out.Color(c.color, env))
	}
	if err == nil && c.fails(&a) {
		err = exit.Silent(exit.No)
	}
	return err
}

// fails says that a verdict is one of those of --fail-on.
func (c *assessCommand) fails(a *container.Assessment) bool {
	return c.failOn.OK && a.AtWorst.AsBadAs(c.failOn.Value)
}

// assessment is what facts amount to, and what the runtime calls the container.
func assessment(f *container.Facts) container.Assessment {
	a := container.Assess(f)
	a.Name = new(sandbox.Names).Name(a.Container)
	return a
}
