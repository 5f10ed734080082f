package main

import (
	"capsh/internal/container"
	"capsh/internal/probe"
	"capsh/internal/render"
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
		err = f.check()
	}
	if err != nil {
		return exitUsage, err
	}
	threads, err := showThreads(c.proc, operands)
	if err != nil {
		return exitUsage, err
	}
	for i, t := range threads {
		facts, err := c.proc.Container(t.pid, t.tid)
		if err != nil {
			return exitNo, err
		}
		if err := f.show(&facts, &c, env, out, i > 0); err != nil {
			return exitNo, err
		}
	}
	return exitYes, nil
}

// show puts out one thread, after others if more is true.
func (f *form) show(facts *container.Facts, c *common, env []string, out *output, more bool) error {
	switch {
	case f.name != "":
		return f.write(&facts.Process, "show", out)
	case c.json:
		k := render.Kernel{Bits: kernelBits(c.proc), Bounding: true}
		out.json(func(j *render.JSON) { j.Process(&facts.Process, k) })
		return nil
	case more:
		out.text("\n")
	}
	a := container.Assess(facts)
	var names accountNames
	out.buf = render.Show(out.buf, facts, &a, &names, textWidth(), c.colors(env))
	return nil
}

// showThreads reads the operands, PID or PID/TID each; without any it is this
// process, as the procfs knows it.
func showThreads(r probe.Root, operands []string) ([]thread, error) {
	var list []thread
	for _, o := range operands {
		t, err := parseThread(o)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if len(list) > 0 {
		return list, nil
	}
	self, err := selfIn(r)
	return []thread{self}, err
}
