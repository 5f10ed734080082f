package files

import (
	"errors"
	"syscall"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"
	"capsh/internal/rules/release"

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
		ns, err := self.UserNS()
		c.foreign = err != nil || !execve.RootCounts(c.RootID, ns.UIDMap.Value)
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

// kernelBefore reports whether the kernel is known to be older than a version.
func kernelBefore(major, minor int) (bool, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false, err
	}
	before, ok := release.Before(unix.ByteSliceToString(u.Release[:]), major, minor)
	return ok && before, nil
}
