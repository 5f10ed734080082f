package container

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/release"
)

// Facts are what was read of a process and of the container around it. What the
// reader may not see, or the kernel does not have, is unknown.
type Facts struct {
	Process cred.Process
	// Label is what the security module says of the process, empty where none
	// gives labels.
	Label cred.Known[string]
	// Kernel is the set of all capabilities that the kernel has.
	Kernel cred.Known[caps.Set]
	// HostProc is true if the procfs is known to show the host's own PID
	// namespace: what has one id there has no other.
	HostProc bool
	// Host is the bounding set of the host's own init: the most that it
	// gives anyone.
	Host cred.Known[caps.Set]
	// HostMounts is the mount table of the host's own init.
	HostMounts cred.Known[Mounts]
	Namespaces [NamespaceKinds]Namespace
	// FirstNet says whether the network namespace shows the settings that only the
	// host's first has.
	FirstNet cred.Known[bool]
	// Settings are what takes effect away from capabilities, but for what is known
	// elsewhere here: see [Facts.Effect].
	Settings catalog.Settings
	// Owner is the uid that owns the user namespace, as the reader's shows it.
	Owner cred.Known[uint32]
	// HostRoot is the host's uid 0 as the reader's user namespace shows it: the owner
	// of /proc.
	HostRoot cred.Known[HostUID]
	// SharesUserNS is true if the reader is in the process's user namespace, so that
	// its maps speak of the parent's ids.
	SharesUserNS bool
	// Modules says whether the kernel loads modules, KernelExec whether it has
	// kexec_load, UserNamespaces whether processes without privileges may make
	// them, as far as settings say.
	Modules, KernelExec, UserNamespaces cred.Known[bool]
	// PortIO says whether the kernel has iopl(2).
	PortIO cred.Known[bool]
	// LockedDown says whether the kernel keeps root from changing it: memory, I/O
	// ports, debugfs, other kernels (kernel_lockdown(7)).
	LockedDown cred.Known[bool]
	// Disks are the host's block devices that have data (/proc/partitions).
	Disks cred.Known[[]DeviceNumber]
	// DeviceRules are those of the device cgroup.
	DeviceRules cred.Known[DeviceRules]
	// Opened says, by path, whether the device nodes that were tried could be opened,
	// MadeDisk whether a node of a disk could be made and opened, and Permits which
	// system calls the seccomp filter lets through; none of it is known unless it was tried.
	Opened   map[string]bool
	MadeDisk cred.Known[bool]
	Permits  map[Syscall]bool
	// Cgroup is the text of /proc/PID/cgroup.
	Cgroup cred.Known[string]
	Mounts cred.Known[Mounts]
	// visible are those mounts that no other hides; Assess looks for them once.
	visible []Mount
	// ProcFiles are those of [ProcFiles] that this kernel has.
	ProcFiles cred.Known[[]string]
	// Release is the kernel's, as uname(2) has it.
	Release cred.Known[string]
	// Env is the value of "container" in the environment, empty for none; by
	// the custom of systemd, that is the runtime.
	Env cred.Known[string]
	FileFacts
}

// FileFacts are those that were looked up in the container's own file systems, which may
// be slow to answer.
type FileFacts struct {
	// Manager is the text of /run/host/container-manager or
	// /run/systemd/container, empty for none.
	Manager cred.Known[string]
	// PodmanEnv is the text of /run/.containerenv; unknown too where there is
	// no such file.
	PodmanEnv cred.Known[string]
	// DockerEnv says whether there is a /.dockerenv.
	DockerEnv cred.Known[bool]
	// Sockets are those that are there. What was found
	// is here also where not all could be looked at.
	Sockets cred.Known[[]Socket]
	// Devices are the nodes below /dev, in the root directory, and mounted ones; as
	// with Sockets.
	Devices cred.Known[[]Device]
	// Setuid are the setuid-root files in the usual directories of programs.
	Setuid cred.Known[[]string]
	// Born is when the root of a whole tmpfs was made, by where it is mounted, in
	// nanoseconds of the host's clock; empty before Linux 6.0.
	Born map[string]int64
	// HostProcs are where a procfs of a PID namespace outside the process's own is
	// mounted.
	HostProcs []string
	// UeventHelper says whether sysfs has the file of that name.
	UeventHelper cred.Known[bool]
}

