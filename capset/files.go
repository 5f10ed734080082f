package main

import (
	"errors"

	"capsh/internal/accounts"
	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// enter makes ready to look up paths in the root and the folder that the command
// will have.
func (l *launch) enter() error {
	dir := l.request.Chdir
	if l.request.Chroot != "" {
		dir, l.lookup.Chroot = l.request.Chroot, true
	}
	if dir == "" {
		return nil
	}
	f, err := probe.Here.Open(dir, unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, unix.EACCES) && !l.lookup.Chroot {
		l.hidden = err // the command's user may see more
		return nil
	}
	l.lookup.Dir, l.request.ChrootFD = f.FD, f.FD
	return err
}

// accounts are the users and groups of the root that the command will have.
func (l *launch) accounts() accounts.Files {
	return accounts.Files{Read: l.lookup.ReadFile}
}

// read reads a file that the command line names, be it a pipe; a missing one is
// ENOENT.
func read(path string) ([]byte, error) {
	f, err := probe.Here.Open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadAll()
}
