package container

import "capsh/internal/caps"

// RuntimeDefault is what a runtime gives a container that asks for nothing.
type RuntimeDefault struct {
	// Name is the runtime's, one of the Runtime constants where there is one.
	Name string
	// Set is the bounding set.
	Set caps.Set
	// Version says from which version on, or in which it was looked up.
	Version string
	// Source is the file of the runtime's that has it.
	Source string
	// Note is what else there is to know; may be empty.
	Note string
}

// lxcDropped is what LXC takes away; it names no others, so that a newer
// kernel's stay.
var lxcDropped = caps.Of(caps.MACAdmin, caps.MACOverride, caps.SysTime, caps.SysModule, caps.SysRawio)

// defaults are in the order in which they are shown.
var defaults = [...]RuntimeDefault{
	{Docker, caps.DockerDefault, "since 1.2", "moby daemon/pkg/oci/caps/defaults.go", ""},
	{Containerd, caps.DockerDefault, "since 1.0", "containerd pkg/oci/spec.go", "the same for Kubernetes, through CRI"},
	{Podman, 0x800405fb, "since 4.4 (containers/common 0.51)", "containers/common pkg/config/default.go", "Docker's before, where containers.conf does not say this"},
	{CRIO, 0x5fb, "since 1.18", "cri-o internal/config/capabilities/capabilities_linux.go", ""},
	{LXC, caps.First(caps.Named) &^ lxcDropped, "since 1.0", "lxc config/templates/common.conf.in", "all of the kernel's but five"},
	{Nspawn, 0xfdecafff, "since 209", "systemd src/nspawn/nspawn.c", "and net_admin with a private network"},
	{"runc", caps.Of(caps.AuditWrite, caps.Kill, caps.NetBindService), "since 1.0", "runc libcontainer/specconv/example.go", "runc spec's example"},
	{"kubernetes-baseline", caps.DockerDefault &^ caps.Of(caps.NetRaw), "since 1.22", "pod-security-admission policy/check_capabilities_baseline.go", "what a pod may add by the baseline policy"},
}

// Defaults are all that are known, in the order in which they are shown. Not to
// be changed.
func Defaults() []RuntimeDefault { return defaults[:] }

// Default is the default set of a runtime by its name, or by another in common
// use: crio, cri, nspawn, kubernetes (what CRI gives a pod).
func Default(name string) (caps.Set, bool) {
	switch name {
	case "crio":
		name = CRIO
	case "cri", Kubernetes:
		name = Containerd
	case "nspawn":
		name = Nspawn
	}
	for i := range defaults {
		if defaults[i].Name == name {
			return defaults[i].Set, true
		}
	}
	return 0, false
}
