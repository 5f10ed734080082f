package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// saveProfile writes a result to a file, all of it or nothing. What the name led
// to before is replaced, if that was a regular file; a link is refused.
func saveProfile(name string, doc *schema.Discovery) error {
	if err := savable(name); err != nil {
		return err
	}
	fail := func(call string, err error) error { return fmt.Errorf("--save: %s %s: %w", call, name, err) }
	part := fmt.Sprintf("%s.%d", name, unix.Getpid())
	fd, err := unix.Open(part, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fail("create", err)
	}
	text := schema.Append(nil, doc)
	for len(text) > 0 && err == nil {
		var n int
		if n, err = unix.Write(fd, text); err == nil {
			text = text[n:]
		}
	}
	err = errors.Join(err, unix.Fsync(fd), unix.Close(fd))
	if err != nil {
		err = fail("write", err)
	} else if err = unix.Rename(part, name); err != nil {
		err = fail("rename", err)
	}
	if err != nil {
		unix.Unlink(part)
	}
	return err
}

// savable says what is wrong with a name to save to, as far as that shows before a search.
func savable(name string) error {
	var st unix.Stat_t
	switch err := unix.Lstat(name, &st); {
	case err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("--save: %s exists and is not a regular file", name)
	case err != nil && err != unix.ENOENT:
		return fmt.Errorf("--save: lstat %s: %w", name, err)
	}
	dir := path.Dir(name)
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("--save: write to %s: %w", dir, err)
	}
	return nil
}

// everything is what "all" in a profile is where no kernel limits it.
var everything = caps.First(caps.Named)

// readSaved reads a profile of ours.
func readSaved(name string) (*schema.Discovery, error) {
	text, err := files.Here.ReadNamed(name)
	if err != nil {
		return nil, err
	}
	doc, err := schema.ReadDiscovery(text)
	if err == nil {
		_, err = doc.Set(everything)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return doc, nil
}

// mergeProfiles joins saved results: a run shows only what it exercised.
func (o *options) mergeProfiles() error {
	var all *schema.Discovery
	for _, name := range o.discover.merge {
		doc, err := readSaved(name)
		if err != nil {
			return fmt.Errorf("--merge: %w", err)
		}
		if all == nil {
			all = doc
			continue
		}
		if err := merge(all, doc, name); err != nil {
			return fmt.Errorf("--merge: %w", err)
		}
	}
	return saveProfile(o.discover.save.Value, all)
}

// merge adds a result to another. The alternatives of either are dropped: they are
// not known for the combined set.
func merge(all, doc *schema.Discovery, name string) error {
	if all.User.Value.UID != doc.User.Value.UID || all.User.OK != doc.User.OK || all.NoNewPrivs != doc.NoNewPrivs {
		return fmt.Errorf("%q is of another user, or of another no_new_privs", name)
	}
	keep := slices.Clone(*all.Keep)
	for _, c := range *doc.Keep {
		if !slices.Contains(keep, c) {
			keep = append(keep, c)
		}
	}
	all.Keep = &keep
	set, err := all.Set(everything)
	if err != nil {
		return err
	}
	keep = set.OCINames()
	for _, n := range doc.Needs {
		if !slices.ContainsFunc(all.Needs, func(m schema.DiscoveredNeed) bool { return m.Capability == n.Capability }) {
			all.Needs = append(all.Needs, n)
		}
	}
	all.Alternatives, all.Runs, all.Seconds = [][]string{}, all.Runs+doc.Runs, all.Seconds+doc.Seconds
	all.Explanation = "all that several searches found; the whole was not tried"
	for _, w := range doc.Warnings {
		if !slices.Contains(all.Warnings, w) {
			all.Warnings = append(all.Warnings, w)
		}
	}
	if !slices.Equal(all.Command, doc.Command) || !slices.Equal(all.Options, doc.Options) {
		words := slices.Concat(doc.Options, doc.Command)
		all.Warnings = append(all.Warnings, "joined with the search for another command: "+strings.Join(words, " "))
	}
	return nil
}

// differsFrom warns where a launch is not what a saved result is about. One that
// has only the set says of nothing else.
func (p *planned) differsFrom(saved *schema.Discovery) (warnings []string) {
	if saved.Command == nil {
		return nil
	}
	if !slices.Equal(saved.Command, p.argv) {
		warnings = append(warnings, "the profile was found for another command: "+term.Escape(strings.Join(saved.Command, " ")))
	}
	if user := saved.User; user.OK && user.Value.UID != p.Want.UID.Effective {
		warnings = append(warnings, fmt.Sprintf("the profile was found for uid %d, not %s", user.Value.UID, plan.IDText(p.Want.UID)))
	}
	if kernel := release(); saved.Kernel != kernel {
		warnings = append(warnings, fmt.Sprintf("the profile was found on Linux %s, not %s", term.Escape(saved.Kernel), kernel))
	}
	return warnings
}
