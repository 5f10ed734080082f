package container

// The nodes of the host's devices.

// findDevices tells of them.
func (a *Assessment) findDevices(f *Facts) {
	const id = "devices"
	disks, others := f.hostDevices()
	severity, unread := OK, !f.Devices.OK
	for _, d := range disks {
		worth := a.open(f, d.Access, readOrWrite)
		severity, unread = max(severity, worth), unread || worth == Unread
	}
	if len(others) > 0 {
		severity = max(severity, a.graded(f, Medium))
	}
	if unread && severity < Critical {
		severity = Unread
	}
	var paths []string
	for _, d := range append(disks, others...) {
		paths = append(paths, d.Path)
	}
	const cgroup = "the device cgroup, which is not looked at, may still refuse them."
	switch evidence := countOf(paths, 4, "device"); {
	case len(paths) == 0 && unread:
		a.unread(id, "/dev or what is mounted")
	case len(paths) == 0:
		a.add(id, OK, "no device but those that every container has", "")
	case !f.Devices.OK:
		a.add(id, severity, evidence+"; not all could be looked at", "Disks and memory are the host's; "+cgroup)
	case len(disks) == 0:
		a.add(id, severity, evidence, "What these do, they do to the host; "+cgroup)
	default:
		a.add(id, severity, evidence, "Disks and memory are the host's; "+cgroup)
	}
}

// hostDevices are those that no runtime gives by itself: disks and memory,
// which hold all that the host has, and others.
func (f *Facts) hostDevices() (disks, others []Device) {
	for _, d := range f.Devices.Value {
		switch {
		case d.Harmless(), gvisor(f.Release) && d.misc():
		case d.Block || d.raw():
			disks = append(disks, d)
		default:
			others = append(others, d)
		}
	}
	return disks, others
}

// raw reports whether a character device is memory, ports or a disk's SCSI
// commands (Documentation/admin-guide/devices.txt, majors 1 and 21).
func (d Device) raw() bool {
	return !d.Block && (d.Major == 21 || d.Major == 1 && (d.Minor == 1 || d.Minor == 2 || d.Minor == 4))
}

// misc is a device such as /dev/fuse and /dev/net/tun, which gVisor makes itself.
func (d Device) misc() bool { return !d.Block && d.Major == 10 }

// kernelLog is /dev/kmsg.
func (d Device) kernelLog() bool { return !d.Block && d.Major == 1 && d.Minor == 11 }

// Harmless reports whether a device is one that all containers have: null, zero,
// full, random, urandom, terminals, and the number 0:0, which opens nothing.
func (d Device) Harmless() bool {
	switch {
	case d.Major == 0 && d.Minor == 0:
		return true
	case d.Block:
		return false
	case d.Major == 1:
		return !d.raw() && !d.kernelLog()
	case d.Major == 5, d.Major >= 136 && d.Major <= 143: // tty, console, ptmx; pts
		return true
	}
	return false
}
