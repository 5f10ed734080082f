package container

import (
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The nodes of the host's devices.

// DeviceKind is what a device gives to whoever opens it.
type DeviceKind uint8

// From nothing to all.
const (
	HarmlessDevice DeviceKind = iota // null, zero, terminals: every container has them
	OtherDevice                      // a driver of the host more to attack
	ConsoleDevice                    // the screen and keyboard of the host, and its power
	MemoryDevice                     // memory or I/O ports; needs CAP_SYS_RAWIO as well
	DiskDevice                       // all that is on a disk
)

// Kind follows from the numbers (Documentation/admin-guide/devices.txt).
func (d Device) Kind() DeviceKind {
	switch {
	case d.Major == 0 && d.Minor == 0: // a whiteout: opens nothing
		return HarmlessDevice
	case d.Block, d.Major == 21, d.Major == 90: // SCSI commands, flash memory
		return DiskDevice
	case d.Major == 1 && (d.Minor == 1 || d.Minor == 2 || d.Minor == 4), d.Major == 202: // mem, kmem, port, msr
		return MemoryDevice
	case d.kernelLog():
		return OtherDevice
	case d.Major == 1, d.Major == 5, d.Major >= 136 && d.Major <= 143: // null …; tty, console, ptmx; pts
		return HarmlessDevice
	case d.Major == 4, d.Major == 7, d.Major == 13, d.Major == 10 && d.Minor == 130: // ttyN, vcs, input, watchdog
		return ConsoleDevice
	}
	return OtherDevice
}

// misc is a device such as /dev/fuse and /dev/net/tun, which gVisor makes itself.
func (d Device) misc() bool { return !d.Block && d.Major == 10 }

// kernelLog is /dev/kmsg.
func (d Device) kernelLog() bool { return !d.Block && d.Major == 1 && d.Minor == 11 }

// Harmless reports whether a device is one that all containers have.
func (d Device) Harmless() bool { return d.Kind() == HarmlessDevice }

// ToProbe reports whether opening a device to read changes nothing and says whether
// it is usable: disks, memory, kvm, fuse and vhost. To open a watchdog starts it, to
// open a tape rewinds it, to open a terminal may take it.
func (d Device) ToProbe() bool {
	vhost := d.Major == 10 && (d.Minor == 137 || d.Minor == 238 || d.Minor == 241)
	return d.Block || d.Major == 1 && d.Kind() == MemoryDevice || d.Major == 10 && (d.Minor == 232 || d.Minor == 229) || vhost
}

// usable reports whether a node can be opened by who its mode permits to.
func (f *Facts) usable(d Device) cred.Known[bool] {
	m, _ := f.Mounts.Value.At(d.Path)
	opened, tried := f.Opened[d.Path]
	switch {
	case m.NoDev:
		return cred.Is(false)
	case opened, f.leavesDeviceCgroup():
		return cred.Is(true)
	case tried:
		return cred.Is(false)
	case f.DeviceRules.OK:
		return cred.Is(f.DeviceRules.Value.Permit(d))
	}
	return cred.Known[bool]{}
}

// hasData reports whether a block device has data, or may have: a loop device that
// nothing is attached to has none.
func (f *Facts) hasData(d Device) bool {
	number := DeviceNumber{d.Major, d.Minor}
	return !d.Block || !f.Disks.OK || slices.Contains(f.Disks.Value, number)
}

// worth grades what a node gives the process.
func (f *Facts) worth(d Device) Severity {
	usable := f.usable(d)
	if usable.OK && !usable.Value {
		return Info
	}
	severity := f.opens(d.Access, readOrWrite)
	switch kind := d.Kind(); {
	case kind == DiskDevice && f.hasData(d):
	case kind == MemoryDevice && (f.LockedDown.Value || !f.ready().Has(caps.SysRawio)):
		severity = Low
	case kind == MemoryDevice:
	case kind == ConsoleDevice:
		severity = min(severity, High)
	default: // to read alone gives nothing: autofs, kmsg
		severity = min(f.opens(d.Access, write), Medium)
	}
	if !usable.OK && severity > Medium {
		return Unread
	}
	return severity
}

// findDevices says what the nodes of the host's devices give.
func (a *Assessment) findDevices(f *Facts) {
	const id = "devices"
	severity, unread := OK, !f.Devices.OK
	var paths, refused []string
	for _, d := range f.hostDevices() {
		worth := f.worth(d)
		severity, unread = max(severity, worth), unread || worth == Unread
		if worth == Info {
			refused = append(refused, d.Path)
		} else {
			paths = append(paths, d.Path)
		}
	}
	if unread && severity < Critical {
		severity = Unread
	}
	meaning := "What these devices do, they do to the host."
	if severity >= High || severity == Unread {
		meaning = "A disk, memory or console of the host can be used directly, which allows escape to the host."
	}
	switch evidence := countOf(paths, 4, "device"); {
	case len(paths) == 0 && unread:
		a.unread(id, "/dev or what is mounted")
	case len(paths) == 0 && len(refused) > 0:
		a.add(id, Info, countOf(refused, 4, "device")+", which cannot be opened", "The device cgroup or a nodev mount refuses them.")
	case len(paths) == 0:
		a.add(id, OK, "no device but those that every container has", "")
	case !f.Devices.OK:
		a.add(id, severity, evidence+"; not all could be looked at", meaning)
	case unread && severity == Unread:
		a.add(id, severity, evidence+"; whether they can be opened is unknown", meaning+" The device cgroup may refuse them: assess --probe tries, inside.")
	default:
		a.add(id, severity, evidence, meaning)
	}
}

// hostDevices are those that no runtime gives by itself.
func (f *Facts) hostDevices() (list []Device) {
	for _, d := range f.Devices.Value {
		if !d.Harmless() && !(gvisor(f.Release) && d.misc()) {
			list = append(list, d)
		}
	}
	return list
}

// usesConsole reports whether a console of the host can be opened.
func (f *Facts) usesConsole() bool {
	return slices.ContainsFunc(f.hostDevices(), func(d Device) bool {
		return d.Kind() == ConsoleDevice && f.usable(d).Value
	})
}
