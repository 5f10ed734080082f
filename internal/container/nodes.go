package container

import (
	"slices"
	"strings"
)

// The walls that sockets and device nodes pass through.

// RuntimeSockets are where container runtimes take orders.
func RuntimeSockets() []string {
	return []string{
		"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
		"/run/crio/crio.sock", "/var/run/crio/crio.sock", "/run/cri-dockerd.sock", "/run/k3s/containerd/containerd.sock",
		"/run/incus/unix.socket", "/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket",
	}
}

// mountedSockets are where a socket of that name is mounted under another.
func (f *Facts) mountedSockets() []string {
	var list []string
	for _, m := range f.visible {
		for _, path := range RuntimeSockets() {
			if base := path[strings.LastIndexByte(path, '/'):]; strings.HasSuffix(m.Root, base) {
				list = append(list, m.Point)
				break
			}
		}
	}
	return list
}

// findSockets tells of sockets by which a runtime takes orders.
func (a *Assessment) findSockets(f *Facts) {
	const id = "runtime-socket"
	list := f.Sockets.Value
	for _, path := range f.mountedSockets() {
		if !slices.ContainsFunc(list, func(s Socket) bool { return s.Path == path }) {
			list = append(list, Socket{Path: path})
		}
	}
	severity, unread := Held, !f.Sockets.OK
	var paths []string
	for _, s := range list {
		worth := a.open(f, s.Access, write)
		severity, unread = max(severity, worth), unread || worth == Unread
		paths = append(paths, s.Path)
	}
	if unread && severity < Critical {
		severity = Unread
	}
	evidence := firstOf(paths, 3)
	switch {
	case len(list) == 0 && !f.Sockets.OK:
		a.unread(id, "the folders of runtimes' sockets")
		return
	case len(list) == 0:
		a.add(id, Held, "no container runtime's socket in the usual places", "")
		return
	case severity == Unread:
		evidence += "; who may write to it could not be read"
	case severity == Medium:
		evidence += ", which lets others write to it, not this process"
	}
	a.add(id, severity, evidence, "Whoever may write to it starts a privileged container, and so has the machine.")
}

// findDevices tells of nodes of the machine's devices.
func (a *Assessment) findDevices(f *Facts) {
	const id = "devices"
	if !f.Devices.OK {
		a.unread(id, "/dev")
		return
	}
	severity := Held
	var names []string
	for _, d := range f.machineDevices() {
		names = append(names, "/dev/"+d.Name)
		if d.Block || d.raw() {
			severity = max(severity, a.graded(f, Critical))
		} else {
			severity = max(severity, min(a.graded(f, Medium), Medium))
		}
	}
	if len(names) == 0 {
		a.add(id, Held, "no device but those that every container has", "")
		return
	}
	a.add(id, severity, countOf(names, 4, "device"), "Disks and memory are the machine's; the device cgroup, which is not looked at, may still refuse them.")
}

// machineDevices are those that no runtime gives by itself, disks first.
func (f *Facts) machineDevices() []Device {
	var disks, others []Device
	for _, d := range f.Devices.Value {
		switch {
		case d.Block || d.raw():
			disks = append(disks, d)
		case !d.harmless():
			others = append(others, d)
		}
	}
	return append(disks, others...)
}

// raw reports whether a character device is memory, ports or the kernel's log
// (Documentation/admin-guide/devices.txt, major 1).
func (d Device) raw() bool {
	return !d.Block && d.Major == 1 && (d.Minor == 1 || d.Minor == 2 || d.Minor == 4 || d.Minor == 11)
}

// harmless reports whether a device is one that all containers have: null, zero,
// full, random, urandom, and terminals.
func (d Device) harmless() bool {
	switch {
	case d.Block:
		return false
	case d.Major == 1:
		return !d.raw()
	case d.Major == 5, d.Major >= 136 && d.Major <= 143: // tty, console, ptmx; pts
		return true
	}
	return false
}
