package files

import (
	"fmt"
	"strconv"
	"syscall"
	"unsafe"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// grantReader reads what files grant, one after the other. The memory that the kernel
// writes to is in here: local variables would be garbage to collect for each file.
type grantReader struct {
	stat  unix.Statx_t
	value [filecap.MaxSize]byte
	args  xattrArgs
	// noXattrAt is set where the kernel has no getxattrat(2), which is new in
	// Linux 6.13.
	noXattrAt bool
	ids       cred.UserNS // by which an owner is known
	own       cred.Known[cred.State]
	formats   formats
	// change stands for the value that is there where changes is set.
	change  Change
	changes bool
}

func newGrantReader() *grantReader { return &grantReader{ids: procfs.ShownIDs()} }

// place is a file by its name in an open directory; the name ends in a NUL.
// flags is AT_SYMLINK_NOFOLLOW or 0.
type place struct {
	dir   int
	name  *byte
	flags int
}

// Grants reads what the regular file at a path grants, following symbolic links
// as execve does. For another kind of file the error is EISDIR or EINVAL.
func Grants(path string) (filecap.Grants, error) { return newGrantReader().grants(path) }

func (r *grantReader) grants(path string) (g filecap.Grants, err error) {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return g, fmt.Errorf("%s: %w", path, err)
	}
	p := place{unix.AT_FDCWD, name, 0}
	if errno := r.statAt(p); errno != 0 {
		return g, fmt.Errorf("stat %s: %w", path, errno)
	}
	switch r.stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		return g, fmt.Errorf("%s: %w", path, unix.EISDIR)
	default:
		return g, fmt.Errorf("%s: not a regular file: %w", path, unix.EINVAL)
	}
	g, err = r.read(p)
	if err != nil {
		return g, fmt.Errorf("%s: %w", path, err)
	}
	g.Path = path
	return g, nil
}

// read reads what the regular file of r.stat grants; it does not set Path. More than
// the capabilities is read only where the file grants something.
func (r *grantReader) read(p place) (g filecap.Grants, err error) {
	g.Mode, g.UID, g.GID = uint32(r.stat.Mode), r.ids.KnownUID(r.stat.Uid), r.ids.KnownGID(r.stat.Gid)
	if err := r.readCaps(p, &g); err != nil || !g.Any() {
		return g, err
	}
	if err := r.circumstances(p, &g); err != nil {
		return g, err
	}
	kernel, err := self.ReadKernel()
	if err != nil {
		return g, err
	}
	if err := r.readOwn(&g); err != nil {
		return g, err
	}
	g.Judge(kernel.Bits)
	return g, nil
}

// readOwn finds the capabilities that an execve by this thread does not give.
func (r *grantReader) readOwn(g *filecap.Grants) error {
	if !g.CapsShown() {
		return nil
	}
	if !r.own.OK {
		own, err := self.State()
		if err != nil {
			return err
		}
		r.own = cred.Is(own)
	}
	own := &r.own.Value
	g.NotGiven = g.Caps.Permitted &^ (own.Bounding | own.Inheritable&g.Caps.Inheritable)
	return nil
}

// readCaps reads the file's capabilities.
func (r *grantReader) readCaps(p place, g *filecap.Grants) error {
	n, errno := r.attribute(p)
	c, err := parseCaps(r.value[:max(n, 0)], errno)
	if err != nil {
		return err
	}
	g.HasCaps, g.Caps = c.has, c.Caps
	if c.invalid {
		g.Flaws |= filecap.InvalidCaps
	}
	if c.foreign {
		g.Flaws |= filecap.ForeignCaps
	}
	if c.hidden {
		g.Doubts |= filecap.HiddenCaps
	}
	return nil
}

// attribute is the value of the file's capabilities, in r.value, or the one that a
// change would leave.
func (r *grantReader) attribute(p place) (int, syscall.Errno) {
	switch {
	case !r.changes:
		return r.xattr(p)
	case r.change == nil:
		return 0, unix.ENODATA
	}
	return copy(r.value[:], r.change), 0
}

