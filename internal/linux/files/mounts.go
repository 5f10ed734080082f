package files

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// mounts decides on which mounts setuid, setgid and file capabilities count for a
// process: the mount has to be in the process's mount namespace, and its file
// system has to belong to the process's user namespace or to an ancestor of it
// (mnt_may_suid, fs/namespace.c).
type mounts struct {
	// own says that it is this process.
	own bool
	// listed are the ids of the mounts that the process can reach from its root;
	// nil where they could not be read.
	listed map[uint64]bool
	// idmapped are those of them that show other owners of files than the file system
	// has (mount_setattr(2)).
	idmapped map[uint64]bool
	// complete says that listed has the mount of the process's root. Below a
	// chroot, whose mount begins above the root, it does not.
	complete bool
	// trusted says that the user namespace that the mount namespace belongs to is
	// the process's or an ancestor of it: then so are those of its file systems.
	trusted cred.Known[bool]
}

// mountsOf reads the mounts of a process, by its directory in a procfs.
func mountsOf(proc string) *mounts {
	m := &mounts{own: proc == ownProc, trusted: trusted(proc)}
	table, err := readMountinfo(proc)
	if err != nil {
		return m
	}
	m.listed, m.idmapped = map[uint64]bool{}, map[uint64]bool{}
	for line := range bytes.Lines(table) {
		id, _, _ := bytes.Cut(line, []byte{' '})
		if n, err := strconv.ParseUint(string(id), 10, 64); err == nil {
			m.listed[n] = true
			const options = 5 // of the mount; see proc_pid_mountinfo(5)
			fields := bytes.Fields(line)
			m.idmapped[n] = len(fields) > options && slices.Contains(strings.Split(string(fields[options]), ","), "idmapped")
		}
	}
	if id, ok := mountID(unix.AT_FDCWD, proc+"/root"); ok {
		m.complete = m.listed[id]
	}
	return m
}

// ownProc is the directory of this process.
const ownProc = string(procfs.Proc) + "/self"

// readMountinfo reads the mounts of a process, of this one from its own procfs.
func readMountinfo(proc string) ([]byte, error) {
	if proc == ownProc {
		return procfs.ReadOwn("self/mountinfo")
	}
	return Here.ReadFile(proc + "/mountinfo")
}

// ownMounts are those of this process. They are read once.
var ownMounts = sync.OnceValue(func() *mounts { return mountsOf(ownProc) })

// maySuid reports whether a file's privileges count on the mount of an open file.
// It does not look at the mount option nosuid.
func (m *mounts) maySuid(fd int, fs *unix.Statfs_t) cred.Known[bool] {
	in := m.inNamespace(fd)
	if in.OK && !in.Value || !in.OK {
		return in
	}
	switch {
	case m.trusted.OK && m.trusted.Value, !inUserNS(int64(fs.Type)):
		return cred.Is(true)
	}
	return cred.Known[bool]{}
}

// inNamespace reports whether the mount of an open file is in the process's mount
// namespace.
func (m *mounts) inNamespace(fd int) cred.Known[bool] {
	if m.own {
		if known := statmount(fd); known.OK {
			return known
		}
	}
	id, ok := mountID(fd, "")
	switch {
	case !ok || m.listed == nil:
		return cred.Known[bool]{}
	case m.listed[id]:
		return cred.Is(true)
	case m.complete:
		return cred.Is(false)
	}
	return cred.Known[bool]{}
}

// hidesOwner reports whether an open file, of which ids shows the owner and the group,
// has one of them that counts for nothing: without an id in this user namespace, or on
// its mount. The overflow ids may stand for either.
func (m *mounts) hidesOwner(fd int, ids *cred.UserNS, uid, gid uint32) cred.Known[bool] {
	u, g := ids.UnmappedUID(uid), ids.UnmappedGID(gid)
	switch {
	case u.Value || g.Value:
		return cred.Is(true)
	case !u.OK || !g.OK, (uid == ids.OverflowUID.Value || gid == ids.OverflowGID.Value) && !m.plain(fd):
		return cred.Known[bool]{}
	}
	return cred.Is(false)
}

// plain reports whether the mount of an open file is known not to be an idmapped one,
// which Linux 5.12 brought.
func (m *mounts) plain(fd int) bool {
	id, ok := mountID(fd, "")
	old, err := kernelBefore(5, 12)
	return ok && m.listed[id] && !m.idmapped[id] || err == nil && old
}

// mountID is the mount of a file, as mountinfo numbers it (Linux 5.8).
func mountID(dir int, path string) (uint64, bool) {
	var st unix.Statx_t
	flags := unix.AT_STATX_DONT_SYNC
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	err := unix.Statx(dir, path, flags, unix.STATX_MNT_ID, &st)
	return st.Mnt_id, err == nil && st.Mask&unix.STATX_MNT_ID != 0
}

// statmount asks the kernel whether the mount of an open file is in this thread's
// mount namespace (statmount(2), Linux 6.8): ENOENT means no. EPERM is for a mount
// that cannot be reached from the root, and where a seccomp filter denies the call.
func statmount(fd int) cred.Known[bool] {
	const unique = unix.STATX_MNT_ID_UNIQUE
	var st unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unique, &st) != nil || st.Mask&unique == 0 {
		return cred.Known[bool]{}
	}
	request := struct { // struct mnt_id_req
		size, spare uint32
		id, what    uint64
	}{size: 24, id: st.Mnt_id, what: 1} // STATMOUNT_SB_BASIC
	var answer [512]byte // struct statmount
	_, _, errno := unix.Syscall6(unix.SYS_STATMOUNT, uintptr(unsafe.Pointer(&request)),
		uintptr(unsafe.Pointer(&answer)), unsafe.Sizeof(answer), 0, 0, 0)
	switch errno {
	case 0:
		return cred.Is(true)
	case unix.ENOENT:
		return cred.Is(false)
	}
	return cred.Known[bool]{}
}

// trusted reports whether the user namespace that owns a process's mount
// namespace is the process's own or an ancestor of it.
func trusted(proc string) cred.Known[bool] {
	ns, err := unix.Open(proc+"/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cred.Known[bool]{}
	}
	defer unix.Close(ns)
	owner, err := unix.IoctlRetInt(ns, unix.NS_GET_USERNS)
	switch {
	case err == unix.EPERM: // neither this thread's user namespace nor below it: an ancestor
		return cred.Is(true)
	case err != nil:
		return cred.Known[bool]{}
	}
	defer unix.Close(owner)
	at, err := unix.Open(proc+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cred.Known[bool]{}
	}
	return above(owner, at)
}

// above reports whether a user namespace is the same as another one or an ancestor of
// it. It closes the other one.
func above(owner, at int) cred.Known[bool] {
	for {
		var a, b unix.Stat_t
		if unix.Fstat(owner, &a) != nil || unix.Fstat(at, &b) != nil {
			unix.Close(at)
			return cred.Known[bool]{}
		}
		if a.Ino == b.Ino {
			unix.Close(at)
			return cred.Is(true)
		}
		parent, err := unix.IoctlRetInt(at, unix.NS_GET_PARENT)
		unix.Close(at)
		if err != nil { // this thread's own is reached, or the initial one
			return cred.Known[bool]{Value: false, OK: err == unix.EPERM}
		}
		at = parent
	}
}

// inUserNS reports whether a file system of a type can belong to a user namespace
// other than the initial one (FS_USERNS_MOUNT) and contain programs.
func inUserNS(magic int64) bool {
	switch magic {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC:
		return true
	}
	return false
}
