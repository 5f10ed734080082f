package container

import "capsh/internal/rules/caps"

// RuntimeDefault is what a runtime gives a container that asks for nothing.
type RuntimeDefault struct {
	// Name is the runtime's, one of the Runtime constants where there is one.
	Name string
	// Column is a short name for it, which [Default] knows as well.
	Column string
	// Set is the bounding set.
	Set caps.Set
	// Version is one of the runtime's that has it.
	Version string
	// Source is the file of the runtime's that has it.
	Source string
	// Note is what else there is to know; may be empty.
	Note string
}

// What runtimes name. As constants they cost no program's start anything.
const (
	// lxcDropped is what LXC takes away; it names no others, so that a newer
	// kernel's stay.
	lxcDropped = caps.Set(1)<<caps.MACAdmin | 1<<caps.MACOverride | 1<<caps.SysTime | 1<<caps.SysModule | 1<<caps.SysRawio
	runcSpec   = caps.Set(1)<<caps.AuditWrite | 1<<caps.Kill | 1<<caps.NetBindService
	allNamed   = caps.Set(1)<<caps.Named - 1
)

// defaults are in the order in which they are shown.
var defaults = [...]RuntimeDefault{
	{Docker, "docker", caps.DockerDefault, "28.2", "moby daemon/pkg/oci/caps/defaults.go", ""},
	{Containerd, "cri", caps.DockerDefault, "2.0", "containerd pkg/oci/spec.go", "the same for Kubernetes, through CRI"},
	{Podman, "podman", caps.PodmanDefault, "4.4", "containers/common pkg/config/default.go", "Docker's before 4.4, where containers.conf did not say this"},
	{CRIO, "cri-o", 0x5fb, "1.30", "cri-o internal/config/capabilities/capabilities_linux.go", ""},
	{LXC, "lxc", allNamed &^ lxcDropped, "5.0", "lxc config/templates/common.conf.in", "all of the kernel's but five"},
	{Nspawn, "nspawn", 0xfdecafff, "252", "systemd src/nspawn/nspawn.c", "and net_admin with a private network"},
	{"runc", "runc", runcSpec, "1.1", "runc libcontainer/specconv/example.go", "runc spec's example"},
	{"kubernetes-baseline", "baseline", caps.DockerDefault &^ (1 << caps.NetRaw), "1.25", "pod-security-admission policy/check_capabilities_baseline.go", "what a pod may add by the baseline policy"},
}

// Defaults are all that are known, in the order in which they are shown. Not to
// be changed.
func Defaults() []RuntimeDefault { return defaults[:] }

// Default is the default set of a runtime by its name or its column's, or by
// another in common use: crio, kubernetes (what CRI gives a pod).
func Default(name string) (caps.Set, bool) {
	switch name {
	case "crio":
		name = CRIO
	case Kubernetes:
		name = Containerd
	}
	for i := range defaults {
		if defaults[i].Name == name || defaults[i].Column == name {
			return defaults[i].Set, true
		}
	}
	return 0, false
}
