package container

// What of the host's is in reach as files.

// findFiles looks at what of the host's is in reach as files.
func (a *Assessment) findFiles(f *Facts) {
	a.findSockets(f)
	a.findDevices(f)
	a.findDeviceCgroup(f)
	a.findHostProcs(f)
	if !f.Mounts.OK {
		for _, id := range mountFindings {
			a.unread(id, "the mount table")
		}
		return
	}
	a.findHostRoot(f)
	a.findHostDirectories(f)
	if a.findOwnKernel(f) {
		return
	}
	a.findProcSys(f)
	a.findSysfs(f)
	a.findKernelFilesystems(f)
	a.findCgroups(f)
	a.findProcMasks(f)
}

// findOwnKernel says of what a kernel shows that it is gVisor's, where it is: its
// procfs, sysfs and cgroups are part of that program and show nothing of the host.
func (a *Assessment) findOwnKernel(f *Facts) bool {
	if !gvisor(f.Release) {
		return false
	}
	for _, id := range [...]string{"proc-masks", "proc-sys", "sysfs", "kernel-filesystems", "cgroupfs"} {
		a.add(id, OK, "it is gVisor's own", "")
	}
	return true
}

// mountFindings are those that rest on the mount table.
var mountFindings = []string{"proc-masks", "proc-sys", "sysfs", "kernel-filesystems", "cgroupfs", "host-root", "host-directories"}
