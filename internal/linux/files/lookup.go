package files

import (
	"fmt"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
)

// Lookup says where paths are resolved.
type Lookup struct {
	// Dir is where relative paths start: unix.AT_FDCWD or an open directory.
	Dir int
	// Chroot makes Dir the root as well (Linux 5.6): no path leads out of it.
	Chroot bool
	// Start is a directory below Dir where relative paths start instead.
	Start string
	// Hidden says that they start in a directory that this thread may not search:
	// EACCES.
	Hidden bool
	// Permitted has [Lookup.Command] go on after a file that this thread may not execute,
	// as execvp(3) does: see [Permitted].
	Permitted bool
	// OtherFormats says that the file is for a process whose binfmt_misc instance may
	// differ from this one's.
	OtherFormats bool
	// mounts are those of the process whose root this is; nil for this process's.
	mounts *mounts
}

// Here resolves paths as this thread does.
var Here = Lookup{Dir: unix.AT_FDCWD}

// InRoot resolves paths in the root directory of a process. That needs permission to
// trace the process (PTRACE_MODE_READ, ptrace(2)). The caller closes Dir.
func InRoot(r procfs.Root, pid int) (Lookup, error) {
	path := r.Path(pid, pid) + "/root"
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if procfs.Denies(err) {
		return Lookup{}, fmt.Errorf("open %s, which needs permission to trace the process: %w", path, err)
	} else if err != nil {
		return Lookup{}, fmt.Errorf("open %s: %w", path, err)
	}
	return Lookup{Dir: fd, Chroot: true, mounts: mountsOf(r.Path(pid, pid))}, nil
}

// readOnly opens a file for reading without blocking on a FIFO or a terminal.
const readOnly = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY

// OpenFD opens a file with flags of open(2), to which it adds O_CLOEXEC. The error
// is an errno; of a Chroot it is ENOSYS before Linux 5.6, and EBADF where the call only
// reports success.
func (l Lookup) OpenFD(path string, flags int) (fd int, err error) {
	if path != "" && path[0] != '/' {
		switch {
		case l.Hidden:
			return -1, unix.EACCES
		case l.Start != "":
			path = l.Start + "/" + path
		}
	}
	if l.Chroot {
		fd, err = procfs.Openat2(l.Dir, path, &unix.OpenHow{
			Flags:   uint64(flags | unix.O_CLOEXEC),
			Resolve: unix.RESOLVE_IN_ROOT,
		})
	} else {
		fd, err = unix.Openat(l.Dir, path, flags|unix.O_CLOEXEC, 0)
	}
	if err == nil && fd <= 2 { // these are open: a seccomp filter answered with 0
		return -1, unix.EBADF
	}
	return fd, err
}

// File is an open file that is read without Go's poller, which would add five system
// calls to each start.
type File struct {
	FD   int
	path string
}

// Open opens a file with flags of open(2), to which it adds O_CLOEXEC. The error
// is "open PATH: " and the errno's text.
func (l Lookup) Open(path string, flags int) (File, error) {
	fd, err := l.OpenFD(path, flags)
	if l.Chroot && err == unix.ENOSYS {
		return File{}, fmt.Errorf("open %s: a look-up in another root needs openat2 (Linux 5.6): %w", path, err)
	} else if err != nil {
		return File{}, fmt.Errorf("open %s: %w", path, err)
	}
	return File{fd, path}, nil
}

// ReadFile reads a whole small file; it does not wait for a FIFO or a terminal.
func (l Lookup) ReadFile(path string) ([]byte, error) {
	f, err := l.Open(path, readOnly)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadAll()
}

// ReadNamed reads a whole file that a command line names. It may be a pipe, as
// /dev/stdin or a shell's <(...) are, and is then read up to its end. A FIFO is
// refused: it may never have a writer.
func (l Lookup) ReadNamed(path string) ([]byte, error) {
	f, err := l.Open(path, readOnly)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(f.FD, &st); err != nil {
		return nil, fmt.Errorf("fstat %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		var fs unix.Statfs_t
		if err := unix.Fstatfs(f.FD, &fs); err != nil {
			return nil, fmt.Errorf("fstatfs %s: %w", path, err)
		}
		if st.Mode&unix.S_IFMT == unix.S_IFIFO && fs.Type != unix.PIPEFS_MAGIC {
			return nil, fmt.Errorf("%s is a FIFO, not a regular file", path)
		}
		if err := unix.SetNonblock(f.FD, false); err != nil {
			return nil, fmt.Errorf("fcntl %s: %w", path, err)
		}
	}
	return f.ReadAll()
}

// Close closes the file.
func (f File) Close() error { return unix.Close(f.FD) }

// ReadAll reads up to the end of the file, at most 64 MiB.
func (f File) ReadAll() ([]byte, error) {
	const usual = 4096 // passwd and group fit
	text, err := procfs.ReadAll(f.FD, make([]byte, 0, usual), false)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path, err)
	}
	return text, nil
}
