package files

import (
	"errors"
	"fmt"
	"syscall"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// Change is what becomes of the capabilities of a file: the value of its extended
// attribute, nil to remove it.
type Change []byte

// Write changes the capabilities of the regular file at path. Like setcap(8) it
// refuses a symbolic link; directories on the way may be links. The file is opened
// first, so that a path that leads elsewhere meanwhile changes nothing, and what
// was written is read back. Neither opening nor writing takes permissions on the
// file, only CAP_SETFCAP over it (cap_inode_setxattr, security/commoncap.c). The
// error names the call and the path, and wraps the errno.
func Write(path string, change Change) error {
	f, err := openToChange(path)
	if err != nil {
		return err
	}
	defer unix.Close(f.fd)
	call := "setxattr"
	if change == nil {
		call = "removexattr"
		err = f.remove()
	} else {
		err = f.set(change)
	}
	switch {
	case err == unix.ENODATA:
		return errors.New(path + ": has no file capabilities to remove")
	case err != nil:
		return fmt.Errorf("%s(%s) %s: %w", call, filecap.XattrName, path, err)
	}
	return f.verify(change)
}

// Planned is what [Grants] would report after [Write], which is not called.
func Planned(path string, change Change) (g filecap.Grants, err error) {
	f, err := openToChange(path)
	if err != nil {
		return g, err
	}
	defer unix.Close(f.fd)
	r := newGrantReader()
	r.change, r.changes = change, true
	return r.grants(path)
}

// changeable is an open regular file. If it may not be read, fd is only a place
// and link a path to it.
type changeable struct {
	path, link string
	fd         int
}

// openToChange opens a file if it is a regular one. Another kind is not opened: to
// open a device or a FIFO may have an effect.
func openToChange(path string) (f changeable, err error) {
	f.path = path
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return f, fmt.Errorf("lstat %s: %w", path, err)
	}
	if err := f.check(&st); err != nil {
		return f, err
	}
	const flags = unix.O_NOFOLLOW | unix.O_CLOEXEC
	f.fd, err = unix.Open(path, readOnly|flags, 0)
	place := err == unix.EACCES
	if place {
		f.fd, err = unix.Open(path, unix.O_PATH|flags, 0)
	}
	if err != nil {
		return f, fmt.Errorf("open %s: %w", path, err)
	}
	if err = unix.Fstat(f.fd, &st); err != nil {
		err = fmt.Errorf("fstat %s: %w", path, err)
	} else {
		err = f.check(&st)
	}
	if err == nil && place {
		f.link, err = procfs.OwnFD(f.fd)
	}
	if err != nil {
		unix.Close(f.fd)
	}
	return f, err
}

// check refuses all but regular files.
func (f *changeable) check(st *unix.Stat_t) error {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return nil
	case unix.S_IFLNK:
		return fmt.Errorf("%s: is a symbolic link: name the file that it leads to", f.path)
	case unix.S_IFDIR:
		return fmt.Errorf("%s: is a directory: only regular files have file capabilities", f.path)
	}
	return fmt.Errorf("%s: is not a regular file: only these have file capabilities", f.path)
}

func (f *changeable) set(value []byte) error {
	if f.link != "" {
		return unix.Setxattr(f.link, filecap.XattrName, value, 0)
	}
	return unix.Fsetxattr(f.fd, filecap.XattrName, value, 0)
}

func (f *changeable) remove() error {
	if f.link != "" {
		return unix.Removexattr(f.link, filecap.XattrName)
	}
	return unix.Fremovexattr(f.fd, filecap.XattrName)
}

// verify reads the capabilities back.
func (f *changeable) verify(change Change) error {
	var buf [filecap.MaxSize]byte
	var n int
	var err error
	if f.link != "" {
		n, err = unix.Getxattr(f.link, filecap.XattrName, buf[:])
	} else {
		n, err = unix.Fgetxattr(f.fd, filecap.XattrName, buf[:])
	}
	errno, _ := err.(syscall.Errno)
	if change == nil && errno == unix.ENODATA {
		return nil
	}
	if change != nil && errno == 0 && sameCaps(buf[:n], change) {
		return nil
	}
	if errno != 0 && errno != unix.ENODATA {
		return fmt.Errorf("getxattr(%s) %s, to verify what was written: %w", filecap.XattrName, f.path, err)
	}
	return errors.New(f.path + ": the file capabilities are not what was written: another process, or the file system, changed them")
}

// sameCaps compares what was read with what was written. The kernel shows version
// 2 instead of 3 where the root id is uid 0 of this user namespace or of one above
// (cap_inode_getsecurity, security/commoncap.c).
func sameCaps(got, want []byte) bool {
	g, errGot := filecap.Decode(got)
	w, errWant := filecap.Decode(want)
	if g.Version == 2 {
		w.Version, w.RootID = 2, 0
	}
	return errGot == nil && errWant == nil && g == w
}
