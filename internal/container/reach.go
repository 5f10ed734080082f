package container

import (
	"slices"
	"strings"

	"capsh/internal/caps"
)

// The walls that a mount table and a folder of devices are.

// findFiles looks at what of the machine's is in reach as files.
func (a *Assessment) findFiles(f *Facts) {
	a.findSockets(f)
	a.findDevices(f)
	if !f.Mounts.OK {
		for _, id := range [...]string{"proc-masks", "proc-sys", "sysfs", "cgroupfs", "machine-root", "machine-folders"} {
			a.unread(id, "the mount table")
		}
	} else {
		a.findMachineRoot(f)
		a.findMachineFolders(f)
		a.findProcSys(f)
		a.findWritable(f, "sysfs", "/sys", Critical, "With root's uid, kernel settings such as uevent_helper run programs on the machine.", "sysfs")
		cgroups := Medium
		if a.Reach.Has(caps.SysAdmin) {
			cgroups = Critical
		}
		a.findWritable(f, "cgroupfs", "a cgroup hierarchy", cgroups, "Limits can be lifted; of a version 1 hierarchy, with cap_sys_admin, release_agent runs a program on the machine.", "cgroup", "cgroup2")
		a.findProcMasks(f)
	}
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
		a.add(id, Held, what+" is read-only or not there", "")
		return
	}
	a.add(id, a.graded(f, severity), "writable: "+firstOf(open, 3), meaning)
}

// findMachineRoot looks for the whole of the filesystem that the machine, or its
// container runtime, runs from.
func (a *Assessment) findMachineRoot(f *Facts) {
	const id = "machine-root"
	severity, found := Held, []string(nil)
	for _, m := range f.visible {
		if !f.isMachineRoot(m) {
			continue
		}
		found = append(found, m.Point)
		if m.ReadOnly {
			severity = max(severity, min(a.graded(f, High), High))
		} else {
			severity = max(severity, a.graded(f, Critical))
		}
	}
	if len(found) == 0 {
		a.add(id, Held, "the machine's root is not mounted", "")
		return
	}
	a.add(id, severity, "mounted at "+firstOf(found, 3), "All of the machine's files: programs, accounts, keys.")
}

// isMachineRoot recognizes the machine's root by its init's mount table, or by
// being all of a filesystem that the runtime keeps its own files on.
func (f *Facts) isMachineRoot(m Mount) bool {
	if f.MachineRoot.OK {
		return m.Dev == f.MachineRoot.Value.Dev && m.Root == f.MachineRoot.Value.Root
	}
	return m.Root == "/" && m.Point != "/" && m.onDisk() && f.runtimeDisk(m.Dev)
}

// runtimeDisk reports whether a device holds files that the runtime made for
// this container.
func (f *Facts) runtimeDisk(dev string) bool {
	for _, m := range f.Mounts.Value.List {
		if m.Dev == dev && m.Root != "/" && m.ofRuntime() {
			return true
		}
	}
	return false
}

// ofRuntime recognizes what a runtime mounts by itself: the root, and files and
// volumes that it keeps for the container.
func (m Mount) ofRuntime() bool {
	switch m.Point {
	case "/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/dev/termination-log", "/run/secrets":
		return true
	}
	return strings.Contains(m.Root, "/volumes/") || strings.Contains(m.Root, "/kubelet/pods/") ||
		strings.Contains(m.Root, "-containers/") || strings.Contains(m.Root, "/docker/containers/")
}

// machineFolders lists the mounts of the machine's files that no runtime makes
// by itself.
func (f *Facts) machineFolders() []Mount {
	var list []Mount
	for _, m := range f.visible {
		disk := m.onDisk() || f.MachineRoot.OK && m.Dev == f.MachineRoot.Value.Dev || m.Type == "devtmpfs" && m.Root == "/"
		if disk && !m.ofRuntime() {
			list = append(list, m)
		}
	}
	return list
}

// findMachineFolders tells of the folders of the machine that are mounted.
func (a *Assessment) findMachineFolders(f *Facts) {
	const id = "machine-folders"
	var names, roots []string
	severity := Held
	for _, m := range f.machineFolders() {
		below := func(root string) bool { return strings.HasPrefix(m.Point, root+"/") }
		if f.isMachineRoot(m) {
			roots = append(roots, m.Point)
			continue // told of by findMachineRoot
		} else if slices.ContainsFunc(roots, below) {
			continue
		}
		names = append(names, m.Root+" at "+m.Point)
		switch {
		case !sensitive(m.Root):
			severity = max(severity, Info)
		case m.ReadOnly:
			severity = max(severity, a.graded(f, Medium))
		default:
			severity = max(severity, a.graded(f, High))
		}
	}
	if len(names) == 0 {
		a.add(id, Held, "no folder of the machine is mounted", "")
		return
	}
	a.add(id, severity, countOf(names, 3, "mount"), "What the process may do to files, it may do to these of the machine.")
}

// sensitive reports whether a folder of the machine is one that its security
// rests on. All of a filesystem may hold any.
func sensitive(root string) bool {
	for _, dir := range [...]string{
		"/etc", "/root", "/home", "/boot", "/usr", "/bin", "/sbin", "/lib", "/dev", "/run", "/proc", "/sys", "/var/run",
		"/var/lib", "/var/spool/cron", "/var/log", "/opt",
	} {
		if root == "/" || root == dir || strings.HasPrefix(root, dir+"/") {
			return true
		}
	}
	return false
}
