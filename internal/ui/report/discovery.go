package report

import (
	"fmt"
	"strings"

	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Discovery appends the result of a search, in lines of at most width columns;
// lines are those to be pasted, which are never broken.
func Discovery(b []byte, d *schema.Discovery, lines []byte, width int) []byte {
	var t term.Table
	row := func(name, text string) {
		if text != "" {
			t.Row(name, term.Escape(text))
		}
	}
	if d.Keep == nil {
		row("keep", "no set is claimed: "+d.Reason.Value)
		row("", d.Explanation)
	} else {
		row("keep", shortList(*d.Keep))
	}
	for _, n := range d.Needs {
		row("  "+short(n.Capability), fmt.Sprintf("without: %s (%d of %d)", n.Without, n.Runs, n.Runs))
	}
	for _, set := range d.Alternatives {
		row("instead", shortList(set)+" would do, but is more dangerous")
	}
	if d.Unneeded.OK && len(d.Unneeded.Value) > 0 {
		name := "asked for"
		if d.Keep != nil {
			name = "not needed"
		}
		row(name, shortList(d.Unneeded.Value)+": the kernel was asked")
	}
	if d.Refused.OK && len(d.Refused.Value) > 0 {
		row("refused", shortList(d.Refused.Value)+", and it still counted as a success")
	}
	row("success", d.Success)
	row("applies to", applies(d))
	row("runs", fmt.Sprintf("%d in %.1f s", d.Runs, d.Seconds))
	for _, w := range d.Warnings {
		row("warning", w)
	}
	b = t.Append(b, width)
	if len(lines) > 0 {
		b = append(append(b, '\n'), lines...)
	}
	return b
}

// applies is what the result depends on.
func applies(d *schema.Discovery) string {
	list := []string{d.Container.Value}
	if u := d.User; u.OK {
		list = []string{fmt.Sprintf("uid %d, gid %d", u.Value.UID, u.Value.GID)}
	}
	if d.NoNewPrivs {
		list = append(list, "no_new_privs")
	}
	list = append(list, "Linux "+d.Kernel)
	if e := &d.Environment; e.UnprivilegedPortStart.OK {
		list = append(list, "ip_unprivileged_port_start "+e.UnprivilegedPortStart.Value)
	}
	if e := &d.Environment; e.PingGroupRange.OK {
		list = append(list, "ping_group_range "+e.PingGroupRange.Value)
	}
	for _, f := range d.Environment.Files {
		text := fmt.Sprintf("%s (%s, owner %d:%d", f.Path, f.Mode, f.UID, f.GID)
		if f.Capabilities.OK {
			text += ", " + f.Capabilities.Value
		}
		list = append(list, text+")")
	}
	return strings.Join(list, "; ")
}

// shortList is capabilities for people: "chown, net_raw", "none".
func shortList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = short(n)
	}
	return strings.Join(list, ", ")
}

func short(name string) string { return strings.ToLower(strings.TrimPrefix(name, "CAP_")) }
