package main

import (
	"errors"

	"capsh/internal/linux/files"
	"capsh/internal/rules/accounts"

	"golang.org/x/sys/unix"
)

// enter makes ready to look up paths in the root and the folder that the command
// will have.
func (l *launch) enter(p *processOptions) error {
	r := &l.request
	r.Chdir, r.Chroot = p.chdir.Value, p.chroot.Value
	dir := r.Chdir
	if r.Chroot != "" {
		dir, l.lookup.Chroot, l.lookup.Start = r.Chroot, true, r.Chdir
	}
	if dir == "" {
		return nil
	}
	f, err := files.Here.Open(dir, unix.O_PATH|unix.O_DIRECTORY)
	switch {
	case r.Chroot != "":
		r.ChrootFD = f.FD
	case errors.Is(err, unix.EACCES): // the command's user may see more
		l.lookup.Hidden = true
		return nil
	}
	l.lookup.Dir = f.FD
	return err
}

// accounts are the users and groups of the root that the command will have.
func (l *launch) accounts() accounts.Files {
	return accounts.Files{Read: l.lookup.ReadFile}
}

// read reads a file that the command line names, be it a pipe; a missing one is
// ENOENT.
func read(path string) ([]byte, error) {
	f, err := files.Here.Open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadAll()
}
