package container

import (
	"slices"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// The directories of the host that are mounted, and its root. From inside, the
// mount table shows which directory of which filesystem is where; where the host has
// that, only the mount table of its init shows.

// hostPath is where the host itself has what is mounted; false if it has it
// nowhere, or its mount table is not known.
func (f *Facts) hostPath(m Mount) (path string, ok bool) {
	longest := -1
	for _, own := range f.HostMounts.Value.List {
		if below, is := within(m.Root, own.Root); is && own.Dev == m.Dev && len(own.Root) > longest {
			longest = len(own.Root)
			path, ok = strings.TrimSuffix(own.Point, "/")+below, true
		}
	}
	if path == "" && ok {
		path = "/"
	}
	return path, ok
}

// within cuts a directory from the path of one in it, or of itself.
func within(path, directory string) (below string, ok bool) {
	below, ok = strings.CutPrefix(path, strings.TrimSuffix(directory, "/"))
	if below == "/" {
		below = ""
	}
	return below, ok && (below == "" || below[0] == '/')
}

// directory is the path of what is mounted below the root of its filesystem: of
// Btrfs, below that of the subvolume.
func (m Mount) directory() string {
	subvolume := ""
	if _, name, ok := strings.Cut(m.Super, ",subvol="); ok && m.Type == "btrfs" {
		subvolume = unescape(name, `\`, 8, 3)
	} else if m.Type == "btrfs" && strings.HasPrefix(m.Root, "/@") { // as distributions name them
		name, _, _ := strings.Cut(m.Root[1:], "/")
		subvolume = "/" + name
	}
	if below, ok := within(m.Root, subvolume); ok && below != "" {
		return below
	} else if ok {
		return "/"
	}
	return m.Root
}

// findHostRoot looks for the whole of the filesystem that the host, or its
// container runtime, runs from.
func (a *Assessment) findHostRoot(f *Facts) {
	const id = "host-root"
	meaning := "Programs, accounts and keys of the host can be read and changed, which allows escape to the host."
	severity := OK
	var found, maybe []string
	for _, m := range f.visible {
		switch is := f.hostRoot(m); {
		case !is.OK:
			maybe = append(maybe, m.Point)
		case is.Value:
			found, severity = append(found, m.Point), max(severity, f.root(m))
		}
	}
	switch severity {
	case High:
		meaning = "All of the host's files can be read: accounts, keys."
	case Medium:
		meaning = "The host's files can be read, and changed, as far as their modes permit."
	}
	switch {
	case len(found) > 0:
		a.add(id, severity, "mounted at "+firstOf(found, 3), meaning)
	case len(maybe) > 0:
		a.add(id, Unread, "all of a filesystem is at "+firstOf(maybe, 3)+"; whether it is the host's root is unknown", meaning)
	default:
		a.add(id, OK, "the host's root is not mounted", "")
	}
}

// root grades the host's root: all of it if root's files obey the process, else what
// everyone may read and what is owned by an id of the process.
func (f *Facts) root(m Mount) Severity {
	switch {
	case f.commands() && (!m.ReadOnly || f.remounts()):
		return Critical
	case f.commands():
		return High
	}
	return Medium
}

// remounts reports whether a read-only mount of the host's can be made writable.
func (f *Facts) remounts() bool { return !f.confined() && f.ready().Has(caps.SysAdmin) }

// rootAtStake is the grade if all is the host's root that may be.
func (f *Facts) rootAtStake() Severity {
	if !f.Mounts.OK {
		return High
	}
	worst := OK
	for _, m := range f.visible {
		if !f.hostRoot(m).OK {
			worst = max(worst, f.root(m))
		}
	}
	return worst
}

// hostRoot says whether a mount is that of the host's root: by its init's
// mount table, by a mount namespace that is the host's own, or by being all of a
// filesystem that the runtime keeps its files on. Of all of another filesystem it
// is not known, unless the runtime made it.
func (f *Facts) hostRoot(m Mount) cred.Known[bool] {
	if f.HostMounts.OK {
		root, ok := f.HostMounts.Value.At("/")
		return cred.Known[bool]{Value: m.Dev == root.Dev && m.Root == root.Root, OK: ok}
	}
	_, stored := fromStorage(m.Root + "\n" + m.Super)
	mounts := f.shared(MountNS)
	switch {
	case m.byKernel(), m.Type == "tmpfs", m.Type == "devtmpfs", m.directory() != "/":
		return cred.Is(false)
	case stored, m.layer(), f.ofRuntime(m):
		return cred.Is(false)
	case m.Point == "/" && gvisor(f.Release):
		return cred.Is(false)
	case m.Point == "/" && mounts.OK && mounts.Value, m.Point != "/" && f.runtimeDisk(m.Dev):
		return cred.Is(true)
	}
	return cred.Known[bool]{}
}

// layer reports whether a filesystem is one that runtimes alone put together for a
// root: of layers, or one of ZFS or a subvolume of Btrfs that is named as such.
func (m Mount) layer() bool {
	last := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
	return m.Type == "fuse.fuse-overlayfs" || m.Type == "aufs" || m.Type == "overlay" && strings.Contains(m.Super, "/snapshots/") ||
		isID(last(m.Root)) || isID(last(m.Source))
}

// runtimeDisk reports whether a device has the root of this container, as a
// directory of it, or files that the runtime made for it.
func (f *Facts) runtimeDisk(dev string) bool {
	for _, m := range f.Mounts.Value.List {
		if m.Dev == dev && m.directory() != "/" && (m.Point == "/" || f.ofRuntime(m)) {
			return true
		}
	}
	return false
}

// ofRuntime recognizes what a runtime mounts by itself, and volumes that it keeps
// for the container, by where they come from: a place inside anyone can name.
func (f *Facts) ofRuntime(m Mount) bool {
	path, _ := f.hostPath(m)
	if keptByRuntime(m.Root) || keptByRuntime(path) {
		return true
	}
	switch m.Point {
	case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf":
		// A file of this name from elsewhere than the host's own directory, as
		// BuildKit has them; of gVisor, nothing more is to be seen.
		name := m.Root[strings.LastIndexByte(m.Root, '/'):]
		return gvisor(f.Release) || strings.HasPrefix(name, m.Point[len("/etc"):]) && m.directory() != m.Point
	}
	_, _, layered := perContainer(m.Super)
	return m.Type == "overlay" && layered
}

// keptByRuntime recognizes the path of what a runtime keeps for one container, or
// as a volume: something in a directory of its own, never that of all.
func keptByRuntime(path string) bool {
	if c, below, _ := perContainer(path); len(below) > 0 && (c.ID != "" || c.PodUID != "" || c.Runtime == catalog.Containerd) {
		return true
	}
	parts := splitPath(path)
	for i := 2; i < len(parts)-1; i++ {
		switch parent, above := parts[i-1], parts[i-2]; {
		case (above == "lxd" || above == "incus") && (parent == "shmounts" || parent == "devices"),
			above == "systemd" && parent == "nspawn",
			(above == "docker" || above == "storage") && parent == "volumes" && parts[i+1] == "_data":
			return true
		}
	}
	return false
}

// hostDirectory reports whether a mount is of the host's files and not made by
// the runtime. A whole tmpfs is not counted without the host's mount table; see
// findTmpfs.
func (f *Facts) hostDirectory(m Mount) bool {
	if m.Point == "/" || m.byKernel() || f.ofRuntime(m) || f.ofOtherFinding(m) {
		return false
	}
	node := func(d Device) bool { return d.Path == m.Point }
	socket := func(s Socket) bool { return s.Path == m.Point }
	switch _, ofHost := f.hostPath(m); {
	case slices.ContainsFunc(f.Devices.Value, node), slices.ContainsFunc(f.Sockets.Value, socket), m.Type == "devtmpfs" && m.Root != "/" && !f.Devices.OK:
		return false // findDevices and findSockets report these
	case m.Type == "devtmpfs":
		return true
	case m.Type != "tmpfs" || ofHost:
		return true
	case f.HostMounts.OK || m.Root == "/":
		return false
	}
	// A file of a tmpfs that is here whole, such as a /dev/null that hides another.
	own := func(o Mount) bool { return o.Dev == m.Dev && o.Root == "/" }
	return !slices.ContainsFunc(f.Mounts.Value.List, own)
}

// findHostDirectories reports the directories of the host that are mounted.
func (a *Assessment) findHostDirectories(f *Facts) {
	const id, meaning = "host-directories", "Files of the host are accessible as their modes and the process's capabilities permit."
	var names, roots []string
	severity := OK
	for _, m := range f.visible {
		if f.hostRoot(m).Value {
			roots = append(roots, m.Point)
		}
		if !f.hostDirectory(m) || belowAny(m.Point, roots) { // findHostRoot reports these
			continue
		}
		what, where := f.origin(m)
		names = append(names, what+" at "+m.Point)
		worth := f.directory(where, m.ReadOnly)
		if m.Type == "tmpfs" && where == "" && a.PodUID == "" { // the host's /run or /tmp, say
			worth = Unread
		}
		severity = max(severity, worth)
	}
	old, undated := a.findTmpfs(f, roots)
	switch evidence := countOf(names, 3, "mount"); {
	case len(old) > 0 && len(names) > 0:
		a.add(id, max(severity, Unread), evidence+"; a tmpfs older than the container, perhaps the host's, at "+firstOf(old, 3), meaning)
	case len(old) > 0:
		a.add(id, Unread, "a tmpfs older than the container is at "+firstOf(old, 3)+"; whether it is the host's is unknown", meaning)
	case len(names) > 0:
		a.add(id, severity, evidence, meaning)
	case len(undated) > 0:
		a.add(id, Info, "none, unless a tmpfs is the host's: "+firstOf(undated, 3), "Only runtimes' sockets were looked for in it.")
	default:
		a.add(id, OK, "no directory of the host is mounted", "")
	}
}

// belowAny reports whether a path is in one of some directories, or is one.
func belowAny(path string, directories []string) bool {
	return slices.ContainsFunc(directories, func(dir string) bool { _, ok := within(path, dir); return ok })
}

// directory grades a directory of the host.
func (f *Facts) directory(path string, readOnly bool) Severity {
	switch _, shared := within(path, "/dev/shm"); {
	case !sensitive(path), readOnly && public(path):
		return Info
	case readOnly, shared, !f.commands(): // shared: as with the IPC namespace
		return Medium
	}
	return High
}

// origin is what is mounted, in words, and its path on the host where that is
// known or likely: of a tmpfs or of another host's files it is not.
func (f *Facts) origin(m Mount) (what, path string) {
	if path, ok := f.hostPath(m); ok {
		return path, path
	}
	what, path = m.directory(), m.directory()
	if what == "/" {
		what = "all of " + m.Type
		if strings.HasPrefix(m.Source, "/dev/") || m.Type == "zfs" {
			what = "all of " + m.Source
		}
	} else if m.Type == "tmpfs" {
		what += " of a tmpfs"
	}
	if m.Type == "devtmpfs" {
		path = "/dev" + path
	}
	if m.Type == "tmpfs" || m.Type == "overlay" || m.remote() {
		path = ""
	}
	return what, path
}

// sensitive reports whether the host's security depends on a directory or on one in it.
func sensitive(path string) bool {
	list := []string{
		"/etc", "/root", "/home", "/boot", "/usr", "/bin", "/sbin", "/lib", "/dev", "/run", "/proc", "/sys", "/var/run",
		"/var/lib", "/var/spool/cron", "/var/log", "/opt",
	}
	above := func(dir string) bool { _, ok := within(dir, path); return ok && path != "" }
	return belowAny(path, list) || slices.ContainsFunc(list, above) ||
		path == "/tmp" || path == "/var/tmp" // sockets of sessions and agents
}

// public reports whether a directory or file of the host is one that everyone has
// much the same of: programs, libraries, the time zone.
func public(path string) bool {
	return belowAny(path, []string{"/usr", "/bin", "/sbin", "/lib", "/etc/localtime", "/etc/timezone"})
}
