package main

import (
	"errors"
	"io"

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

// file is an open file that is read without Go's poller, which costs a start
// five system calls.
type file struct {
	fd   int
	path string
}

func openFile(at probe.Lookup, path string) (file, error) {
	fd, err := open(at, path, unix.O_RDONLY)
	return file{fd, path}, err
}

// Read is io.Reader's.
func (f file) Read(b []byte) (int, error) {
	n, err := unix.Read(f.fd, b)
	if err == nil && n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return max(n, 0), fileError("read", f.path, err)
}

func (f file) close() { unix.Close(f.fd) }

// read reads a whole file; a missing one is ENOENT.
func read(at probe.Lookup, path string) ([]byte, error) {
	f, err := openFile(at, path)
	if err != nil {
		return nil, err
	}
	defer f.close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("read " + path + ": too large")
	}
	return text, err
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
