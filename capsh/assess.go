package main

import (
	"errors"
	"strings"

	"capsh/internal/linux/sandbox"

	"capsh/internal/linux/userdb"
	"capsh/internal/rules/container"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const assessUsage = `usage: capsh assess [option ...] [PID[/TID]]
Is this process, or PID, or one of its threads alone, in a container, whose, and
how tightly does it hold?
Nothing is tried out: it reads. What could not be read is a finding of its own.

    --fail-on=WORD  exit 1 if the verdict is WORD or worse, or might be if more
                    could be read; from worst to best:
                    unknown, not-a-container, privileged, over-privileged,
                    confined-root, default, restricted, none;
                    confined-root is for all that is beyond the default
    --format=FORM   text, json, or what asks for just what the process holds:
                    docker, compose, kubernetes, oci, systemd, capset
    --need=LIST     in these forms, ask for LIST instead
    --json          the same as --format=json
    --proc=DIR      another procfs: the host's, a saved copy
    --color=WHEN    auto, always, never
`

// runAssess is capsh assess.
func runAssess(args, env []string, out *term.Output) (int, error) {
	var c common
	var f form
	failOn := container.Verdict(0)
	fail := false
	operands, err := parseCommand(args, f.options(&c, value("fail-on", func(word string) error {
		failOn, fail = container.ParseVerdict(word)
		if !fail {
			return errors.New("must be one of " + strings.Join(container.VerdictNames(), ", ") + ", not " + quote(word))
		}
		return nil
	})))
	if err == nil {
		err = f.check(&c)
	}
	if err != nil {
		return exitUsage, err
	}
	if len(operands) > 1 {
		return exitUsage, errors.New("one PID at a time")
	}
	threads, status, err := showThreads(c.proc, operands)
	if err != nil {
		return status, err
	}
	facts, err := sandbox.Read(c.proc, threads[0].PID, threads[0].TID)
	if err != nil {
		return exitNo, err
	}
	a := container.Assess(&facts)
	switch {
	case c.form != "":
		if err := f.write(&facts.Process, c.form, "assess", out); err != nil {
			return exitNo, err
		}
	case c.json:
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { j.Assessment(&facts.Process, &a) })
	default:
		var names userdb.DB
		out.Buf = report.Assessment(out.Buf, &facts.Process, &a, &names, out.TextWidth(), out.Color(c.color, env))
	}
	if fail && a.AtWorst.AsBadAs(failOn) {
		return exitNo, nil
	}
	return exitYes, nil
}
