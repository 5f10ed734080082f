package container

import (
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// What the kernel isolates a process with beside capabilities: namespaces, seccomp,
// labels.

// sharedNamespaces say, in the order of the kinds, what it costs to share one.
var sharedNamespaces = [NamespaceKinds]struct {
	severity Severity
	meaning  string
}{
	UserNS:   {Low, "Container root is root on the host; only the other restrictions protect the host."},
	PIDNS:    {Unread, ""}, // see processesWorth
	MountNS:  {Critical, "All of the host's files are in reach."},
	NetNS:    {High, "The host's interfaces, its services on localhost and its abstract sockets are in reach."},
	IPCNS:    {Medium, "System V and POSIX message queues and shared memory of the host are in reach."},
	UTSNS:    {Info, "The host's name can be seen."},
	CgroupNS: {Info, "The host's cgroup paths can be seen."},
	TimeNS:   {Info, "The clocks are the host's, as with nearly all containers."},
}

// finding is the ID of what is found of a namespace.
func (k NamespaceKind) finding() string { return k.String() + "-namespace" }

// findNamespaces looks at each kind of namespace.
func (a *Assessment) findNamespaces(f *Facts) {
	for k := range NamespaceKinds {
		id := k.finding()
		switch shared := f.shared(k); {
		case k == TimeNS && !f.Namespaces[k].Inode.OK && f.Namespaces[UserNS].Inode.OK:
			// Before Linux 5.6 there was none; the others could be read.
		case gvisor(f.Release) && k != NetNS: // which may be the host's
			a.add(id, OK, "it is gVisor's own", "")
		case !shared.OK && f.Namespaces[k].Inode.OK:
			a.add(id, Unread, "its number is "+strconv.FormatUint(f.Namespaces[k].Inode.Value, 10)+"; the host's could not be read", "Whether it is shared with the host is unknown.")
		case !shared.OK:
			a.unread(id, "the "+k.String()+" namespace")
		case shared.Value:
			severity, meaning := f.sharing(k)
			a.add(id, severity, "shared with the host", meaning)
		case k == UserNS:
			a.findUserNS(f)
		default:
			a.add(id, OK, "its own", "")
		}
	}
}

// sharing is what it costs to have the host's own namespace of a kind, and why.
func (f *Facts) sharing(k NamespaceKind) (Severity, string) {
	shared := sharedNamespaces[k]
	switch {
	case k == PIDNS:
		return f.processesWorth(true)
	case f.confined(): // container root has no privileges there
		return min(shared.severity, Medium), shared.meaning
	case k == UTSNS && f.ready().Has(caps.SysAdmin):
		return Medium, "The host's name can be changed with cap_sys_admin."
	case k == MountNS && !f.commands():
		return High, "All of the host's files are in reach, as far as their modes permit."
	}
	return shared.severity, shared.meaning
}

// findUserNS looks at which users of the host the ids of a user namespace are.
func (a *Assessment) findUserNS(f *Facts) {
	id := UserNS.finding()
	switch {
	case !f.Process.UserNS.UIDMap.OK:
		a.add(id, Unread, "its own; its uid_map could not be read", "Whether an id inside is the host's root is unknown.")
	case f.hostRootMapped():
		a.add(id, High, "its own, and it maps the host's uid 0", "Files of the host's root are accessible where they are in reach.")
	default:
		a.add(id, OK, "its own, without the host's uid 0", "Container root has no privileges on the host.")
	}
}

// findProcess looks at the other restrictions that the kernel keeps for the process.
func (a *Assessment) findProcess(f *Facts) {
	a.findSeccomp(f)
	switch label := f.Label; {
	case !label.OK:
		a.unread("lsm", "the security module's label")
	case label.Value == "":
		a.add("lsm", Low, "no AppArmor or SELinux label", "No security module restricts the process.")
	case unconfined(label.Value):
		a.add("lsm", Medium, "label "+label.Value, "The host's security module does not restrict the process.")
	default:
		a.add("lsm", OK, "label "+label.Value, "")
	}
	a.findNoNewPrivs(f)
}

// findSeccomp looks at the filter, and at whether it lets new user namespaces be made.
func (a *Assessment) findSeccomp(f *Facts) {
	const id, inside = "new-user-namespaces", "A process that makes a user namespace has all capabilities in it, which opens more of the kernel to attack."
	namespaces := !f.UserNamespaces.OK || f.UserNamespaces.Value
	switch s := f.Process.Seccomp; {
	case !s.OK:
		a.unread("seccomp", "the seccomp mode")
	case s.Value != cred.SeccompOff:
		a.add("seccomp", OK, "seccomp "+s.Value.String(), "")
	default:
		meaning := "Every system call is available, also those that containers never need, such as keyctl, bpf and userfaultfd."
		if namespaces {
			meaning = "New user namespaces can be made, with all capabilities in them. " + meaning
		}
		a.add("seccomp", Medium, "no seccomp filter", meaning)
	}
	filter := f.Process.Seccomp
	switch permits, tried := f.Permits[Unshare]; {
	case !namespaces:
		a.add(id, OK, "user namespaces are disabled on this host", "")
	case filter.Value == cred.SeccompOff && filter.OK:
		a.add(id, Low, "no seccomp filter stops them", inside)
	case tried && permits:
		a.add(id, Low, "the seccomp filter permits them", inside)
	case tried:
		a.add(id, OK, "the seccomp filter stops them", "")
	case a.ofEngine(catalog.Podman, catalog.CRIO, catalog.LXC, catalog.Nspawn):
		a.add(id, Low, "the default seccomp filter of "+a.Runtime+" permits them", inside)
	case a.ofEngine(engines...) && !f.Process.Bounding.Has(caps.SysAdmin):
		a.add(id, OK, "the default seccomp filter of "+a.Runtime+" stops them", "")
	case a.ofEngine(engines...):
		a.add(id, Low, "the default seccomp filter of "+a.Runtime+" permits them with cap_sys_admin", inside)
	default:
		a.add(id, Info, "they may be available, unless the seccomp filter stops them", inside)
	}
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
		a.add(id, Info, "no_new_privs is off, but an execve cannot add anything the process does not already have", "")
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
