package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/trial"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
	"capsh/internal/rules/shrink"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/schema"

	"golang.org/x/sys/unix"
)

// document is what the search found.
func (d *discovery) document() *schema.Discovery {
	r := &d.result
	doc := &schema.Discovery{
		Version: schema.Version, Command: d.argv, Options: d.launchOptions(), Kernel: release(), Success: d.success(),
		Limit: d.limit.OCINames(), Needs: []schema.DiscoveredNeed{}, Alternatives: [][]string{},
		NoNewPrivs: !d.sets.allowNewPrivs, Container: d.discover.in, Environment: d.surroundings,
		Guided: r.Guided, Runs: r.Runs, Seconds: d.took.Seconds(),
	}
	if d.plan != nil {
		want := &d.plan.Want
		doc.User = cred.Is(schema.User{UID: want.UID.Effective, GID: want.GID.Effective, Groups: append([]uint32{}, want.Groups...)})
		doc.NoNewPrivs = want.NoNewPrivs.Value
	}
	if r.Reason == "" {
		keep := r.Keep.OCINames()
		doc.Keep = &keep
	} else {
		doc.Reason = cred.Is(string(r.Reason))
	}
	doc.Explanation = d.explanation()
	for _, n := range r.Needs {
		doc.Needs = append(doc.Needs, schema.DiscoveredNeed{
			Capability: n.Cap.OCI(), Without: d.without(r.Keep &^ n.Cap.Set()), Runs: n.Runs, Replaceable: n.Replaceable,
		})
	}
	for _, set := range r.Alternatives {
		doc.Alternatives = append(doc.Alternatives, set.OCINames())
	}
	doc.Warnings = append([]string{}, d.warnings...)
	d.watching.describe(doc, r)
	doc.Warnings = append(doc.Warnings, d.doubts(doc)...)
	return doc
}

// launchOptions are the options that a launch of the command needs beside the set, the user
// and no_new_privs.
func (d *discovery) launchOptions() []string {
	return append([]string{}, d.table().Given(d.args, func(o *flags.Option) bool {
		switch o.Group {
		case "capabilities", "discovery", "output":
			return true
		}
		return slices.Contains([]string{"user", "groups", "no-new-privs", "allow-new-privs"}, o.Name)
	})...)
}

// explanation says in a sentence what the result means.
func (d *discovery) explanation() string {
	switch d.result.Reason {
	case "":
		return "the command works with this set, and without any one of its capabilities it does not"
	case shrink.Flaky:
		return "the same set worked in one run and failed in another" + d.hintReset()
	case shrink.FailsWithAll:
		return "the command fails even with the full set, and without any capability: " + d.without(d.limit)
	case shrink.RefusesCapabilities:
		return "the command works without capabilities and fails with the full set: " + d.without(d.limit)
	case shrink.DoesNotEnd:
		return fmt.Sprintf("still running after %v; use --check=CMD to define success, or a longer --timeout", d.runner.Limit())
	}
	switch {
	case d.discover.how.Value == "watch":
		return "only one run was watched; not all of these may be needed; use --discover to test"
	case d.result.OutOfBudget:
		return fmt.Sprintf("%d trials were not enough", d.search.Budget)
	}
	return "a repeated trial gave a different result" + d.hintReset()
}

func (d *discovery) hintReset() string {
	if d.discover.reset.OK {
		return ""
	}
	return "; if an earlier run leaves something behind, use --reset=CMD to undo it"
}

// doubts are reasons why the result may not apply to other runs.
func (d *discovery) doubts(doc *schema.Discovery) (list []string) {
	unchecked := doc.Unneeded.OK && len(doc.Unneeded.Value) == 0 && len(d.watching.full.Incomplete) == 0
	if d.result.Reason == "" && d.result.Keep == 0 && d.limit != 0 && !d.discover.reset.OK && !unchecked {
		list = append(list, "the first run may already have done the work; use --reset=CMD to undo it")
	}
	if failures := d.runner.ResetFailures; len(failures) > 0 {
		list = append(list, fmt.Sprintf("--reset failed before %d of %d runs: %s", len(failures), d.result.Runs, failures[len(failures)-1]))
	}
	return list
}

// without is what happened to the command with a set that is not enough.
func (d *discovery) without(set caps.Set) string {
	o := d.outcomes[set]
	if o == nil {
		return "not run"
	}
	text, said := "", lastLine(o.Stderr, o.Stdout)
	switch {
	case o.Refused != nil:
		return "not started: " + o.Refused.Text
	case o.OtherOutput:
		return "its output differs"
	case o.Ended:
		text = trial.StatusText(o.Status)
		if d.runner.Check != nil && trial.StatusText(o.Status) == "exit 0" {
			text, said = "the check fails", lastLine(o.Said, o.Stderr)
		}
	case d.runner.Check != nil:
		text, said = "the check fails", lastLine(o.Stderr, o.Said)
	default:
		text = "does not end"
	}
	if said != "" {
		text += ", " + said
	}
	return text
}

// lastLine is the last line of the first output that has one.
func lastLine(outputs ...[]byte) string {
	const most = 300
	for _, text := range outputs {
		text = bytes.TrimSpace(text)
		if text = text[bytes.LastIndexByte(text, '\n')+1:]; len(text) > 0 {
			return string(text[:min(len(text), most)])
		}
	}
	return ""
}

// success is what counted as one.
func (d *discovery) success() string {
	text := "exit status 0"
	if check := d.discover.check.Value + d.discover.ready.Value; d.discover.check.OK {
		text = "check: " + d.discover.check.Value
	} else if check != "" {
		text = "ready: " + check
	}
	if d.discover.sameOutput {
		text += ", and stdout as in the first run"
	}
	return text
}

// environment is what else the result depends on, as it is before the first run.
func (d *discovery) environment() schema.Environment {
	const ipv4 = "/proc/sys/net/ipv4/"
	e := schema.Environment{Files: []schema.DiscoveredFile{}}
	if d.plan == nil { // a container has its own
		return e
	}
	e.UnprivilegedPortStart = setting(ipv4 + "ip_unprivileged_port_start")
	e.PingGroupRange = setting(ipv4 + "ping_group_range")
	paths := append([]string{}, d.argv[1:]...)
	if d.plan.found < len(d.plan.paths) {
		paths = append([]string{d.plan.paths[d.plan.found]}, paths...)
	}
	const most, ineffective = 10, filecap.Script | filecap.Registered | filecap.NoSuid | filecap.ForeignMount
	for _, path := range paths {
		known := slices.ContainsFunc(e.Files, func(f schema.DiscoveredFile) bool { return f.Path == path })
		if known || !strings.Contains(path, "/") || len(e.Files) == most || d.process.chroot.OK || d.process.chdir.OK {
			continue
		}
		if g, err := files.Grants(path); err == nil {
			f := schema.DiscoveredFile{Path: path, UID: g.UID, GID: g.GID, Mode: fmt.Sprintf("%04o", g.Mode&0o7777)}
			if g.CapsShown() && g.Flaws&ineffective == 0 {
				f.Capabilities = cred.Is(g.Caps.EPI().Text(caps.Named))
			}
			e.Files = append(e.Files, f)
		}
	}
	return e
}

// setting is a value of /proc/sys, unknown where there is none.
func setting(path string) cred.Known[string] {
	text, err := files.Here.ReadFile(path)
	return cred.Known[string]{Value: strings.Join(strings.Fields(string(text)), " "), OK: err == nil}
}

// release is the kernel's, as uname -r has it.
func release() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
