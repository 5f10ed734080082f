package main

import (
	"errors"
	"fmt"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/jsonread"

	"golang.org/x/sys/unix"
)

// profile is the capabilities that a file names: one of ours, an OCI
// config.json, or what docker inspect or podman inspect print of one container.
func profile(name string) (caps.Set, error) {
	text, err := read(name)
	if errors.Is(err, unix.ENOENT) && !strings.Contains(name, "/") {
		return 0, fmt.Errorf(`--from: %q: no such file, and neither "none", "current" nor a container runtime`, name)
	}
	if err != nil {
		return 0, fmt.Errorf("--from: %w", err)
	}
	v, err := jsonread.Parse(text)
	set := caps.Set(0)
	if err == nil {
		set, err = profileSet(v)
	}
	if err != nil {
		return 0, fmt.Errorf("--from: %q: %w", name, err)
	}
	return set, nil
}

func profileSet(v jsonread.Value) (caps.Set, error) {
	if v.Kind == jsonread.Array { // inspect prints an array
		if len(v.Items) != 1 {
			return 0, errors.New("it describes several containers, or none")
		}
		v = v.Items[0]
	}
	has := func(names ...string) bool { return v.Get(names...).Kind != jsonread.Missing }
	switch {
	case has("keep"): // ours
		for _, member := range v.Items {
			if member.Key != "keep" && member.Key != "version" {
				return 0, fmt.Errorf("a profile has version and keep, and no %q", member.Key)
			}
		}
		return names(v, "keep")
	case has("process"):
		return ociSet(v)
	case has("EffectiveCaps"): // podman; null is none
		if v.Get("EffectiveCaps").Kind == jsonread.Null {
			return 0, nil
		}
		return names(v, "EffectiveCaps")
	case has("HostConfig"):
		return dockerSet(v)
	case has("capabilities", "permitted"): // capsh --json, a state of a plan
		return names(v, "capabilities", "permitted")
	}
	return 0, errors.New("neither a profile, nor an OCI config.json, nor a container's inspect output")
}

// ociSet is what the OCI runtime spec's config.json gives. No member, or null as
// runc reads it, is no capability.
func ociSet(v jsonread.Value) (caps.Set, error) {
	if v.Get("process").Kind != jsonread.Object {
		return 0, errors.New("process is no object")
	}
	switch capabilities := v.Get("process", "capabilities"); {
	case absent(capabilities):
		return 0, nil
	case capabilities.Kind != jsonread.Object:
		return 0, errors.New("process.capabilities is no object")
	case absent(capabilities.Get("permitted")):
		return 0, nil
	}
	return names(v, "process", "capabilities", "permitted")
}

func absent(v jsonread.Value) bool { return v.Kind == jsonread.Missing || v.Kind == jsonread.Null }

// names is the set that an array of names is.
func names(v jsonread.Value, path ...string) (caps.Set, error) {
	list, ok := v.Get(path...).Strings()
	if !ok {
		return 0, errors.New(strings.Join(path, ".") + " is no array of strings")
	}
	var set caps.Set
	for _, name := range list {
		if len(list) > 1 && strings.EqualFold(name, "none") {
			return 0, errors.New(strings.Join(path, ".") + `: "none" must stand alone`)
		}
		s, err := parseList(name)
		if err != nil {
			return 0, errors.New(strings.Join(path, ".") + ": " + err.Error())
		}
		set |= s
	}
	return set, nil
}

// dockerSet is what Docker makes of a container's options.
func dockerSet(v jsonread.Value) (caps.Set, error) {
	if v.Get("HostConfig").Kind != jsonread.Object {
		return 0, errors.New("HostConfig is no object")
	}
	switch privileged := v.Get("HostConfig", "Privileged"); {
	case privileged.Kind != jsonread.Bool && privileged.Kind != jsonread.Missing:
		return 0, errors.New("HostConfig.Privileged is neither true nor false")
	case privileged.Text == "true":
		kernel, err := self.ReadKernel()
		return kernel.All(), err
	}
	add, err := dockerList(v, "CapAdd")
	if err != nil {
		return 0, err
	}
	drop, err := dockerList(v, "CapDrop")
	if err != nil {
		return 0, err
	}
	return dockerKeeps(catalog.DockerDefault, add, drop)
}

// dockerList is one of the lists of HostConfig.
func dockerList(v jsonread.Value, member string) (words dockerWords, err error) {
	list := v.Get("HostConfig", member)
	if absent(list) {
		return words, nil
	}
	texts, ok := list.Strings()
	if !ok {
		return words, errors.New("HostConfig." + member + " is no array of strings")
	}
	for _, text := range texts {
		if err := words.add(text); err != nil {
			return words, errors.New("HostConfig." + member + ": " + err.Error())
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
