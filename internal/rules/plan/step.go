package plan

import (
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Op is what a step does.
type Op uint8

// The steps. They stand in a plan in this order, but that capset comes as often
// as it must.
const (
	SetRlimit Op = iota
	SetUmask
	Capset
	DropBounding
	Chroot
	KeepCaps
	Setgroups
	Setresgid
	Setresuid
	ClearAmbient
	RaiseAmbient
	SetSecurebits
	Chdir
	SetDeathSignal
	SetPtracer
	NoNewPrivs
	SetAppArmor
	SetSELinux
	RestrictLandlock
	Verify
	SetSignals
	FilterSeccomp

	opCount int = iota
)

var opNames = [opCount]string{
	SetRlimit: "rlimit", SetUmask: "umask", Capset: "capset", DropBounding: "drop_bounding",
	Chroot: "chroot", KeepCaps: "keep_caps", Setgroups: "setgroups", Setresgid: "setresgid",
	Setresuid: "setresuid", ClearAmbient: "clear_ambient", RaiseAmbient: "raise_ambient",
	SetSecurebits: "securebits", Chdir: "chdir", SetDeathSignal: "death_signal",
	SetPtracer: "ptracer", NoNewPrivs: "no_new_privs", SetAppArmor: "apparmor_profile",
	SetSELinux: "selinux_label", RestrictLandlock: "landlock", Verify: "verify",
	SetSignals: "signals", FilterSeccomp: "seccomp",
}

// String is the name of the step in JSON.
func (o Op) String() string { return opNames[o] }

// Step is one step with its operands; which of them count is said by each.
type Step struct {
	Op Op
	// Sets are what Capset sets.
	Sets caps.EPI
	// Set is what DropBounding drops and RaiseAmbient raises.
	Set caps.Set
	// IDs are the real, effective and saved id of Setresuid and Setresgid,
	// cred.Unchanged for one that stays.
	IDs cred.IDs
	// Groups are those of Setgroups, in ascending order.
	Groups []uint32
	// Number is the value of SetUmask, SetSecurebits, SetDeathSignal and
	// SetPtracer.
	Number uint64
	// Text is the path of Chroot, Chdir and FilterSeccomp, the label of
	// SetAppArmor and SetSELinux.
	Text string
	// FD is the directory of Chroot and Chdir, open, or -1.
	FD       int
	Rlimit   Rlimit
	Landlock Landlock
	Signals  Signals
	// Filter is what FilterSeccomp loads.
	Filter []byte
}

// String is the step for people, one line.
func (s *Step) String() string { return string(s.AppendText(nil)) }

// AppendText appends [Step.String].
func (s *Step) AppendText(b []byte) []byte {
	text := func(words ...string) []byte {
		for _, w := range words {
			b = append(b, w...)
		}
		return b
	}
	number := func(base int) string { return strconv.FormatUint(s.Number, base) }
	switch s.Op {
	case SetRlimit:
		return text("rlimit ", s.Rlimit.Name, " ", s.Rlimit.Range())
	case SetUmask:
		return text("umask 0", number(8))
	case Capset:
		return text("capset effective ", Names(s.Sets.Effective), "; permitted ", Names(s.Sets.Permitted),
			"; inheritable ", Names(s.Sets.Inheritable))
	case DropBounding:
		return text("drop from bounding ", Names(s.Set))
	case Chroot:
		return text("chroot ", s.Text)
	case KeepCaps:
		return text("securebit keep_caps, to keep permitted over the change of user")
	case Setgroups:
		return text("setgroups ", IDList(s.Groups))
	case Setresgid:
		return text("setresgid ", IDText(s.IDs))
	case Setresuid:
		return text("setresuid ", IDText(s.IDs))
	case ClearAmbient:
		return text("clear ambient")
	case RaiseAmbient:
		return text("raise ambient ", Names(s.Set))
	case SetSecurebits:
		return text("securebits ", cred.Securebits(s.Number).String())
	}
	return s.appendRest(b, number)
}

// appendRest appends the steps that change no credentials.
func (s *Step) appendRest(b []byte, number func(int) string) []byte {
	switch s.Op {
	case Chdir:
		return append(append(b, "chdir "...), s.Text...)
	case SetDeathSignal:
		return append(append(b, "parent death signal "...), SignalName(int(s.Number))...)
	case SetPtracer:
		if s.Number == AnyPtracer {
			return append(b, "ptracer any"...)
		}
		return append(append(b, "ptracer "...), number(10)...)
	case NoNewPrivs:
		return append(b, "no_new_privs"...)
	case SetAppArmor:
		return append(append(b, "apparmor profile "...), s.Text...)
	case SetSELinux:
		return append(append(b, "selinux label "...), s.Text...)
	case RestrictLandlock:
		b = append(append(b, "landlock "...), list(RightNames(s.Landlock.Access))...)
		for _, r := range s.Landlock.Rules {
			b = append(append(b, "; allow "...), list(RightNames(r.Access))...)
			b = append(append(b, " beneath "...), r.Path...)
		}
		return b
	case Verify:
		return append(b, "read all back and compare"...)
	case SetSignals:
		b = append(b, "signals as at the start"...)
		b = appendSignals(b, "; ignore", s.Signals.Ignore)
		b = appendSignals(b, "; default", s.Signals.Default)
		return appendSignals(b, "; block", s.Signals.Block)
	case FilterSeccomp:
		return append(append(b, "seccomp filter "...), s.Text...)
	}
	return b
}

func appendSignals(b []byte, what string, set uint64) []byte {
	switch set {
	case 0:
		return b
	case ^uint64(0):
		return append(append(b, what...), " all"...)
	}
	return append(append(append(b, what...), ' '), list(SignalNames(set))...)
}

func list(names []string) string { return strings.Join(names, ",") }

// Range is the soft and the hard limit, "1024:unlimited".
func (r *Rlimit) Range() string { return limit(r.Soft) + ":" + limit(r.Hard) }

func limit(n uint64) string {
	if n == ^uint64(0) {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// Names is a set for people: "none", libcap's names, or "all but" those.
func Names(s caps.Set) string {
	all := caps.First(caps.Named)
	switch {
	case s == 0:
		return "none"
	case s == all:
		return "all"
	case s.Len() > caps.Named/2 && all.Contains(s):
		return "all but " + (all &^ s).String()
	}
	return s.String()
}

// IDText is "1000", or "real 0, effective 1000, saved 1000".
func IDText(id cred.IDs) string {
	if id.Real == id.Effective && id.Real == id.Saved {
		return idText(id.Real)
	}
	return "real " + idText(id.Real) + ", effective " + idText(id.Effective) + ", saved " + idText(id.Saved)
}

// IDList is the ids with commas between, "none" for no id.
func IDList(list []uint32) string {
	if len(list) == 0 {
		return "none"
	}
	var b []byte
	for i, id := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(id), 10)
	}
	return string(b)
}

func idText(id uint32) string {
	if id == cred.Unchanged {
		return "unchanged"
	}
	return strconv.FormatUint(uint64(id), 10)
}
