package procfs

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// What this process writes below /proc, and what it decides by, is on its own
// procfs. Anything else may be mounted there: a directory of plain files, the
// procfs of another PID namespace, and a mount over a single file.

// ErrNotOwn says that a file below /proc is not one of this process's own
// procfs. Its content says nothing.
var ErrNotOwn = errors.New("not a file of this process's procfs")

// notOwn is an ErrNotOwn with its reason.
type notOwn string

func (why notOwn) Error() string        { return string(why) }
func (why notOwn) Is(target error) bool { return target == ErrNotOwn }

// OpenOwn opens /proc/NAME on the procfs of this process's own PID namespace;
// name is relative, "thread-self/attr/exec". It crosses no mount, follows neither
// a magic link nor a link as the last component, and waits for nothing. To flags
// it adds O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK. The error wraps [ErrNotOwn], or
// the errno of a failed call.
func OpenOwn(name string, flags int) (fd int, err error) {
	proc, err := openOwnRoot()
	if err == nil {
		fd, err = openBelow(proc, name, flags)
		unix.Close(proc)
	}
	if err != nil {
		return -1, fmt.Errorf("open /proc/%s: %w", name, err)
	}
	return fd, nil
}

// ReadOwn reads the whole of a small file, as [OpenOwn] finds it.
func ReadOwn(name string) ([]byte, error) {
	fd, err := OpenOwn(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	text, err := ReadAll(fd, nil, false)
	if err != nil {
		return nil, fmt.Errorf("read /proc/%s: %w", name, err)
	}
	return text, nil
}

// ReadOwnLink reads the text of a link into buf, be it a magic link.
func ReadOwnLink(name string, buf []byte) ([]byte, error) {
	fd, err := OpenOwn(name, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return nil, fmt.Errorf("readlink /proc/%s: %w", name, err)
	}
	return buf[:n], nil
}

// OwnFD is a path to what an open descriptor is of, for a call that takes no
// descriptor opened with O_PATH. The error is as of [OpenOwn].
func OwnFD(fd int) (string, error) {
	const all = "self/fd"
	dir, err := OpenOwn(all, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return "", err
	}
	return string(Proc) + "/" + all + "/" + strconv.Itoa(fd), unix.Close(dir)
}

// openOwnRoot opens /proc where that is this process's own procfs.
func openOwnRoot() (int, error) {
	fd, err := unix.Open(string(Proc), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := checkOwnRoot(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// checkOwnRoot is nil for the root of a procfs whose "self" is the id that
// getpid(2) gives: it belongs to this PID namespace, or shows this process under
// the same id.
func checkOwnRoot(fd int) error {
	if err := onProcfs(fd); err != nil {
		return err
	}
	var self [16]byte
	n, err := unix.Readlinkat(fd, "self", self[:])
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("readlink /proc/self: %w", err)
	}
	if string(self[:max(n, 0)]) != strconv.Itoa(unix.Getpid()) {
		return notOwn("/proc is the procfs of another PID namespace")
	}
	return nil
}

// onProcfs is nil for an open file of a procfs.
func onProcfs(fd int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("fstatfs /proc: %w", err)
	}
	if fs.Type != unix.PROC_SUPER_MAGIC {
		return notOwn("/proc is not a procfs")
	}
	return nil
}

// openBelow opens a file below an open procfs.
func openBelow(proc int, name string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC | unix.O_NOFOLLOW
	if flags&unix.O_PATH == 0 { // which openat2 refuses beside it
		flags |= unix.O_NONBLOCK
	}
	fd, err := Openat2(proc, name, &unix.OpenHow{
		Flags:   uint64(flags),
		Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS,
	})
	switch err {
	case unix.EXDEV:
		return -1, notOwn("another mount covers it")
	case unix.ENOSYS: // before Linux 5.6
		return openSameDevice(proc, name, flags)
	}
	return fd, err
}

// openSameDevice is openBelow without openat2: it does not see where a file of
// the same procfs covers another.
func openSameDevice(proc int, name string, flags int) (int, error) {
	fd, err := unix.Openat(proc, name, flags, 0)
	if err != nil {
		return -1, err
	}
	var root, file unix.Stat_t
	if err = unix.Fstat(proc, &root); err == nil {
		err = unix.Fstat(fd, &file)
	}
	if err == nil && root.Dev != file.Dev {
		err = notOwn("another mount covers it")
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
