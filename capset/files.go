package main

import (
	"errors"

	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// maxFile is more than any file that is read here has.
const maxFile = 64 << 20

// open opens a path where it is looked up.
func open(at probe.Lookup, path string, flags int) (fd int, err error) {
	flags |= unix.O_CLOEXEC
	if at.Chroot {
		how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT}
		fd, err = unix.Openat2(at.Dir, path, &how)
	} else {
		fd, err = unix.Openat(at.Dir, path, flags, 0)
	}
	return fd, fileError("open", path, err)
}

// read reads a whole file; a missing one is ENOENT.
func read(at probe.Lookup, path string) ([]byte, error) {
	fd, err := open(at, path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if err != nil {
			return nil, fileError("read", path, err)
		}
		if n == 0 {
			return buf, nil
		}
		if buf = buf[:len(buf)+n]; len(buf) > maxFile {
			return nil, errors.New("read " + path + ": too large")
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// fileError is "call path: reason".
func fileError(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return &callError{call + " " + path, err}
}

// callError is a failed call with its object.
type callError struct {
	what string
	err  error
}

func (e *callError) Error() string { return e.what + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// enter makes ready to look up paths in the root and the folder that the command
// will have.
func (l *launch) enter() error {
	l.lookup = probe.Here
	dir, how := l.request.Chdir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC
	if l.request.Chroot != "" {
		dir, l.lookup.Chroot = l.request.Chroot, true
	}
	if dir == "" {
		return nil
	}
	fd, err := unix.Open(dir, how, 0)
	l.lookup.Dir = fd
	return fileError("open", dir, err)
}
