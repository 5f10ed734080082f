package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Discovery is what capset --discover found: also what --save writes and --from
// reads. Keep is null where no set is claimed, and Reason says why.
type Discovery struct {
	Version int       `json:"version"`
	Keep    *[]string `json:"keep"`
	// Reason is null where a set is claimed; Explanation is a sentence.
	Reason      cred.Known[string] `json:"reason"`
	Explanation string             `json:"explanation"`

	Command []string `json:"command"`
	// Options are those of the launch beside what the document says elsewhere, each in
	// one word.
	Options []string `json:"options"`
	// User is null for a container: it is the image's, or of its options.
	User       cred.Known[User] `json:"user"`
	NoNewPrivs bool             `json:"no_new_privs"`
	Kernel     string           `json:"kernel"`
	// Container is the image, "podman:IMAGE", where the trials ran in one.
	Container cred.Known[string] `json:"container"`
	// Success is what counted as that.
	Success string   `json:"success"`
	Limit   []string `json:"limit"`

	Needs        []DiscoveredNeed `json:"needs"`
	Alternatives [][]string       `json:"alternatives"`
	// Unneeded are capabilities that the kernel checked and that are not
	// kept; Refused those of them that it denied in a run with the set, which was
	// a success all the same. Null where nothing was watched.
	Unneeded cred.Known[[]string] `json:"checked_but_not_needed"`
	Refused  cred.Known[[]string] `json:"denied_but_not_needed"`

	Environment Environment `json:"environment"`
	Guided      bool        `json:"guided"`
	Runs        int         `json:"runs"`
	Seconds     float64     `json:"seconds"`
	Warnings    []string    `json:"warnings"`
}

// User is who the command ran as.
type User struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"`
}

// DiscoveredNeed is a capability that is kept, and what became of the command
// without it.
type DiscoveredNeed struct {
	Capability string `json:"capability"`
	Without    string `json:"without"`
	Runs       int    `json:"runs"`
	// Replaceable says that it works with others in its place.
	Replaceable bool `json:"replaceable"`
}

// Environment is what the result depends on, beside the kernel.
type Environment struct {
	UnprivilegedPortStart cred.Known[string] `json:"ip_unprivileged_port_start"`
	PingGroupRange        cred.Known[string] `json:"ping_group_range"`
	Files                 []DiscoveredFile   `json:"files"`
}

// DiscoveredFile is a file that the command line names.
type DiscoveredFile struct {
	Path         string             `json:"path"`
	UID          uint32             `json:"uid"`
	GID          uint32             `json:"gid"`
	Mode         string             `json:"mode"`
	Capabilities cred.Known[string] `json:"capabilities"`
}

// Set is what is kept; all is what that word stands for.
func (d *Discovery) Set(all caps.Set) (set caps.Set, err error) {
	for _, name := range *d.Keep {
		if len(*d.Keep) > 1 && strings.EqualFold(name, "none") {
			return 0, errors.New(`keep: "none" must stand alone`)
		}
		more, err := caps.ParseList(name, all)
		if err != nil {
			return 0, fmt.Errorf("keep: %w", err)
		}
		set |= more
	}
	return set, nil
}

// ReadDiscovery reads a profile: a document that --save wrote, or keep and version
// alone. One with a member that is not known is refused, as is a newer version: it
// may be meant to give less.
func ReadDiscovery(text []byte) (*Discovery, error) {
	var members map[string]json.RawMessage
	if err := Read(text, &members); err != nil {
		return nil, err
	}
	var version struct {
		Version int `json:"version"`
	}
	d := &Discovery{}
	known := d.members()
	switch err := Read(text, &version); {
	case err != nil:
		return nil, err
	case version.Version > Version:
		return nil, fmt.Errorf("its version is %d, and this program knows %d", version.Version, Version)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("a profile has no %q", name)
		}
	}
	if err := Read(text, d); err != nil {
		return nil, err
	}
	if d.Keep == nil {
		return nil, errors.New("keep is null: no set was claimed")
	}
	return d, nil
}

// members are the names of a document's members.
func (d *Discovery) members() (list []string) {
	for f := range reflect.TypeFor[Discovery]().Fields() {
		list = append(list, f.Tag.Get("json"))
	}
	return list
}
