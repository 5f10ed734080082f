package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/schema"

	"golang.org/x/sys/unix"
)

// profile is the capabilities that a file names: one of ours, an OCI
// config.json, or what docker inspect or podman inspect print of one container.
// Own is not nil where it is one of ours.
func profile(name string) (set caps.Set, own *schema.Discovery, err error) {
	text, err := files.Here.ReadNamed(name)
	if errors.Is(err, unix.ENOENT) && !strings.Contains(name, "/") {
		return 0, nil, fmt.Errorf(`--from: %q: no such file, and neither "none", "current" nor a container runtime`, name)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("--from: %w", err)
	}
	if set, err = profileSet(text); err != nil {
		return 0, nil, fmt.Errorf("--from: %q: %w", name, err)
	}
	own, _ = schema.ReadDiscovery(text) // others are no error
	return set, own, nil
}

// profileSet is the set of a JSON text. Which kind it is its members say.
func profileSet(text []byte) (caps.Set, error) {
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' { // inspect prints an array
		var list []json.RawMessage
		if err := schema.Read(text, &list); err != nil {
			return 0, err
		}
		if len(list) != 1 {
			return 0, errors.New("it describes several containers, or none")
		}
		text = list[0]
	}
	var members map[string]json.RawMessage
	if err := schema.Read(text, &members); err != nil {
		return 0, err
	}
	has := func(name string) bool { return members[name] != nil }
	switch {
	case has("keep"): // ours
		own, err := schema.ReadDiscovery(text)
		if err != nil {
			return 0, err
		}
		return names("keep", *own.Keep, nil)
	case has("process"):
		return ociSet(text)
	case has("EffectiveCaps"): // podman; null is none
		var podman struct{ EffectiveCaps []string }
		err := schema.Read(text, &podman)
		return names("EffectiveCaps", podman.EffectiveCaps, err)
	case has("HostConfig"):
		return dockerSet(text)
	case has("capabilities"): // capsh --json, a state of a plan
		var state hasCapabilities
		err := schema.Read(text, &state)
		if list := state.Capabilities.Permitted; list != nil || err != nil {
			return names("capabilities.permitted", list, err)
		}
	}
	return 0, errors.New("neither a profile, nor an OCI config.json, nor a container's inspect output")
}

// hasCapabilities is what a state of ours and a process of the OCI runtime spec have in
// common.
type hasCapabilities struct {
	Capabilities struct {
		Permitted []string `json:"permitted"`
	} `json:"capabilities"`
}

// ociSet is what the OCI runtime spec's config.json gives. No member, or null as
// runc reads it, is no capability.
func ociSet(text []byte) (caps.Set, error) {
	var config struct {
		Process *hasCapabilities `json:"process"`
	}
	switch err := schema.Read(text, &config); {
	case err != nil:
		return 0, err
	case config.Process == nil:
		return 0, errors.New("process is not an object")
	}
	return names("process.capabilities.permitted", config.Process.Capabilities.Permitted, nil)
}

// names is the set that a list of names is, if there was no error in reading it.
func names(member string, list []string, err error) (set caps.Set, _ error) {
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(list))) {
		if len(list) > 1 && strings.EqualFold(name, "none") {
			return 0, fmt.Errorf(`%s: "none" must stand alone`, member)
		}
		s, err := parseList(name)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", member, err)
		}
		set |= s
	}
	return set, nil
}

// dockerSet is what Docker makes of a container's options.
func dockerSet(text []byte) (caps.Set, error) {
	var container struct {
		HostConfig *struct {
			Privileged      bool
			CapAdd, CapDrop []string
		}
	}
	err := schema.Read(text, &container)
	switch host := container.HostConfig; {
	case err != nil:
		return 0, err
	case host == nil:
		return 0, errors.New("HostConfig is not an object")
	case host.Privileged:
		kernel, err := self.ReadKernel()
		return kernel.All(), err
	}
	add, err := dockerList("CapAdd", container.HostConfig.CapAdd)
	if err != nil {
		return 0, err
	}
	drop, err := dockerList("CapDrop", container.HostConfig.CapDrop)
	if err != nil {
		return 0, err
	}
	return dockerKeeps(catalog.DockerDefault, add, drop)
}

// dockerList is one of the lists of HostConfig.
func dockerList(member string, list []string) (words dockerWords, err error) {
	for _, text := range list {
		if err := words.add(text); err != nil {
			return words, fmt.Errorf("HostConfig.%s: %w", member, err)
		}
	}
	return words, nil
}

// dockerWords are the values of --cap-add or of --cap-drop: capabilities, and
// whether "all" is among them.
type dockerWords struct {
	set caps.Set
	all bool
}

// add takes in one value.
func (d *dockerWords) add(word string) error {
	if strings.EqualFold(strings.TrimPrefix(strings.ToUpper(word), "CAP_"), "ALL") {
		d.all = true
		return nil
	}
	set, err := caps.ParseList(word, 0)
	d.set |= set
	return err
}

// dockerKeeps is what Docker leaves of a base, in whatever order the words stand
// (moby daemon/pkg/oci/caps/utils.go, TweakCapabilities).
func dockerKeeps(base caps.Set, add, drop dockerWords) (caps.Set, error) {
	switch {
	case add.all:
		kernel, err := self.ReadKernel()
		return kernel.All() &^ drop.set, err
	case drop.all:
		return add.set, nil
	}
	return base&^drop.set | add.set, nil
}