// circumstances reads what decides whether the privileges of the file of r.stat count:
// its mount, its owner and what runs it.
func (r *grantReader) circumstances(p place, g *filecap.Grants) error {
	fd, errno := p.open(unix.O_PATH)
	if errno != 0 {
		return errno
	}
	defer unix.Close(fd)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return err
	}
	if fs.Flags&unix.ST_NOSUID != 0 {
		g.Flaws |= filecap.NoSuid
	}
	if fs.Flags&unix.ST_NOEXEC != 0 {
		g.Flaws |= filecap.NoExec
	}
	switch counts := ownMounts().maySuid(fd, &fs); {
	case !counts.OK:
		g.Doubts |= filecap.UnsureMount
	case !counts.Value:
		g.Flaws |= filecap.ForeignMount
	}
	switch no := ownMounts().hidesOwner(fd, &r.ids, r.stat.Uid, r.stat.Gid); {
	case !no.OK:
		g.Doubts |= filecap.UnsureOwner
		if r.stat.Uid == r.ids.OverflowUID.Value {
			g.UID = cred.UnknownID
		}
		if r.stat.Gid == r.ids.OverflowGID.Value {
			g.GID = cred.UnknownID
		}
	case no.Value:
		g.Flaws |= filecap.Unmapped
	}
	interpreted, err := r.interpreted(p)
	g.Flaws |= interpreted
	return err
}

// interpreted is the flaw of a file whose interpreter decides; as in execve,
// binfmt_misc is first. A file that may not be read is matched by its name alone, and
// where the registrations cannot be read none is taken to match.
func (r *grantReader) interpreted(p place) (filecap.Flaws, error) {
	var head [headSize]byte
	n := p.readHead(head[:])
	registered, _, err := r.formats.match(unix.BytePtrToString(p.name), head[:])
	switch {
	case err != nil || registered.FileDecides:
		return 0, err
	case registered.Interpreter != "":
		return filecap.Registered, nil
	}
	if interpreter, err := parseHead(head[:n]); interpreter != "" || err != nil {
		return filecap.Script, nil
	}
	return 0, nil
}

// readHead reads the beginning of the file, and nothing where it may not be read.
func (p place) readHead(head []byte) int {
	fd, errno := p.open(unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY)
	if errno != 0 {
		return 0
	}
	defer unix.Close(fd)
	n, _ := unix.Pread(fd, head, 0)
	return max(n, 0)
}

// statAt is statx(2) for type, mode and owner, into r.stat.
func (r *grantReader) statAt(p place) syscall.Errno {
	const mask = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_UID | unix.STATX_GID
	_, _, errno := unix.Syscall6(unix.SYS_STATX, uintptr(p.dir), uintptr(unsafe.Pointer(p.name)),
		uintptr(p.flags), mask, uintptr(unsafe.Pointer(&r.stat)), 0)
	if errno != unix.ENOSYS {
		return errno
	}
	var old unix.Stat_t // before Linux 4.11
	if err := unix.Fstatat(p.dir, unix.BytePtrToString(p.name), &old, p.flags); err != nil {
		return err.(syscall.Errno)
	}
	r.stat.Mode, r.stat.Uid, r.stat.Gid = uint16(old.Mode), old.Uid, old.Gid
	return 0
}

// open opens the file.
func (p place) open(flags int) (int, syscall.Errno) {
	flags |= unix.O_CLOEXEC
	if p.flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		flags |= unix.O_NOFOLLOW
	}
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(p.dir), uintptr(unsafe.Pointer(p.name)),
		uintptr(flags|unix.O_LARGEFILE), 0, 0, 0)
	return int(fd), errno
}

// xattrName is filecap.XattrName as the kernel takes it.
var xattrName = [...]byte{'s', 'e', 'c', 'u', 'r', 'i', 't', 'y', '.', 'c', 'a', 'p', 'a', 'b', 'i', 'l', 'i', 't', 'y', 0}

// xattrArgs is struct xattr_args (include/uapi/linux/xattr.h).
type xattrArgs struct {
	value       uint64
	size, flags uint32
}

// xattr reads the value of the file's capabilities into r.value.
func (r *grantReader) xattr(p place) (int, syscall.Errno) {
	if !r.noXattrAt {
		// r is on the heap, where nothing moves: the call below sees to that.
		r.args = xattrArgs{value: uint64(uintptr(unsafe.Pointer(&r.value))), size: uint32(len(r.value))}
		n, _, errno := unix.Syscall6(unix.SYS_GETXATTRAT, uintptr(p.dir), uintptr(unsafe.Pointer(p.name)), uintptr(p.flags),
			uintptr(unsafe.Pointer(&xattrName)), uintptr(unsafe.Pointer(&r.args)), unsafe.Sizeof(r.args))
		// A seccomp filter may say EPERM of a call that it doesn't know.
		if errno != unix.ENOSYS && errno != unix.EPERM {
			return int(n), errno
		}
		r.noXattrAt = true
	}
	fd, errno := p.open(unix.O_PATH)
	if errno != 0 {
		return 0, errno
	}
	defer unix.Close(fd)
	n, err := unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), filecap.XattrName, r.value[:])
	if err != nil {
		return 0, err.(syscall.Errno)
	}
	return n, 0
}