// HostUID is a uid of the host as a user namespace shows it, if it is mapped there.
type HostUID struct {
	UID    uint32
	Mapped bool
}

// Socket is one by which a container runtime or, if Manager is set, the host's service
// manager takes orders.
type Socket struct {
	Path    string
	Access  cred.Known[Access]
	Manager bool
}

// Device is a node of one.
type Device struct {
	Path         string
	Block        bool
	Major, Minor uint32
	// Access is not looked for where the device is harmless.
	Access cred.Known[Access]
}

// NamespaceKind is one of the eight (namespaces(7)).
type NamespaceKind int

// The kinds.
const (
	UserNS NamespaceKind = iota
	PIDNS
	MountNS
	NetNS
	IPCNS
	UTSNS
	CgroupNS
	TimeNS

	NamespaceKinds
)

// String is the kind's name in /proc/PID/ns.
func (k NamespaceKind) String() string {
	return [...]string{"user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time"}[k]
}

// Namespace is one namespace of the process and that of the host's init.
type Namespace struct {
	Inode, Host cred.Known[uint64]
}

// InitialInode is the inode of the host's first namespace of a kind, the same
// on every kernel (include/uapi/linux/nsfs.h). Before 6.18 those of network and
// mount had none: any host gives them what is free, and it may not be this.
func InitialInode(k NamespaceKind) uint64 {
	return [...]uint64{
		cred.InitialUserNS, 4026531836, 4026531832, 4026531833,
		4026531839, 4026531838, 4026531835, 4026531834,
	}[k]
}

// shared reports whether the process has the host's own namespace of a kind.
func (f *Facts) shared(k NamespaceKind) cred.Known[bool] {
	ns := f.Namespaces[k]
	fixed := k != MountNS && k != NetNS || f.atLeast(6, 18)
	switch {
	case ns.Inode.OK && ns.Host.OK:
		return cred.Is(ns.Inode.Value == ns.Host.Value)
	case ns.Inode.OK && (fixed || ns.Inode.Value == InitialInode(k)):
		return cred.Is(ns.Inode.Value == InitialInode(k))
	case k == PIDNS && len(f.Process.NSPID) > 1:
		return cred.Is(false) // it has more ids than the reader's namespace gives
	case k == PIDNS && f.HostProc && len(f.Process.NSPID) == 1:
		return cred.Is(true)
	case k == UserNS:
		return f.Process.UserNS.Initial()
	case k == NetNS && !gvisor(f.Release):
		return f.FirstNet
	case k == MountNS:
		// A root from a runtime's storage is not the host's.
		_, own := f.Mounts.Value.identity()
		return cred.Known[bool]{OK: own}
	}
	return cred.Known[bool]{}
}

// atLeast reports whether the kernel is known to be of a release or later.
func (f *Facts) atLeast(major, minor int) bool {
	before, ok := release.Before(f.Release.Value, major, minor)
	return ok && !before
}

// confined reports whether capabilities are known to count for less than the
// host: in a child user namespace, or for a kernel that is a program itself.
func (f *Facts) confined() bool { return f.InChildUserNS() || gvisor(f.Release) }

// InChildUserNS reports whether the user namespace is known to be a child, by its inode
// or, for who may not see that, by its map: capabilities in it count for what belongs to
// it, not for the host.
func (f *Facts) InChildUserNS() bool {
	shared := f.shared(UserNS)
	return shared.OK && !shared.Value
}

// Effect is how much of c counts for the process.
func (f *Facts) Effect(c caps.Cap) catalog.Effect {
	s := f.Settings
	s.ChildUserNS, s.Modules = f.InChildUserNS(), f.Modules
	return s.Effect(c, &f.Process.State)
}

// HostOwner is the uid of the host that owns the user namespace. To a reader inside it,
// its map gives that, unless the parent namespace is known to be another than the
// host's: its uid 0 is not that of the host.
func (f *Facts) HostOwner() (uid uint32, ok bool) {
	if !f.InChildUserNS() || !f.SharesUserNS || !f.Owner.OK {
		return f.Owner.Value, f.Owner.OK
	}
	uid, ok = cred.Outside(f.Process.UserNS.UIDMap.Value, f.Owner.Value)
	return uid, ok && (uid != 0 || f.hostRootMapped())
}
