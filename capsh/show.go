package main

import (
	"errors"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/sandbox"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const showUsage = `usage: capsh show [option ...] [PID[/TID] ...]
What this process, or each PID or thread, holds: who it is, its container, a
matrix of its capability sets, and a sentence that says what they amount to.

    --format=FORM   text, json, or what asks for just what the process holds:
                    docker, compose, kubernetes, oci, systemd, capset
    --need=LIST     in these forms, ask for LIST instead
    --json          the same as --format=json; the members are those of --print
    --proc=DIR      another procfs: the host's, a saved copy
    --color=WHEN    auto, always, never
`

// runShow is capsh show.
func runShow(args, env []string, out *term.Output) (int, error) {
	var c common
	var f form
	operands, err := parseCommand(args, f.options(&c))
	if err == nil {
		err = f.check(&c)
	}
	if err != nil {
		return exitUsage, err
	}
	if c.form != "" && len(operands) > 1 {
		return exitUsage, errors.New("one PID at a time for --format=" + c.form)
	}
	threads, status, err := showThreads(c.proc, operands)
	if err != nil {
		return status, err
	}
	for _, t := range threads {
		facts, err := sandbox.Read(c.proc, t.PID, t.TID)
		if err == nil && c.form == "" && !facts.Process.Securebits.OK {
			bpfiter.Securebits(c.proc, &facts.Process)
		}
		if err == nil {
			err = f.show(&facts, &c, env, out)
		}
		if err != nil && len(threads) == 1 {
			return exitNo, err
		}
		if err != nil { // the others are still to be seen
			out.Message("show: " + err.Error())
			status = exitNo
		}
	}
	return status, nil
}

// show puts out one thread, perhaps after others.
func (f *form) show(facts *container.Facts, c *common, env []string, out *term.Output) error {
	switch {
	case c.form != "":
		return f.write(&facts.Process, c.form, "show", out)
	case c.json:
		mode := cred.GuessMode(&facts.Process.State, kernelBits(c.proc))
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { j.Process(&facts.Process, mode) })
		return nil
	case len(out.Buf) > 0:
		out.Buf = append(out.Buf, "\n"...)
	}
	a := container.Assess(facts)
	var names userdb.DB
	out.Buf = report.Show(out.Buf, facts, &a, &names, out.TextWidth(), out.Color(c.color, env))
	return nil
}

// showThreads reads the operands, PID or PID/TID each; without any it is this
// process, as the procfs knows it. status is for the error.
func showThreads(r procfs.Root, operands []string) (list []cred.ThreadID, status int, err error) {
	for _, o := range operands {
		t, err := cred.ParseThreadID(o)
		if err != nil {
			return nil, exitUsage, err
		}
		list = append(list, t)
	}
	if len(list) > 0 {
		return list, exitYes, nil
	}
	self, err := selfIn(r)
	if err != nil {
		return nil, exitNo, err
	}
	return []cred.ThreadID{self}, exitYes, nil
}
