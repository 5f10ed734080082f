package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/linux/trial"
	"capsh/internal/rules/caps"
)

// engines are the container engines that can run the trials.
var engines = []string{"podman", "docker"}

// splitImage splits ENGINE:IMAGE.
func splitImage(text string) (engine, image string) {
	engine, image, _ = strings.Cut(text, ":")
	return engine, image
}

// prepareEngine makes the trials those of a container engine: what it gives is
// then the plan.
func (d *discovery) prepareEngine() error {
	if err := d.refuseLaunchOptions(); err != nil {
		return err
	}
	limit, err := d.keep.resolve(d.from)
	if err != nil {
		return err
	}
	d.limit = limit
	if len(d.keep.words) == 0 && !d.keep.from.OK {
		kernel, err := self.ReadKernel()
		if err != nil {
			return err
		}
		d.limit = kernel.All() & caps.First(caps.Named) & d.from.Bounding
	}
	engine, _ := splitImage(d.discover.in.Value)
	paths := files.CommandPaths(engine, d.env)
	found, _, err := files.Here.Command(engine, paths)
	if err != nil {
		return notStarted(err)
	}
	path := paths[found.At]
	d.runner.Command = func(set caps.Set) *trial.Command {
		file := fmt.Sprintf("%s/capset-%d-%d/cid", os.TempDir(), os.Getpid(), time.Now().UnixNano())
		argv := slices.Insert(d.engineWords(set), 2, "--cidfile="+file)
		return &trial.Command{Path: path, Argv: argv, Env: d.env, Stdin: d.discover.stdin.Value, CIDFile: file}
	}
	return nil
}

// refuseLaunchOptions refuses what the engine has options of its own for.
func (d *discovery) refuseLaunchOptions() error {
	refused := d.launchOptions()
	if d.user.groups.OK {
		refused = append(refused, "--groups")
	}
	switch {
	case len(refused) > 0:
		return fmt.Errorf("%s cannot be combined with --in: of the options of a launch, only --user, --keep, --cap-add, --cap-drop, --from and "+
			"--allow-new-privs can; for other settings use --engine-option", refused[0])
	case d.user.spec.OK && d.user.spec.Value == "":
		return errors.New("--user: the value is empty")
	}
	return nil
}

// engineWords are the words that run a trial.
func (d *discovery) engineWords(set caps.Set) []string {
	engine, image := splitImage(d.discover.in.Value)
	words := append([]string{engine, "run", "--rm"}, d.engineOptions(set)...)
	words = append(append(words, d.discover.engineOptions...), image)
	return append(words, d.argv...)
}

// engineOptions are the options that give a set.
func (d *discovery) engineOptions(set caps.Set) []string {
	words := []string{"--cap-drop=ALL"}
	for c := range set.All() {
		words = append(words, "--cap-add="+c.AddWord())
	}
	if d.user.spec.OK {
		words = append(words, "--user="+d.user.spec.Value)
	}
	if !d.sets.allowNewPrivs {
		words = append(words, "--security-opt=no-new-privileges")
	}
	return words
}
