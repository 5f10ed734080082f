package container

import (
	"cmp"
	"slices"
	"strconv"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// Capabilities beyond the runtime's default, each graded by what is left of it in this
// container.

// Graded is a capability with what it gives in this container, and why that is not
// all that it gives elsewhere; empty if it is.
type Graded struct {
	Cap      caps.Cap
	Severity Severity
	Reason   string
}

// Syscall is a system call that seccomp filters stop although a capability permits it.
type Syscall string

// The system calls.
const (
	KexecLoad      Syscall = "kexec_load"
	BPF            Syscall = "bpf"
	PerfEventOpen  Syscall = "perf_event_open"
	OpenByHandleAt Syscall = "open_by_handle_at"
	InitModule     Syscall = "init_module"
)

// findCapabilities looks at what is available beyond the runtime's default.
func (a *Assessment) findCapabilities(f *Facts) {
	beyond := a.Reach &^ a.Default.Set
	name := a.Default.Name
	if beyond == 0 {
		evidence := "nothing beyond " + name + "'s default"
		if a.Reach != a.Default.Set {
			evidence += ", " + strconv.Itoa(a.Reach.Len()) + " of " + strconv.Itoa(a.Default.Set.Len())
		}
		a.add("capabilities", OK, evidence, "")
		return
	}
	finding := Finding{ID: "capabilities", Severity: Low, Evidence: strconv.Itoa(beyond.Len()) + " beyond " + name + "'s default"}
	for c := range beyond.All() {
		severity, reason := a.capability(f, c)
		finding.Severity = max(finding.Severity, severity)
		finding.Caps = append(finding.Caps, Graded{c, severity, reason})
	}
	slices.SortStableFunc(finding.Caps, func(x, y Graded) int { return int(y.Severity) - int(x.Severity) })
	switch {
	case f.confined():
		finding.Meaning = "They count only inside; they open more of the kernel to attack."
	case finding.Severity == Critical:
		finding.Meaning = "What is marked critical allows escape to the host."
	}
	a.Findings = append(a.Findings, finding)
}

// capability grades one by what it needs besides, and by what stops it here.
func (a *Assessment) capability(f *Facts, c caps.Cap) (Severity, string) {
	if f.confined() {
		return Low, f.Effect(c).Why
	}
	if !f.ready().Has(c) {
		severity, reason := a.onHost(f, c)
		return f.gradedIf(false, severity), cmp.Or(reason, "only through a file with that capability or a setuid-root file")
	}
	return a.onHost(f, c)
}

// onHost grades a capability that the process has in the initial user namespace.
func (a *Assessment) onHost(f *Facts, c caps.Cap) (Severity, string) {
	if stopped, reason := a.stopped(f, c); stopped != Critical {
		return stopped, reason
	}
	e, named := catalog.Of(c)
	if !named {
		return Medium, ""
	}
	if needs, ok := conditions[c]; ok {
		return needs(f)
	}
	switch e.Host {
	case catalog.HostDirect:
		return Critical, ""
	case catalog.HostWithMount:
		if slices.ContainsFunc(f.visible, func(m Mount) bool { return f.hostDirectory(m) && !m.ReadOnly }) {
			return High, ""
		}
		return Low, "no directory of the host is mounted to write"
	case catalog.HostWithNetwork:
		if shared := f.shared(NetNS); shared.Value {
			return High, ""
		}
		return Low, "the network namespace is its own"
	case catalog.HostPart:
		return Medium, ""
	}
	return Low, ""
}

// conditions are of the capabilities that take more than themselves.
var conditions = map[caps.Cap]func(f *Facts) (Severity, string){
	caps.SysPtrace: func(f *Facts) (Severity, string) {
		if f.shared(PIDNS).Value || len(f.HostProcs) > 0 {
			return Critical, ""
		}
		return Low, "the PID namespace is its own"
	},
	caps.Mknod: func(f *Facts) (Severity, string) {
		switch opens := f.opensDisks(); {
		case !opens.OK:
			return Medium, "unless the device cgroup permits disks, which is unknown"
		case opens.Value:
			return Critical, ""
		}
		return Low, "the device cgroup permits no disk"
	},
	caps.SysTTYConfig: func(f *Facts) (Severity, string) {
		if f.usesConsole() {
			return High, ""
		}
		return Low, "no console of the host can be opened"
	},
	caps.CheckpointRestore: func(*Facts) (Severity, string) {
		return Low, "files of processes with more privileges stay closed"
	},
	caps.AuditControl: sharing(PIDNS, "the PID namespace is its own"),
	caps.AuditRead:    sharing(NetNS, "the network namespace is its own"),
	caps.MACAdmin: func(f *Facts) (Severity, string) {
		if f.Label.OK && f.Label.Value == "" {
			return Low, "no security module labels processes"
		}
		return Medium, ""
	},
	caps.BPF:     tracing(caps.Perfmon),
	caps.Perfmon: tracing(caps.BPF),
}

// sharing grades a capability that counts in a namespace of the host alone.
func sharing(k NamespaceKind, otherwise string) func(f *Facts) (Severity, string) {
	return func(f *Facts) (Severity, string) {
		if f.shared(k).Value {
			return Medium, ""
		}
		return Low, otherwise
	}
}

// tracing grades one of the two capabilities that together read and change the
// kernel's memory.
func tracing(other caps.Cap) func(f *Facts) (Severity, string) {
	return func(f *Facts) (Severity, string) {
		if f.ready().Has(other) {
			return Critical, ""
		}
		return Low, "not without " + other.Short()
	}
}

// stopped is the most that a capability gives past the seccomp filter and the kernel's
// settings, critical where neither stops it.
func (a *Assessment) stopped(f *Facts, c caps.Cap) (Severity, string) {
	switch c {
	case caps.SysModule:
		if f.Modules.OK && !f.Modules.Value {
			return Low, "this kernel loads no modules"
		}
		if f.LockedDown.Value {
			return Medium, "the kernel is locked down and loads only signed modules"
		}
		return a.filtered(f, InitModule)
	case caps.SysRawio:
		if f.LockedDown.Value {
			return Low, "the kernel is locked down"
		}
	case caps.DACReadSearch:
		return a.filtered(f, OpenByHandleAt)
	case caps.SysBoot:
		if f.shared(PIDNS).Value {
			return High, "reboot(2) restarts the host"
		}
		if f.LockedDown.Value {
			return Low, "the kernel is locked down, and reboot(2) ends only the PID namespace"
		}
		if f.KernelExec.OK && !f.KernelExec.Value {
			return Low, "this kernel has no kexec, and reboot(2) ends only the PID namespace"
		}
		return a.filtered(f, KexecLoad)
	case caps.BPF, caps.Perfmon:
		if f.ready().Has(caps.SysAdmin) { // which filters let through
			return Critical, ""
		}
		severity, reason := a.filtered(f, BPF)
		if perf, why := a.filtered(f, PerfEventOpen); perf < severity {
			return perf, why
		}
		return severity, reason
	}
	return Critical, ""
}

// filtered is what a seccomp filter leaves of a system call: what was tried is known;
// else runtimes' own filters are (moby profiles/seccomp/default_linux.go,
// containers/common pkg/seccomp/default_linux.go, lxc config/templates/common.seccomp).
func (a *Assessment) filtered(f *Facts, call Syscall) (Severity, string) {
	permits, tried := f.Permits[call]
	filter := f.Process.Seccomp
	own := "the seccomp filter of " + a.Runtime + " stops " + string(call)
	switch {
	case tried && permits, filter.OK && filter.Value == cred.SeccompOff:
		return Critical, ""
	case tried:
		return Low, "the seccomp filter stops " + string(call)
	case call == KexecLoad && a.ofEngine(engines...),
		(call == BPF || call == PerfEventOpen) && a.ofEngine(catalog.Podman, catalog.CRIO),
		call != BPF && call != PerfEventOpen && a.ofEngine(catalog.LXC):
		return Low, own
	case call == BPF || call == PerfEventOpen:
		return Medium, "if the seccomp filter stops " + string(call) + ", as Docker's did before version 23; else critical"
	case a.ofEngine(engines...):
		return Critical, "" // their filters let it through to who has the capability
	}
	return Critical, "unless the seccomp filter stops " + string(call)
}

// engines are the runtimes that have Docker's filter, or one made after it.
var engines = []string{catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO, catalog.Kubernetes}
