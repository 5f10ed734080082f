package files

import (
	"errors"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

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
	switch err {
	case nil:
	case unix.ENODATA, unix.EOPNOTSUPP: // none, or a file system without
		return nil
	case unix.EOVERFLOW: // there are some, of a root id that has no name here
		f.HasCaps, f.ForeignCaps = true, true
		return nil
	default:
		return err
	}
	c, err := filecap.Decode(buf[:n])
	if err != nil {
		return unix.EINVAL // what execve says of it
	}
	f.HasCaps = true
	f.Caps = c
	if c.RootID != 0 {
		uidMap, ok := self.UIDMap()
		f.ForeignCaps = !ok || !execve.RootCounts(c.RootID, uidMap)
	}
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
