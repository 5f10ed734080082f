package container

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// The walls that the kernel keeps for a process: capabilities, namespaces,
// seccomp, labels.

// findCapabilities looks at what can be had beyond the runtime's default.
func (a *Assessment) findCapabilities(f *Facts) {
	beyond := a.Reach &^ a.Default.Set
	name := a.Default.Name
	if beyond == 0 {
		evidence := "nothing beyond " + name + "'s default"
		if a.Reach != a.Default.Set {
			evidence += ", " + strconv.Itoa(a.Reach.Len()) + " of " + strconv.Itoa(a.Default.Set.Len())
		}
		a.add("capabilities", OK, evidence, "Capabilities are no wider than a container commonly gets.")
		return
	}
	severity := Low
	for c := range beyond.All() {
		severity = max(severity, a.capability(f, c))
	}
	meaning := "On the host itself, each gives away what stands beside it."
	if f.confined() {
		meaning = "They count inside only; what they open there is more of the kernel to attack."
	}
	a.Findings = append(a.Findings, Finding{
		"capabilities", severity, strconv.Itoa(beyond.Len()) + " beyond " + name + "'s default", meaning, beyond,
	})
}

// capability grades one that is beyond the default by what it needs besides.
func (a *Assessment) capability(f *Facts, c caps.Cap) Severity {
	if f.confined() {
		return Low
	}
	e, named := catalog.Of(c)
	met := func(yes bool, severity Severity) Severity {
		if yes {
			return severity
		}
		return Medium
	}
	shared := func(k NamespaceKind) bool { return f.shared(k).Value }
	switch {
	case !named:
		return Medium
	case e.Host == catalog.HostDirect:
		return Critical
	case e.Host == catalog.HostPaired:
		return met(a.Reach.Contains(caps.Of(caps.BPF, caps.Perfmon)), Critical)
	case e.Host == catalog.HostWithMount:
		return met(slices.ContainsFunc(f.visible, f.hostDirectory), High)
	case e.Host == catalog.HostWithNetwork:
		return met(shared(NetNS), High)
	case e.Host == catalog.HostWithPIDs:
		return met(shared(PIDNS), Critical)
	case e.Host == catalog.HostWithDevice:
		disks, others := f.hostDevices()
		return met(len(disks)+len(others) > 0, Critical)
	case e.Host == catalog.HostPart:
		return Medium
	}
	return Low
}

// namespaceWalls are in the order of the kinds: what sharing one costs.
var namespaceWalls = [NamespaceKinds]struct {
	shared  Severity
	meaning string
}{
	UserNS:   {Low, "Root inside is root of the host; only the other walls stand between."},
	PIDNS:    {High, "All of the host's processes can be seen, and signalled by the same uid or cap_kill; with cap_sys_ptrace they can be taken over."},
	MountNS:  {Critical, "All of the host's files are in reach."},
	NetNS:    {High, "The host's interfaces, its services on localhost and its abstract sockets are in reach."},
	IPCNS:    {Medium, "System V and POSIX message queues and shared memory of the host are in reach."},
	UTSNS:    {Low, "With cap_sys_admin the host's host name can be changed."},
	CgroupNS: {Info, "The host's cgroup paths can be seen."},
	TimeNS:   {Info, "The clocks are the host's, as with nearly all containers."},
}

// finding is the ID of what is found of a namespace.
func (k NamespaceKind) finding() string { return k.String() + "-namespace" }

// findNamespaces looks at each kind of namespace.
func (a *Assessment) findNamespaces(f *Facts) {
	for k := range NamespaceKinds {
		id, wall := k.finding(), namespaceWalls[k]
		switch shared := f.shared(k); {
		case k == TimeNS && !f.Namespaces[k].Inode.OK && f.Namespaces[UserNS].Inode.OK:
			// Before Linux 5.6 there was none; the others could be read.
		case gvisor(f.Release) && k != NetNS: // which may be the host's
			a.add(id, OK, "it is gVisor's own", "")
		case !shared.OK && f.Namespaces[k].Inode.OK:
			a.add(id, Unread, "it is number "+strconv.FormatUint(f.Namespaces[k].Inode.Value, 10)+", that of the host's init is not to be seen", "Whether this wall stands is not known.")
		case !shared.OK:
			a.unread(id, "the "+k.String()+" namespace")
		case shared.Value:
			a.add(id, f.sharing(k), "it is the host's own", wall.meaning)
		case k == UserNS:
			a.findUserNS(f)
		default:
			a.add(id, OK, "it has one of its own", "")
		}
	}
}

