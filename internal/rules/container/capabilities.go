package container

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

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
	Unshare        Syscall = "unshare"
	IOPL           Syscall = "iopl"
)

// findCapabilities looks at what is available beyond the runtime's default.
func (a *Assessment) findCapabilities(f *Facts) {
	beyond := a.Reach &^ a.Default.Set
	finding := Finding{ID: "capabilities"}
	switch {
	case beyond != 0:
		finding.Severity, finding.Evidence = Low, fmt.Sprintf("%d beyond %s's default", beyond.Len(), a.Default.Name)
	case a.Reach == a.Default.Set:
		finding.Evidence = fmt.Sprintf("nothing beyond %s's default", a.Default.Name)
	default:
		finding.Evidence = fmt.Sprintf("nothing beyond %s's default, %d of %d", a.Default.Name, a.Reach.Len(), a.Default.Set.Len())
	}
	for c := range a.Reach.All() {
		severity, reason := a.capability(f, c)
		if !beyond.Has(c) && (severity < High || !direct(c)) {
			continue
		}
		finding.Severity = max(finding.Severity, severity)
		finding.Caps = append(finding.Caps, Graded{c, severity, reason})
	}
	if beyond == 0 && finding.Caps != nil {
		finding.Evidence += fmt.Sprintf(", but %d of these can allow escape to the host", len(finding.Caps))
	}
	sort.SliceStable(finding.Caps, func(i, j int) bool { return finding.Caps[i].Severity > finding.Caps[j].Severity })
	switch {
	case beyond != 0 && f.confined():
		finding.Meaning = "They take effect only inside; they open more of the kernel to attack."
	case finding.Severity == Critical:
		finding.Meaning = "Capabilities marked critical allow escape to the host."
	}
	a.Findings = append(a.Findings, finding)
}

// direct reports whether a capability allows escape without anything of the host's being
// shared. LXC and systemd-nspawn give some by default.
func direct(c caps.Cap) bool {
	e, _ := catalog.Of(c)
	return e.Host == catalog.HostDirect || e.Host == catalog.HostPaired
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
	most, reason := a.stopped(f, c)
	if most != Critical {
		return most, reason
	}
	e, named := catalog.Of(c)
	if !named {
		return Medium, ""
	}
	if needs, ok := conditions()[c]; ok {
		return needs(f)
	}
	switch e.Host {
	case catalog.HostDirect:
		return Critical, reason
	case catalog.HostWithMount:
		if slices.ContainsFunc(f.visible, func(m Mount) bool { return f.hostDirectory(m) && !m.ReadOnly }) {
			return High, ""
		}
		return Low, "no directory of the host is mounted to write"
	case catalog.HostWithNetwork:
		if shared := f.shared(NetNS); shared.Value {
			return High, ""
		}
		return Low, "no effect on the host: own network namespace"
	case catalog.HostPart:
		return Medium, ""
	}
	return Low, ""
}

// conditions are of the capabilities that take more than themselves.
func conditions() map[caps.Cap]func(f *Facts) (Severity, string) {
	return map[caps.Cap]func(f *Facts) (Severity, string){
		caps.SysPtrace: func(f *Facts) (Severity, string) {
			if f.shared(PIDNS).Value || len(f.HostProcs) > 0 {
				return Critical, ""
			}
			return Low, "no effect on the host: own PID namespace"
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
		caps.AuditControl: sharing(PIDNS, "no effect on the host: own PID namespace"),
		caps.AuditRead:    sharing(NetNS, "no effect on the host: own network namespace"),
		caps.MACAdmin: func(f *Facts) (Severity, string) {
			if f.Label.OK && f.Label.Value == "" {
				return Low, "no security module labels processes"
			}
			return Medium, ""
		},
		caps.BPF: func(f *Facts) (Severity, string) {
			if f.ready().Has(caps.Perfmon) {
				return Critical, ""
			}
			return Low, "not without perfmon"
		},
		caps.Perfmon: func(f *Facts) (Severity, string) {
			if f.ready().Has(caps.BPF) {
				return Critical, ""
			}
			return Medium, "it reads memory only with bpf"
		},
	}
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
		if f.PortIO.OK && !f.PortIO.Value {
			return Low, "this kernel has no iopl(2)"
		}
		most, reason := a.filtered(f, IOPL)
		if most == Critical && !f.PortIO.OK {
			reason = "unless this kernel has no iopl(2)"
		}
		return most, reason
	case caps.AuditControl, caps.AuditRead:
		// containers/common pkg/seccomp/default_linux.go, socket: NETLINK_AUDIT
		if f.Process.Seccomp.Value != cred.SeccompOff && a.ofEngine(catalog.Podman, catalog.CRIO) && !f.Process.Bounding.Has(caps.AuditWrite) {
			return Low, "podman's default seccomp filter stops audit sockets without audit_write"
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
		perf, why := a.filtered(f, PerfEventOpen)
		if load, reason := a.filtered(f, BPF); c == caps.BPF && load <= perf {
			return load, reason
		}
		return perf, why
	}
	return Critical, ""
}

// filtered is what a seccomp filter leaves of a system call to who has its capability.
// What was tried is known. Else it is what the runtime's own filter leaves: another one
// in its place cannot be read.
func (a *Assessment) filtered(f *Facts, call Syscall) (Severity, string) {
	permits, tried := f.Permits[call]
	filter := f.Process.Seccomp
	traces := call == BPF || call == PerfEventOpen
	switch {
	case tried && permits, filter.OK && filter.Value == cred.SeccompOff,
		traces && f.Process.Bounding.Has(caps.SysAdmin) && !a.ofEngine(catalog.Nspawn): // other filters let it through then
		return Critical, ""
	case tried:
		return Low, "the seccomp filter stops " + string(call)
	case slices.Contains(filteredBy(a.Runtime), call):
		return Low, "the default seccomp filter of " + a.Runtime + " stops " + string(call)
	case traces && !a.ofEngine(catalog.LXC):
		return Medium, "if the seccomp filter stops " + string(call) + ", as Docker's did before version 23; else critical"
	case filteredBy(a.Runtime) != nil:
		return Critical, ""
	}
	return Critical, "unless the seccomp filter stops " + string(call)
}

// filteredBy is the system calls that the default filter of a runtime stops even for who
// has the capability (moby profiles/seccomp/default_linux.go, containers/common
// pkg/seccomp/default_linux.go, lxc config/templates/common.seccomp, systemd
// src/nspawn/nspawn-seccomp.c).
func filteredBy(runtime string) []Syscall {
	switch runtime {
	case catalog.Docker, catalog.Containerd, catalog.Kubernetes:
		return []Syscall{KexecLoad}
	case catalog.Podman, catalog.CRIO:
		return []Syscall{KexecLoad, BPF, PerfEventOpen}
	case catalog.LXC:
		return []Syscall{KexecLoad, OpenByHandleAt, InitModule}
	case catalog.Nspawn:
		return []Syscall{KexecLoad, OpenByHandleAt, BPF, PerfEventOpen}
	}
	return nil
}

// engines are the runtimes that have Docker's filter, or one made after it.
var engines = []string{catalog.Docker, catalog.Podman, catalog.Containerd, catalog.CRIO, catalog.Kubernetes}
