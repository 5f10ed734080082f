package sandbox

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// The facts that come from the files of a container, looked up in its own root.

// marks reads what runtimes leave in a container's files.
func (l place) marks(f *container.Facts) {
	f.Manager = l.firstText("/run/host/container-manager", "/run/systemd/container")
	if text, ok := l.text("/run/.containerenv"); ok {
		f.PodmanEnv = text
	}
	switch _, err := l.stat("/.dockerenv"); {
	case err == nil:
		f.DockerEnv = cred.Is(true)
	case absent(err):
		f.DockerEnv = cred.Is(false)
	}
}

// reach looks for what the process can get at. What may not be looked into is unknown,
// unless that is final: the process itself may not, ever.
func (l place) reach(f *container.Facts, final bool) {
	l.nodes(f, final)
	f.HostProcs = l.hostProcs(f)
	f.UeventHelper = l.ueventHelper(f.Mounts.Value.Visible())
	if !f.Process.NoNewPrivs.Value {
		f.Setuid = l.setuidRoot(f.IsRoot)
	}
	if !f.HostMounts.OK {
		f.Born = l.tmpfsBirths(f.Mounts.Value.Visible())
	}
}

// absent reports an errno of a path that is not there.
func absent(err error) bool { return err == unix.ENOENT || err == unix.ENOTDIR }

// stat is stat(2), without automounts.
func (l place) stat(path string) (st unix.Stat_t, err error) {
	fd, err := l.OpenFD(path, unix.O_PATH)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	return st, unix.Fstat(fd, &st)
}

// text reads a small file; ok is false if it is not there.
func (l place) text(path string) (text cred.Known[string], ok bool) {
	fd, err := l.OpenFD(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return text, !absent(err)
	}
	defer unix.Close(fd)
	var buf [4096]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return text, true
	}
	return cred.Is(string(buf[:n])), true
}

// firstText is the first line of the first file that is there, empty for none.
func (l place) firstText(paths ...string) cred.Known[string] {
	for _, path := range paths {
		if text, ok := l.text(path); ok {
			text.Value, _, _ = strings.Cut(text.Value, "\n")
			return text
		}
	}
	return cred.Is("")
}

// fileID identifies a file, so that two names of one are recognised.
type fileID struct{ dev, ino uint64 }

// each calls visit for the entries of a directory, in their order by name, but for
// those to skip, which may keep a stat(2) waiting. Where there are more than most
// it visits some, and the error is E2BIG.
func (l place) each(dir string, most int, skip func(name string) bool, visit func(name string, st *unix.Stat_t)) error {
	fd, err := l.OpenFD(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	names, err := entries(fd, most)
	slices.Sort(names)
	for _, name := range names {
		var st unix.Stat_t
		if !skip(name) && unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			visit(name, &st)
		}
	}
	return err
}

// entries lists the names in an open directory; where there are more than most it stops
// with E2BIG. An os.File would do it too, but has Go open an epoll, and ends the
// program where no file descriptor is left.
func entries(fd, most int) (names []string, err error) {
	buf := make([]byte, 8<<10)
	for len(names) <= most {
		n, err := unix.Getdents(fd, buf)
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	return names[:most], unix.E2BIG
}

// setuidRoot lists the setuid programs in the usual directories that belong to the
// process's root.
func (l place) setuidRoot(isRoot func(uid uint32) bool) cred.Known[[]string] {
	list := cred.Is([]string(nil))
	seen := []fileID(nil)
	for _, dir := range [...]string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/"} {
		st, err := l.stat(dir)
		if id := (fileID{st.Dev, st.Ino}); err == nil && slices.Contains(seen, id) {
			continue
		} else if err == nil {
			seen = append(seen, id)
			none := func(string) bool { return false }
			err = l.each(dir, maxNodes, none, func(name string, st *unix.Stat_t) {
				const bits = unix.S_ISUID | 0o001
				if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&bits == bits && isRoot(st.Uid) {
					list.Value = append(list.Value, dir+name)
				}
			})
		}
		list.OK = list.OK && (err == nil || absent(err))
	}
	list.OK = list.OK || len(list.Value) > 0
	return list
}
