package container

import "capsh/internal/rules/caps"

// What of the host's is in reach as files.

// findFiles looks at what of the host's is in reach as files.
func (a *Assessment) findFiles(f *Facts) {
	a.findSockets(f)
	a.findDevices(f)
	if !f.Mounts.OK {
		for _, id := range [...]string{"proc-masks", "proc-sys", "sysfs", "cgroupfs", "host-root", "host-directories"} {
			a.unread(id, "the mount table")
		}
	} else {
		a.findHostRoot(f)
		a.findHostDirectories(f)
		if a.findOwnKernel(f) {
			return
		}
		a.findProcSys(f)
		a.findWritable(f, "sysfs", "/sys", Critical, "With root's uid, kernel settings such as uevent_helper run programs on the host.", "sysfs")
		a.findWritable(f, "cgroupfs", "a cgroup hierarchy", a.cgroupsWorth(), "Limits can be lifted; of a version 1 hierarchy, with cap_sys_admin, release_agent runs a program on the host.", "cgroup", "cgroup2")
		a.findProcMasks(f)
	}
}

// findOwnKernel says of what a kernel shows that it is gVisor's, where it is: its
// procfs, sysfs and cgroups are part of that program and show nothing of the host.
func (a *Assessment) findOwnKernel(f *Facts) bool {
	if !gvisor(f.Release) {
		return false
	}
	for _, id := range [...]string{"proc-masks", "proc-sys", "sysfs", "cgroupfs"} {
		a.add(id, OK, "it is gVisor's own", "")
	}
	return true
}

// cgroupsWorth is what it is worth to write to a cgroup hierarchy.
func (a *Assessment) cgroupsWorth() Severity {
	if a.Reach.Has(caps.SysAdmin) {
		return Critical
	}
	return Medium
}

// findWritable looks for writable mounts of a kind of filesystem.
func (a *Assessment) findWritable(f *Facts, id, what string, severity Severity, meaning string, types ...string) {
	var open []string
	for _, m := range f.visible {
		for _, t := range types {
			if m.Type == t && !m.ReadOnly {
				open = append(open, m.Point)
			}
		}
	}
	if len(open) == 0 {
		a.add(id, OK, what+" is read-only or not there", "")
		return
	}
	a.add(id, a.graded(f, severity), "writable: "+firstOf(open, 3), meaning)
}
