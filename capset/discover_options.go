package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"capsh/internal/rules/cred"
	"capsh/internal/ui/export"
	"capsh/internal/ui/flags"
)

// discoverOptions say how to find out what the command needs.
type discoverOptions struct {
	how                        cred.Known[string] // both, prove or watch
	check, ready, reset, stdin cred.Known[string]
	timeout                    cred.Known[time.Duration]
	confirm                    cred.Known[int]
	sameOutput                 bool
	save, in                   cred.Known[string]
	engineOptions, merge       []string
}

func (d *discoverOptions) options(o *flags.Options) {
	command := flags.Some(flags.Text("CMD"))
	file := flags.Some(flags.Text("FILE"))
	flags.Optional(o, "--discover", "find the minimal set with which the command works", "both", flags.Among("HOW", "both", "prove", "watch"), d.setHow)
	flags.Once(o, "--check", "the command works if CMD succeeds", &d.check, command)
	flags.Once(o, "--ready", "check only after CMD has succeeded", &d.ready, command)
	flags.Once(o, "--reset", "run CMD before each trial", &d.reset, command)
	flags.Once(o, "--timeout", "limit of each trial, check, ready and reset", &d.timeout, duration)
	flags.Switch(o, "--expect-output", "also require stdout to match the first run", &d.sameOutput)
	flags.Once(o, "--stdin", "each trial reads FILE from its start", &d.stdin, file)
	flags.Once(o, "--confirm", "number of confirming runs", &d.confirm, times)
	flags.Once(o, "--save", "write the result to FILE, for --from", &d.save, file)
	flags.Append(o, "--merge", "join saved results; requires --save", &d.merge, file)
	flags.Once(o, "--in", "run the trials in an image", &d.in, image)
	flags.Append(o, "--engine-option", "extra argument for podman run or docker run", &d.engineOptions, flags.Some(flags.Text("WORD")))
}

func (d *discoverOptions) setHow(how string) error {
	d.how = cred.Is(how)
	return nil
}

// duration is a time: 500ms, 5s, 2m; a plain number is in seconds.
var duration = flags.Kind[time.Duration]{
	Word: "TIME",
	Parse: func(text string) (time.Duration, error) {
		if _, err := strconv.ParseUint(text, 10, 31); err == nil {
			text += "s"
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return 0, fmt.Errorf("%q is not a duration such as 500ms, 5s or 2m", text)
		}
		return d, nil
	},
	Complete: func(string) []string { return []string{"5s", "30s", "2m"} },
}

// times is a small number of times.
var times = flags.Kind[int]{
	Word: "N",
	Parse: func(text string) (int, error) {
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n < 1 || n > 100 {
			return 0, fmt.Errorf("%q is not a number from 1 to 100", text)
		}
		return int(n), nil
	},
	Complete: func(string) []string { return []string{"3", "5", "10"} },
}

// image is an image of a container engine.
var image = flags.Kind[string]{
	Word: "ENGINE:IMAGE",
	Parse: func(text string) (string, error) {
		if engine, name := splitImage(text); !slices.Contains(engines, engine) || name == "" {
			return "", fmt.Errorf("%q is not of the form podman:IMAGE or docker:IMAGE", text)
		}
		return text, nil
	},
	Complete: func(string) []string { return flags.Prefixed("", []string{"podman:", "docker:"}) },
}

// checkModes refuses options that cannot be combined.
func (o *options) checkModes() error {
	d, m := &o.discover, &o.mode
	form := m.format.Value
	export := slices.Contains(export.Formats(), form)
	switch {
	case m.format.OK && !m.dryRun && !d.how.OK:
		return fmt.Errorf("--%s requires --dry-run or --discover", map[bool]string{true: "json", false: "format"}[m.json()])
	case export && (!d.how.OK || m.dryRun):
		return fmt.Errorf("--format=%s requires --discover", form)
	case len(d.merge) > 0:
		return o.checkMerge()
	case d.how.OK:
		return o.checkDiscover()
	}
	for _, other := range []struct {
		given bool
		name  string
	}{
		{d.check.OK, "check"}, {d.ready.OK, "ready"}, {d.reset.OK, "reset"}, {d.timeout.OK, "timeout"},
		{d.sameOutput, "expect-output"}, {d.stdin.OK, "stdin"}, {d.confirm.OK, "confirm"}, {d.save.OK, "save"},
		{d.in.OK, "in"}, {len(d.engineOptions) > 0, "engine-option"},
	} {
		if other.given {
			return fmt.Errorf("--%s requires --discover", other.name)
		}
	}
	return nil
}

// checkDiscover refuses what a search has no use for: each trial has exactly the
// set that is tried.
func (o *options) checkDiscover() error {
	s := &o.sets
	for _, refused := range []struct {
		given bool
		name  string
	}{
		{o.mode.bestEffort, "best-effort"}, {o.mode.allowMismatch, "allow-mismatch"},
		{s.bounding.OK, "bounding"}, {s.inheritable.OK, "inheritable"}, {s.permitted.OK, "permitted"}, {s.ambient.OK, "ambient"},
	} {
		if refused.given {
			return fmt.Errorf("--%s cannot be combined with --discover: each trial has exactly the set that is tried", refused.name)
		}
	}
	if form := o.mode.format.Value; o.discover.in.OK && form != "docker" && slices.Contains(export.Formats(), form) {
		return fmt.Errorf("--format=%s cannot be combined with --in: the trials show which options the engine needs, which --format=docker prints", form)
	}
	if len(o.discover.engineOptions) > 0 && !o.discover.in.OK {
		return errors.New("--engine-option requires --in")
	}
	return nil
}

// checkMerge refuses what cannot be combined with --merge.
func (o *options) checkMerge() error {
	switch {
	case o.discover.how.OK || len(o.argv) > 0:
		return errors.New("--merge cannot be combined with a command or --discover")
	case !o.discover.save.OK:
		return errors.New("--merge requires --save=FILE")
	}
	return nil
}
