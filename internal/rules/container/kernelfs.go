package container

import (
	"slices"
	"strings"

	"capsh/internal/rules/caps"
)

// Filesystems that the kernel has once for all: what is mounted of them is the
// host's, wherever it is mounted.

// kernelFilesystems are the types, with what it gives to write there as the host's
// root. Some can be read to learn of the host. Of the last two, where each user has
// files, each container has its own: see hostInstance.
var kernelFilesystems = []struct {
	kind     string
	severity Severity
	read     Severity
	meaning  string
}{
	{"binfmt_misc", Critical, OK, "An interpreter registered in binfmt_misc runs on the host, as the user who starts a matching program there."},
	{"tracefs", High, Medium, "Kernel probes set in tracefs read the data of all of the host's processes."},
	{"debugfs", High, Medium, "debugfs controls drivers of the host and shows their data."},
	{"configfs", High, OK, "configfs makes kernel objects on the host, such as targets that export its disks."},
	{"efivarfs", High, OK, "The boot settings of the host can be changed."},
	{"bpf", High, OK, "The BPF programs and maps that the host has pinned can be removed and, with cap_bpf, changed."},
	{"securityfs", Medium, OK, "Settings of the host's security modules are in reach; with cap_mac_admin they can be changed."},
	{"resctrl", Medium, OK, "The host's cache allocation can be changed."},
	{"pstore", Medium, OK, "The host's crash logs can be removed."},
	{"fusectl", Medium, OK, "FUSE connections of the host can be aborted."},
	{"devpts", High, High, "What is typed at the host's terminals can be read, and what they show be forged."},
	{"mqueue", Medium, Medium, "POSIX message queues of the host are in reach."},
}

// findKernelFilesystems looks at every mount of such a type.
func (a *Assessment) findKernelFilesystems(f *Facts) {
	const id = "kernel-filesystems"
	severity, meaning := OK, ""
	var open []string
	for _, m := range f.visible {
		for _, k := range kernelFilesystems {
			worth, how := k.severity, " (writable)"
			if m.ReadOnly {
				worth, how = k.read, " (read-only)"
			}
			if k.kind == "debugfs" && f.LockedDown.Value {
				worth = min(worth, Info)
			}
			if k.kind == "securityfs" && f.ready().Has(caps.MACAdmin) && !m.ReadOnly {
				worth = High
			}
			worth = f.graded(worth)
			if !f.confined() && (k.kind == "devpts" || k.kind == "mqueue") {
				worth = max(worth, Medium)
			}
			if m.Type != k.kind || worth == OK || !f.hostInstance(m) {
				continue
			}
			open = append(open, k.kind+" at "+m.Point+how)
			if worth > severity {
				severity, meaning = worth, k.meaning
			}
		}
	}
	if len(open) == 0 {
		a.add(id, OK, "no debugfs, tracefs, binfmt_misc or the like is mounted", "")
		return
	}
	a.add(id, severity, firstOf(open, 3), meaning)
}

// hostInstance reports whether a mount is the host's: all are but those that a runtime
// makes in a /dev of the container's own.
func (f *Facts) hostInstance(m Mount) bool {
	dev, _ := f.Mounts.Value.At("/dev")
	switch {
	case m.Type != "devpts" && m.Type != "mqueue":
		return true
	case f.HostMounts.OK:
		return slices.ContainsFunc(f.HostMounts.Value.List, func(own Mount) bool { return own.Dev == m.Dev && own.Root == m.Root })
	}
	return m.Root == "/" && (m.Point != "/dev/pts" && m.Point != "/dev/mqueue" || dev.Type == "devtmpfs")
}

// emptyInSysfs are directories of sysfs to mount other filesystems on.
var emptyInSysfs = []string{"/fs/bpf", "/fs/cgroup", "/fs/fuse/connections", "/fs/pstore", "/fs/selinux",
	"/kernel/config", "/kernel/debug", "/kernel/security", "/kernel/tracing"}

// findSysfs looks at which parts of sysfs are writable. LXC leaves those of network
// devices so, which belong to the network namespace.
func (a *Assessment) findSysfs(f *Facts) {
	const id, helper = "sysfs", "/kernel/uevent_helper"
	var open, network []string
	severity, meaning := OK, "Settings of the host's kernel and devices can be changed: drivers unbound, processors and memory switched off."
	for _, m := range f.visible {
		if m.Type != "sysfs" || m.ReadOnly || slices.Contains(emptyInSysfs, m.Root) {
			continue
		}
		if strings.HasPrefix(m.Root, "/devices/virtual/net") || strings.HasPrefix(m.Root, "/class/net") {
			network = append(network, m.Point)
			continue
		}
		open = append(open, m.Point)
		severity = max(severity, f.graded(High))
		path, shown := m.Point, m.Root == helper
		if m.Root == "/" || m.Root == "/kernel" {
			path = strings.TrimSuffix(m.Point, "/") + strings.TrimPrefix(helper, strings.TrimSuffix(m.Root, "/"))
			top, _ := f.Mounts.Value.At(path)
			shown = top.ID == m.ID
		}
		if shown && (f.UeventHelper.Value || !f.UeventHelper.OK) && f.graded(Critical) == Critical {
			severity, meaning = Critical, "A program named in "+path+" is run by the host's kernel, which allows escape to the host."
		}
	}
	switch {
	case len(open) > 0:
		a.add(id, severity, "writable: "+firstOf(open, 3), meaning)
	case len(network) > 0:
		a.add(id, Info, "writable: "+firstOf(network, 3), "Only settings of the network devices of its own network namespace.")
	default:
		a.add(id, OK, "/sys is read-only or not there", "")
	}
}

// findCgroups looks at which cgroup hierarchies are writable.
func (a *Assessment) findCgroups(f *Facts) {
	const id = "cgroupfs"
	var open []string
	version1 := false
	for _, m := range f.visible {
		if (m.Type == "cgroup" || m.Type == "cgroup2") && !m.ReadOnly {
			open, version1 = append(open, m.Point), version1 || m.Type == "cgroup"
		}
	}
	switch {
	case len(open) == 0:
		a.add(id, OK, "no cgroup hierarchy is writable", "")
	case version1 && f.ready().Has(caps.SysAdmin) && !f.confined():
		a.add(id, f.graded(Critical), "writable: "+firstOf(open, 3), "In a version 1 hierarchy release_agent runs a program on the host, and the device cgroup can be opened.")
	case f.leavesDeviceCgroup() && f.makesNodes():
		a.add(id, f.graded(Critical), "writable: "+firstOf(open, 3), "The process can move itself out of its device cgroup and use any device, which allows escape to the host.")
	default:
		a.add(id, f.graded(Medium), "writable: "+firstOf(open, 3), "Limits can be lifted, and other processes whose cgroups it shows can be stopped or starved.")
	}
}
