package container

// A tmpfs does not show where it comes from: a runtime makes some for each container,
// and the host's may be mounted.

// findTmpfs finds where a whole tmpfs may be the host's, such as its /run: where it is
// older than the container's /dev (old), and where the kernel does not report its age
// (undated). There is no better sign where the mount table of the host's init cannot be
// seen. In a pod age is no sign either: the kubelet makes some before the container.
// Those below the host's root, mounted at roots, belong to that finding.
func (a *Assessment) findTmpfs(f *Facts, roots []string) (old, undated []string) {
	own, dated := f.Born["/dev"]
	for _, m := range f.visible {
		born, ok := f.Born[m.Point]
		switch {
		case m.Type != "tmpfs" || m.Root != "/" || f.HostMounts.OK || f.ofOtherFinding(m) || m.runtimeTmpfs() || belowAny(m.Point, roots):
		case !ok || !dated || a.PodUID != "":
			undated = append(undated, m.Point)
		case born < own-atOnce:
			old = append(old, m.Point)
		}
	}
	return old, undated
}

// atOnce is the time, in nanoseconds, in which a runtime makes all of its mounts.
const atOnce = 1e9

// runtimeTmpfs recognizes a tmpfs that runtimes alone make: a root, those for devices
// and the kernel's files, those that hide some of these, and the /dev/shm that engines
// make beforehand.
func (m Mount) runtimeTmpfs() bool {
	switch m.Point {
	case "/", "/dev", "/sys":
		return true
	case "/dev/shm":
		return m.Source == "shm"
	}
	return m.ReadOnly && belowAny(m.Point, []string{"/proc", "/sys"})
}

// ofOtherFinding reports whether a mount belongs to another finding: the /dev/shm of
// the host's IPC namespace, and the directory that the hierarchies of cgroups are
// mounted in.
func (f *Facts) ofOtherFinding(m Mount) bool {
	if m.Type != "tmpfs" {
		return false
	}
	for _, on := range f.Mounts.Value.List {
		if on.Parent == m.ID && (on.Type == "cgroup" || on.Type == "cgroup2") {
			return true
		}
	}
	return m.Point == "/dev/shm" && f.shared(IPCNS).Value
}
