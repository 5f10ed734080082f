package self

import (
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// UserNS reads this thread's user namespace; what [procfs.OpenOwn] does not find
// is unknown.
func UserNS() (cred.UserNS, error) { return procfs.OwnThread().UserNS() }

// SeesCgroups says that this process reads the whole paths in the cgroup files of
// others. In a cgroup namespace of its own it sees them from its own cgroup on,
// whoever's they are (cgroup_namespaces(7)). Kernels before 4.6 have no such thing.
func SeesCgroups() bool {
	own := procfs.Proc.Own("self")
	ns, err := own.Namespace("cgroup")
	if err == nil && !ns.OK { // before Linux 4.6
		ns, _ = own.Namespace("user")
		return ns.OK
	}
	return ns.OK && ns.Value == container.InitialInode(container.CgroupNS)
}
