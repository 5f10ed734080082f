package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
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
		row("keep", "no minimal set found")
		row("", d.Explanation)
	} else {
		row("keep", shortList(*d.Keep))
	}
	for _, n := range d.Needs {
		row("  "+short(n.Capability), fmt.Sprintf("without: %s (%d of %d)", n.Without, n.Runs, n.Runs))
	}
	for _, set := range d.Alternatives {
		row("instead", shortList(set)+" works too, but is more dangerous")
	}
	if d.Unneeded.OK && len(d.Unneeded.Value) > 0 {
		if list := shortList(d.Unneeded.Value); d.Keep == nil {
			row("checked", list+" (an upper bound)")
		} else {
			row("not needed", list+" (checked, but the command works without)")
		}
	}
	if d.Refused.OK && len(d.Refused.Value) > 0 {
		row("denied", shortList(d.Refused.Value)+" (the command worked anyway)")
	}
	row("success", d.Success)
	row("conditions", conditions(d))
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

// conditions are what the result depends on.
func conditions(d *schema.Discovery) string {
	list := []string{d.Container.Value}
	if u := d.User; u.OK {
		list = []string{fmt.Sprintf("uid %d, gid %d", u.Value.UID, u.Value.GID)}
	}
	if d.NoNewPrivs {
		list = append(list, "no_new_privs")
	}
	list = append(append(list, d.Options...), "Linux "+d.Kernel)
	if e := &d.Environment; e.UnprivilegedPortStart.OK {
		list = append(list, "ip_unprivileged_port_start "+e.UnprivilegedPortStart.Value)
	}
	if e := &d.Environment; e.PingGroupRange.OK {
		list = append(list, "ping_group_range "+e.PingGroupRange.Value+pingNote(d))
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

// pingNote says whether the kernel gives the command ping sockets, which need no net_raw
// (ping_init_sock, net/ipv4/ping.c); where it does not, only if net_raw is in question.
func pingNote(d *schema.Discovery) string {
	first, last, _ := strings.Cut(d.Environment.PingGroupRange.Value, " ")
	low, lowErr := strconv.ParseUint(first, 10, 32)
	high, highErr := strconv.ParseUint(last, 10, 32)
	if lowErr != nil || highErr != nil || !d.User.OK {
		return ""
	}
	for _, gid := range append([]uint32{d.User.Value.GID}, d.User.Value.Groups...) {
		if low <= uint64(gid) && uint64(gid) <= high {
			return fmt.Sprintf(" (includes group %d, so ping needs no net_raw)", gid)
		}
	}
	netRaw := caps.NetRaw.OCI()
	if d.Keep != nil && slices.Contains(*d.Keep, netRaw) || slices.Contains(d.Unneeded.Value, netRaw) {
		return " (includes no group of the command, so ping needs net_raw)"
	}
	return ""
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
