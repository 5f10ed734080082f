package files

import (
	"errors"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/execve"

	"golang.org/x/sys/unix"
)

// formatsDir is where binfmt_misc is mounted. The kernel uses the instance of the
// caller's user namespace, or of the nearest ancestor that has one (Linux 6.7),
// whether it is mounted here or not; another instance here is not recognised.
const formatsDir = "/proc/sys/fs/binfmt_misc"

// formats are the registrations of binfmt_misc, in the order in which the kernel
// looks at them. They are read once, when the first file asks for them.
type formats struct {
	read bool
	list []execve.Registration
	// hidden is set where they cannot be read here.
	hidden bool
}

// match finds the registration that the kernel uses for a file; its zero value is
// none. Where the registrations cannot be read, readable is false. The error is a
// *[FileError].
func (f *formats) match(path string, head []byte) (found execve.Registration, readable bool, err error) {
	if !f.read && !f.hidden {
		f.list, err = readFormats()
		f.hidden = err == errHidden || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
		if err != nil && !f.hidden {
			return found, false, err
		}
		f.read = true
	}
	for i := range f.list {
		if f.list[i].Matches(path, head) {
			return f.list[i], true, nil
		}
	}
	return found, !f.hidden, nil
}

// errHidden is the error where the registrations cannot be read.
var errHidden = errors.New("no readable binfmt_misc at " + formatsDir)

// readFormats reads the registrations. Their file system says what it is, wherever
// it is mounted; what else is there, be it an automount, is not read.
func readFormats() ([]execve.Registration, error) {
	place, err := unix.Open(formatsDir, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch err {
	case nil:
	case unix.ENOENT, unix.ENOTDIR:
		return nil, withoutFormats()
	default:
		return nil, formatsError("open", "", err)
	}
	defer unix.Close(place)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(place, &fs); err != nil {
		return nil, formatsError("fstatfs", "", err)
	}
	if fs.Type != unix.BINFMTFS_MAGIC {
		return nil, errHidden
	}
	return listFormats(place)
}

// withoutFormats is nil where the kernel has no binfmt_misc.
func withoutFormats() error {
	fd, err := procfs.OpenOwn("sys/fs", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return errHidden
	}
	unix.Close(fd)
	return nil
}

// formatsError is a failed call on a file of the directory, or on itself.
func formatsError(call, name string, err error) error {
	return link{path: strings.TrimSuffix(formatsDir+"/"+name, "/")}.fail(call, err, "")
}

// listFormats reads the files of an open binfmt_misc.
func listFormats(place int) (list []execve.Registration, err error) {
	buf := make([]byte, 8192) // a file has at most a page
	if status, err := readFormat(place, "status", buf); err != nil || string(status) == "disabled\n" {
		return nil, err
	}
	names, err := formatNames(place)
	if err != nil {
		return nil, err
	}
	// The last to be registered is the first here, and for the kernel too.
	for _, name := range names {
		if name == "status" || name == "register" {
			continue
		}
		text, err := readFormat(place, name, buf)
		if errors.Is(err, unix.ENOENT) { // taken out meanwhile
			continue
		} else if err != nil {
			return nil, err
		}
		r, err := execve.ParseRegistration(string(text))
		if err != nil {
			return nil, errHidden // of a kernel that writes them in another way
		}
		list = append(list, r)
	}
	return list, nil
}

// formatNames lists the directory in its own order.
func formatNames(place int) (names []string, err error) {
	dir, err := unix.Openat(place, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, formatsError("open", "", err)
	}
	defer unix.Close(dir)
	for buf := make([]byte, 4096); ; {
		n, err := unix.ReadDirent(dir, buf)
		if err != nil {
			return nil, formatsError("getdents64", "", err)
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// readFormat reads a file of the directory into buf, which the kernel fills at once.
func readFormat(dir int, name string, buf []byte) ([]byte, error) {
	fd, err := unix.Openat(dir, name, readOnly|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, formatsError("open", name, err)
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil, formatsError("read", name, err)
	}
	return buf[:n], nil
}
