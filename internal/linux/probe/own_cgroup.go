package probe

import (
	"golang.org/x/sys/unix"

	"capsh/internal/rules/container"
)

// SeesCgroups says that this process reads the whole paths in the cgroup files of
// others. In a cgroup namespace of its own it sees them from its own cgroup on,
// whoever's they are (cgroup_namespaces(7)). Kernels before 4.6 have no such thing.
func SeesCgroups() bool {
	var link [64]byte
	n, err := unix.Readlink("/proc/self/ns/cgroup", link[:])
	if err == unix.ENOENT {
		return exists("/proc/self/ns/user")
	}
	inode, ok := parseNS("cgroup", link[:max(n, 0)])
	return ok && err == nil && inode == container.InitialInode(container.CgroupNS)
}
