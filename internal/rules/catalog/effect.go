package catalog

import (
	"slices"
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Settings are what of a process's namespaces and kernel takes effect away from
// capabilities. What the reader cannot see is unknown and takes nothing away.
type Settings struct {
	// ChildUserNS is true in a user namespace that is known not to be the initial
	// one.
	ChildUserNS bool
	// PortStart is net.ipv4.ip_unprivileged_port_start of its network namespace.
	PortStart cred.Known[uint32]
	// PingGroups is net.ipv4.ping_group_range there: the first and the last group.
	PingGroups cred.Known[[2]uint32]
	// Modules says whether the kernel loads modules.
	Modules cred.Known[bool]
}

// EffectKind says how much of a capability counts for a process.
type EffectKind uint8

// The kinds.
const (
	EffectFull  EffectKind = iota
	EffectPart             // in a child user namespace
	EffectSpare            // what it is mostly used for needs no capability here
	EffectNone
)

// String is the kind's word.
func (k EffectKind) String() string { return [...]string{"full", "part", "spare", "none"}[k] }

// Effect is how much of a capability counts, and why not all.
type Effect struct {
	Kind EffectKind
	// Why is empty where all counts.
	Why string
	// ByUserNS says that the user namespace decides, as [Entry.UserNS] has it.
	ByUserNS bool
}

// Effect is how much of c counts for a process with these ids.
func (s *Settings) Effect(c caps.Cap, p *cred.State) Effect {
	e, named := Of(c)
	switch {
	case !named:
		return Effect{}
	case s.ChildUserNS && e.UserNS <= InException:
		why := "no effect in this user namespace"
		if e.UserNS == InException {
			why += ", with one exception"
		}
		return Effect{EffectNone, why, true}
	case c == caps.SysModule && s.Modules == cred.Is(false):
		return Effect{Kind: EffectNone, Why: "no effect: this kernel loads no modules"}
	case c == caps.NetBindService && s.PortStart == cred.Is[uint32](0):
		return Effect{Kind: EffectSpare, Why: "not needed for IP ports: net.ipv4.ip_unprivileged_port_start is 0"}
	case c == caps.NetRaw && s.mayPing(p):
		r := s.PingGroups.Value
		return Effect{Kind: EffectSpare, Why: "not needed for ping: net.ipv4.ping_group_range is " +
			strconv.FormatUint(uint64(r[0]), 10) + " to " + strconv.FormatUint(uint64(r[1]), 10)}
	case s.ChildUserNS && e.UserNS < InFull:
		return Effect{EffectPart, "in part in this user namespace", true}
	}
	return Effect{}
}

// mayPing reports whether the process's effective or a supplementary group may
// open ping sockets (ping_init_sock, net/ipv4/ping.c).
func (s *Settings) mayPing(p *cred.State) bool {
	r := s.PingGroups.Value
	in := func(gid uint32) bool { return gid >= r[0] && gid <= r[1] && gid != cred.UnknownID }
	return s.PingGroups.OK && (in(p.GID.Effective) || slices.ContainsFunc(p.Groups, in))
}
