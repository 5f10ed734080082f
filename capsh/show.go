package main

import (
	"capsh/internal/linux/sandbox"
	"errors"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/container"
	"capsh/internal/ui/render"
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
func runShow(args, env []string, out *output) (int, error) {
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
		facts, err := sandbox.Read(c.proc, t.pid, t.tid)
		if err == nil && c.form == "" && !facts.Process.Securebits.OK {
			c.proc.Securebits(&facts.Process)
		}
		if err == nil {
			err = f.show(&facts, &c, env, out)
		}
		if err != nil && len(threads) == 1 {
			return exitNo, err
		}
		if err != nil { // the others are still to be seen
			out.complain("show: " + err.Error())
			status = exitNo
		}
	}
	return status, nil
}

// show puts out one thread, perhaps after others.
func (f *form) show(facts *container.Facts, c *common, env []string, out *output) error {
	switch {
	case c.form != "":
		return f.write(&facts.Process, c.form, "show", out)
	case c.json:
		k := render.Kernel{Bits: kernelBits(c.proc), Bounding: true}
		out.json(func(j *render.JSON) { j.Process(&facts.Process, k) })
		return nil
	case len(out.buf) > 0:
		out.text("\n")
	}
	a := container.Assess(facts)
	var names accountNames
	out.buf = render.Show(out.buf, facts, &a, &names, textWidth(), c.colors(env))
	return nil
}

// showThreads reads the operands, PID or PID/TID each; without any it is this
// process, as the procfs knows it. status is for the error.
func showThreads(r procfs.Root, operands []string) (list []thread, status int, err error) {
	for _, o := range operands {
		t, err := parseThread(o)
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
	return []thread{self}, exitYes, nil
}
