package files

import (
	"errors"
	"syscall"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// fileCaps is what the extended attribute of a file means to this process.
type fileCaps struct {
	filecap.Caps
	// has is set where there is one.
	has bool
	// foreign: its root id is uid 0 neither of this user namespace nor of one
	// above; Caps may be missing then. invalid: execve fails with EINVAL. hidden:
	// the kernel does not show it.
	foreign, invalid, hidden bool
}

// parseCaps judges a value, or the errno of getxattr(2) in its place; an errno
// that says nothing about the file is the error.
func parseCaps(value []byte, errno syscall.Errno) (c fileCaps, err error) {
	switch errno {
	case 0:
	case unix.ENODATA, unix.EOPNOTSUPP: // none, or a file system without
		return c, nil
	case unix.EOVERFLOW: // of a root id without a number here
		return fileCaps{has: true, foreign: true}, nil
	case unix.EINVAL:
		// cap_inode_getsecurity (security/commoncap.c) shows no version 1, which
		// get_vfs_caps_from_disk takes, and nothing invalid.
		return fileCaps{has: true, hidden: true}, nil
	case unix.ERANGE: // longer than any version
		return fileCaps{has: true, invalid: true}, nil
	default:
		return c, errno
	}
	c.has = true
	if c.Caps, err = filecap.Decode(value); err != nil {
		return fileCaps{has: true, invalid: true}, nil
	}
	if c.RootID != 0 {
		uidMap, ok := self.UIDMap()
		c.foreign = !ok || !execve.RootCounts(c.RootID, uidMap)
	}
	return c, nil
}

// readCaps reads the file capabilities of an open file into f.
func readCaps(f *execve.File, fd int) error {
	var buf [filecap.MaxSize]byte
	var n int
	var err error
	if f.Unreadable { // fd is a place only, which fgetxattr refuses
		var path string
		if path, err = procfs.OwnFD(fd); errors.Is(err, unix.ENOENT) || errors.Is(err, procfs.ErrNotOwn) {
			return nil // f says already that not all is known
		} else if err != nil {
			return err
		}
		n, err = unix.Getxattr(path, filecap.XattrName, buf[:])
	} else {
		n, err = unix.Fgetxattr(fd, filecap.XattrName, buf[:])
	}
	errno, _ := err.(syscall.Errno)
	c, err := parseCaps(buf[:max(n, 0)], errno)
	if err != nil {
		return err
	}
	if c.invalid {
		return unix.EINVAL // what execve says of it
	}
	f.HasCaps, f.ForeignCaps, f.HiddenCaps = c.has, c.foreign, c.hidden
	f.Caps = c.Caps
	return nil
}

// kernelBefore reports whether the kernel says that it is older than the given
// release.
func kernelBefore(major, minor int) (bool, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false, err
	}
	return releaseBefore(u.Release[:], major, minor), nil
}

// releaseBefore compares the first two numbers of a release, "6.18.44-x"; what
// does not start with two is not older.
func releaseBefore(release []byte, major, minor int) bool {
	gotMajor, rest := leadingInt(release)
	if len(rest) == 0 || rest[0] != '.' {
		return false
	}
	gotMinor, end := leadingInt(rest[1:])
	if len(end) == len(rest)-1 {
		return false
	}
	return gotMajor < major || gotMajor == major && gotMinor < minor
}

func leadingInt(b []byte) (n int, rest []byte) {
	for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		n, b = n*10+int(b[0]-'0'), b[1:]
	}
	return n, b
}
