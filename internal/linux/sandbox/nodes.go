package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// nodes is a search for the sockets of container runtimes and for devices.
type nodes struct {
	place
	final   bool
	sockets cred.Known[[]container.Socket]
	devices cred.Known[[]container.Device]
	seen    []fileID        // the sockets
	points  map[string]bool // where something is mounted
	left    int             // files that may still be looked at
}

// No directory of devices is as deep, and no container has as many files to look at.
const (
	maxDepth = 8
	maxNodes = 1 << 14
)

// nodes fills in the sockets and the devices that are found at the root where l
// looks: in their usual places, in the root directory, and what is mounted.
func (l place) nodes(f *container.Facts, final bool) {
	n := nodes{place: l, final: final, points: map[string]bool{}, left: maxNodes}
	n.sockets.OK, n.devices.OK = true, true
	mounts := f.Mounts.Value.Visible()
	for _, m := range mounts {
		n.points[m.Point] = true
	}
	for _, path := range container.RuntimeSockets() {
		n.socket(path, false)
	}
	n.directory("/dev", maxDepth)
	n.directory("/", 0)
	for _, m := range mounts {
		if m.Local() && m.Point != "/" && m.Point != "/dev" {
			n.mounted(m)
		}
	}
	f.Sockets, f.Devices = n.sockets, n.devices
}

// mounted looks at what is mounted: a socket or device itself, or a directory that
// may have some.
func (n *nodes) mounted(m container.Mount) {
	if n.left--; n.left < 0 {
		n.sockets.OK, n.devices.OK = false, false
		return
	}
	st, access, err := n.access(m.Point)
	if err != nil {
		n.missed(err, &n.sockets.OK)
		n.missed(err, &n.devices.OK)
		return
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		if manager := slices.Contains(container.ManagerSockets(m.Root), ""); manager || m.Socket() {
			n.addSocket(m.Point, &st, access, manager)
		}
	case unix.S_IFBLK, unix.S_IFCHR:
		n.addDevice(m.Point, &st)
	case unix.S_IFDIR:
		for _, below := range container.SocketsBelow(m.Root) {
			n.left--
			n.socket(m.Point+below, false)
		}
		for _, below := range container.ManagerSockets(m.Root) {
			n.socket(m.Point+below, true)
		}
		if m.Type == "devtmpfs" || strings.HasPrefix(m.Point, "/dev/") && m.Point != "/dev/shm" {
			n.directory(m.Point, maxDepth)
		}
	}
}

// missed takes note of what could not be looked at.
func (n *nodes) missed(err error, ok *bool) {
	if !absent(err) && !(n.final && procfs.Denies(err)) {
		*ok = false
	}
}

// socket looks for a socket at a path.
func (n *nodes) socket(path string, manager bool) {
	st, access, err := n.access(path)
	if err != nil {
		n.missed(err, &n.sockets.OK)
	} else if st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		n.addSocket(path, &st, access, manager)
	}
}

func (n *nodes) addSocket(path string, st *unix.Stat_t, access container.Access, manager bool) {
	if id := (fileID{st.Dev, st.Ino}); !slices.Contains(n.seen, id) {
		n.seen = append(n.seen, id)
		n.sockets.Value = append(n.sockets.Value, container.Socket{Path: path, Access: cred.Is(access), Manager: manager})
	}
}

// directory looks for devices in a directory, and in those below it, but not in what is
// mounted there.
func (n *nodes) directory(dir string, depth int) {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	var below []string
	skip := func(name string) bool { return n.points[prefix+name] }
	err := n.each(dir, max(n.left, 0), skip, func(name string, st *unix.Stat_t) {
		switch n.left--; st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			below = append(below, prefix+name)
		case unix.S_IFBLK, unix.S_IFCHR:
			n.addDevice(prefix+name, st)
		}
	})
	if err != nil {
		n.missed(err, &n.devices.OK)
	}
	if dir == "/" {
		return
	}
	if depth == 0 && len(below) > 0 || n.left < 0 {
		n.devices.OK = false
		return
	}
	for _, dir := range below {
		n.directory(dir, depth-1)
	}
}

func (n *nodes) addDevice(path string, st *unix.Stat_t) {
	d := container.Device{
		Path: path, Block: st.Mode&unix.S_IFMT == unix.S_IFBLK,
		Major: unix.Major(uint64(st.Rdev)), Minor: unix.Minor(uint64(st.Rdev)),
	}
	if !d.Harmless() {
		if _, access, err := n.access(path); err == nil {
			d.Access = cred.Is(access)
		}
	}
	n.devices.Value = append(n.devices.Value, d)
}

// access is stat(2) and, of a socket or device, who may open it.
func (l place) access(path string) (st unix.Stat_t, access container.Access, err error) {
	fd, err := l.OpenFD(path, unix.O_PATH)
	if err != nil {
		return st, access, err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		return st, access, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK, unix.S_IFBLK, unix.S_IFCHR:
	default:
		return st, access, nil
	}
	// fgetxattr(2) takes no descriptor of this kind, its link in /proc does.
	_, err = unix.Getxattr(string(procfs.Proc)+"/self/fd/"+strconv.Itoa(fd), "system.posix_acl_access", nil)
	none := err == unix.ENODATA || err == unix.EOPNOTSUPP
	ids := procfs.ShownIDs()
	return st, container.Access{
		Mode: st.Mode & 0o777, UID: st.Uid, GID: st.Gid, List: !none,
		NoUID: !ids.TrueUID(st.Uid), NoGID: !ids.TrueGID(st.Gid),
	}, nil
}
