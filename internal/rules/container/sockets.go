package container

import (
	"slices"
	"strings"
)

// The sockets by which container runtimes take orders.

// RuntimeSockets are where they usually are.
func RuntimeSockets() []string {
	return []string{
		"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
		"/run/crio/crio.sock", "/var/run/crio/crio.sock", "/run/cri-dockerd.sock", "/run/k3s/containerd/containerd.sock",
		"/run/incus/unix.socket", "/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket",
	}
}

// ManagerSockets are where the sockets of the host's service manager are below what is
// mounted from the host, "" for that itself. A container may have such sockets of its
// own, so that other places say nothing.
func ManagerSockets(root string) (list []string) {
	for _, path := range [...]string{"/run/systemd/private", "/run/dbus/system_bus_socket"} {
		for _, on := range [...]string{path, strings.TrimPrefix(path, "/run")} {
			if below, ok := within(on, root); ok && root != "/" {
				list = append(list, below)
			}
		}
	}
	return list
}

// SocketsBelow are where they may be below a directory that is mounted: any directory on
// the way to a usual place may be it ("/podman/podman.sock" for /run). A name that
// says nothing is none without that of its directory.
func SocketsBelow(directory string) (list []string) {
	for _, path := range RuntimeSockets() {
		for end := path; end != ""; {
			named := end != "/unix.socket" || strings.HasSuffix(directory, "/lxd") || strings.HasSuffix(directory, "/incus")
			if named && !slices.Contains(list, end) {
				list = append(list, end)
			}
			next := strings.IndexByte(end[1:], '/')
			if next < 0 {
				break
			}
			end = end[1+next:]
		}
	}
	return list
}

// Socket reports whether a mount is that of a file named as a runtime's socket.
func (m Mount) Socket() bool {
	return slices.ContainsFunc(RuntimeSockets(), func(path string) bool {
		return strings.HasSuffix(m.Root, path[strings.LastIndexByte(path, '/'):])
	})
}

// mountedSockets are those that only the mount table shows: what is mounted from
// elsewhere is not looked at, and at times nothing can be.
func (f *Facts) mountedSockets() (list []Socket) {
	for _, m := range f.visible {
		known := slices.ContainsFunc(f.Sockets.Value, func(s Socket) bool { return s.Path == m.Point })
		if m.Socket() && !known && !(f.Sockets.OK && m.Local()) {
			list = append(list, Socket{Path: m.Point})
		}
	}
	return list
}

// findSockets reports the sockets by which a runtime takes orders.
func (a *Assessment) findSockets(f *Facts) {
	const id = "runtime-socket"
	list := slices.Concat(f.Sockets.Value, f.mountedSockets())
	severity, unread := OK, !f.Sockets.OK
	meaning := "Whoever may write to it starts a privileged container, which allows escape to the host."
	var paths []string
	for _, s := range list {
		worth := f.socket(s)
		if s.Manager && worth > severity {
			meaning = "Through it the host's uid 0 starts programs on the host, which allows escape to the host."
		}
		severity, unread = max(severity, worth), unread || worth == Unread
		paths = append(paths, s.Path)
	}
	if unread && severity < Critical {
		severity = Unread
	}
	evidence := firstOf(paths, 3)
	switch {
	case len(list) == 0 && !f.Sockets.OK:
		a.unread(id, "the directories of runtimes' sockets")
		return
	case len(list) == 0:
		a.add(id, OK, "no container runtime's socket in the usual places, nor in what is mounted", "")
		return
	case severity == Unread:
		evidence += "; who may write to it could not be read"
	case severity <= Medium:
		evidence += ", which this process may not write to"
	}
	if severity == High {
		meaning = "Its runtime belongs to a user of the host other than root: whoever may write to it has that user's account."
	}
	a.add(id, severity, evidence, meaning)
}

// socket grades one: that of a runtime gives the host if the runtime is root's, else the
// account of the user that it belongs to; that of the service manager obeys root alone.
func (f *Facts) socket(s Socket) Severity {
	switch worth := f.opens(s.Access, write); {
	case s.Manager:
		return f.gradedIf(f.asHostRoot(), Critical)
	case worth == Critical && s.Access.OK && !s.Access.Value.NoUID && !f.isHostRoot(s.Access.Value.UID):
		return High
	default:
		return worth
	}
}
