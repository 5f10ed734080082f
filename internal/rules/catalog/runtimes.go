package catalog

import "capsh/internal/rules/caps"

// The names of container runtimes.
const (
	Docker     = "docker"
	Podman     = "podman"
	Containerd = "containerd"
	CRIO       = "cri-o"
	Kubernetes = "kubernetes" // a pod, run by an unknown runtime
	LXC        = "lxc"
	Nspawn     = "systemd-nspawn"
	Libvirt    = "libvirt-lxc"
	GVisor     = "gvisor"
	Bubblewrap = "bubblewrap"
)

// Runtimes are those whose containers a process can be found in. GVisor's
// processes are not the host's.
func Runtimes() []string {
	return []string{Docker, Podman, Containerd, CRIO, Kubernetes, LXC, Nspawn, Libvirt, Bubblewrap}
}

// DockerDefault is the bounding set that Docker gives a container by default
// (moby oci/caps/defaults.go; daemon/pkg/oci/caps/defaults.go later).
const DockerDefault caps.Set = 0xa80425fb

// PodmanDefault is Podman's from 4.4.3 on, with containers/common 0.51.1. With
// 0.51.0 (Podman 4.4.0 to 4.4.2) it was the same without sys_chroot, before
// that Docker's (containers/common pkg/config/default.go).
const PodmanDefault caps.Set = 0x800405fb

const (
	// lxcDropped are the capabilities that LXC's default configuration drops; it
	// leaves all others, those of newer kernels too.
	lxcDropped = caps.Set(1)<<caps.MACAdmin | 1<<caps.MACOverride | 1<<caps.SysTime | 1<<caps.SysModule | 1<<caps.SysRawio
	runcSpec   = caps.Set(1)<<caps.AuditWrite | 1<<caps.Kill | 1<<caps.NetBindService
	allNamed   = caps.Set(1)<<caps.Named - 1
)

// RuntimeDefault is what a runtime gives a container that asks for nothing.
type RuntimeDefault struct {
	// Name is the runtime's, one of the constants where there is one.
	Name string
	// Column is a short name for it, which [Default] accepts as well.
	Column string
	// Set is the bounding set.
	Set caps.Set
	// Version is a version of the runtime that has this default.
	Version string
	// Source is the file in the runtime's repository that defines it.
	Source string
	// Note says when another set applies; may be empty.
	Note string
}

// defaults are in the order in which they are shown.
var defaults = [...]RuntimeDefault{
	{Docker, "docker", DockerDefault, "28.2", "moby oci/caps/defaults.go", ""},
	{Containerd, "cri", DockerDefault, "2.0", "containerd pkg/oci/spec.go", "the same for Kubernetes, through CRI"},
	{Podman, "podman", PodmanDefault, "4.4.3", "containers/common pkg/config/default.go", "without sys_chroot in 4.4.0 to 4.4.2; Docker's before 4.4, unless containers.conf says otherwise"},
	{CRIO, "cri-o", 0x5fb, "1.30", "cri-o internal/config/capabilities/capabilities_linux.go", ""},
	{LXC, "lxc", allNamed &^ lxcDropped, "5.0", "lxc config/templates/common.conf.in", "all of the kernel's but five"},
	{Nspawn, "nspawn", 0xfdecafff, "252", "systemd src/nspawn/nspawn.c", "and net_admin with a private network"},
	{"runc", "runc", runcSpec, "1.1", "runc libcontainer/specconv/example.go", "runc spec's example"},
	{"buildah", "buildah", PodmanDefault, "1.37", "containers/common pkg/config/default.go", "for RUN"},
	{"buildkit", "buildkit", DockerDefault, "0.12", "containerd oci/spec.go", "for RUN; all with RUN --security=insecure"},
	{"kubernetes-baseline", "baseline", DockerDefault &^ (1 << caps.NetRaw), "1.25", "pod-security-admission policy/check_capabilities_baseline.go", "what a pod may add by the baseline policy"},
	{"kubernetes-restricted", "restrict", 1 << caps.NetBindService, "1.25", "pod-security-admission policy/check_capabilities_restricted.go", "what a pod may add by the restricted policy, which drops ALL"},
}

// Defaults are all known defaults, in the order in which they are shown. Not to
// be changed.
func Defaults() []RuntimeDefault { return defaults[:] }

// Default is the default set of a runtime by its name or its column's, or by
// another in common use: crio, kubernetes (what CRI gives a pod), restricted.
func Default(name string) (caps.Set, bool) {
	switch name {
	case "crio":
		name = CRIO
	case Kubernetes:
		name = Containerd
	case "restricted":
		name = "kubernetes-restricted"
	}
	for i := range defaults {
		if defaults[i].Name == name || defaults[i].Column == name {
			return defaults[i].Set, true
		}
	}
	return 0, false
}