// sharing is what it costs to have the host's own namespace of a kind.
func (f *Facts) sharing(k NamespaceKind) Severity {
	if f.confined() { // root inside is nobody there
		return min(namespaceWalls[k].shared, Medium)
	}
	return namespaceWalls[k].shared
}

// findUserNS looks at who stands behind the ids of a user namespace.
func (a *Assessment) findUserNS(f *Facts) {
	id := UserNS.finding()
	m := f.Process.UserNS.UIDMap
	switch {
	case !m.OK:
		a.add(id, Unread, "it has one of its own; its uid_map could not be read", "Whether an id inside is the host's root is not known.")
	case mapsRoot(m.Value):
		a.add(id, High, "it has one of its own, which maps the host's uid 0", "Files that root owns obey it where they are in reach.")
	default:
		a.add(id, OK, "it has one of its own, without the host's uid 0", "Root inside is nobody outside.")
	}
}

// mapsRoot reports whether a map gives out the uid 0 of the reader's namespace.
func mapsRoot(m []cred.IDRange) bool {
	_, ok := cred.Inside(m, 0)
	return ok
}

// findProcess looks at what else the kernel holds against the process.
func (a *Assessment) findProcess(f *Facts) {
	switch s := f.Process.Seccomp; {
	case !s.OK:
		a.unread("seccomp", "the seccomp mode")
	case s.Value == cred.SeccompOff:
		a.add("seccomp", Medium, "no seccomp filter", "Every system call is open, also those that containers never need, such as keyctl, add_key, bpf and userfaultfd.")
	default:
		a.add("seccomp", OK, "seccomp "+s.Value.String(), "")
	}
	switch label := f.Label; {
	case !label.OK:
		a.unread("lsm", "the security module's label")
	case label.Value == "":
		a.add("lsm", Low, "no AppArmor or SELinux label", "No security module stands behind the other walls.")
	case unconfined(label.Value):
		a.add("lsm", Medium, "label "+label.Value, "The security module that this host has does not hold it.")
	default:
		a.add("lsm", OK, "label "+label.Value, "")
	}
	a.findNoNewPrivs(f)
}

// unconfined knows the labels that confine nothing: AppArmor's, and SELinux's
// types for logged-in users and for super-privileged containers.
func unconfined(label string) bool {
	return label == "unconfined" || strings.Contains(label, ":unconfined_t:") || strings.Contains(label, ":spc_t:")
}

// findNoNewPrivs looks at whether an execve can give more than there is.
func (a *Assessment) findNoNewPrivs(f *Facts) {
	const id = "no-new-privs"
	nnp, more := f.Process.NoNewPrivs, execve.Gain(&f.Process.Sets)
	from := "bounding"
	if !f.Process.Bounding.Contains(more) {
		from = "bounding and the inheritable"
	}
	gain := "an execve can bring back " + strconv.Itoa(more.Len()) + " of the " + from + " set"
	switch {
	case !nnp.OK:
		a.unread(id, "no_new_privs")
	case nnp.Value:
		a.add(id, OK, "no_new_privs is on", "")
	case more == 0:
		a.add(id, Info, "no_new_privs is off; all that an execve can give is held already", "")
	case f.Setuid.OK && len(f.Setuid.Value) > 0:
		a.add(id, Medium, "no_new_privs is off and there are "+countOf(f.Setuid.Value, 3, "setuid-root file"), "Through one of them "+gain+".")
	case f.Setuid.OK:
		a.add(id, Low, "no_new_privs is off; no setuid-root file in the usual directories", "Through a setuid file elsewhere, or one with file capabilities, "+gain+".")
	default:
		a.add(id, Low, "no_new_privs is off; whether there are setuid files could not be read", "Through one of them "+gain+".")
	}
}

// countOf says how many there are and names the first few.
func countOf(list []string, few int, what string) string {
	text := strconv.Itoa(len(list)) + " " + what
	if len(list) != 1 {
		text += "s"
	}
	return text + ": " + firstOf(list, few)
}

// firstOf names the first few of a list.
func firstOf(list []string, few int) string {
	if len(list) > few {
		return strings.Join(list[:few], ", ") + " and " + strconv.Itoa(len(list)-few) + " more"
	}
	return strings.Join(list, ", ")
}
