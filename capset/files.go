package main

import (
	"errors"
	"fmt"

	"capsh/internal/linux/files"
	"capsh/internal/rules/accounts"

	"golang.org/x/sys/unix"
)

// enter opens the directories that the command will have, and makes ready to look
// up paths in them.
func (l *launch) enter(p *processOptions) error {
	r := &l.request
	r.Chdir, r.Chroot = p.chdir.Value, p.chroot.Value
	r.ChdirFD = -1
	if r.Chroot != "" {
		f, err := files.Here.Open(r.Chroot, unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return err
		}
		r.ChrootFD = f.FD
		l.lookup = files.Lookup{Dir: f.FD, Chroot: true}
	}
	if r.Chdir == "" {
		return nil
	}
	f, err := l.lookup.Open(r.Chdir, unix.O_PATH|unix.O_DIRECTORY)
	switch {
	case errors.Is(err, unix.EACCES): // the command's user may see more
		l.lookup.Hidden = true
		return nil
	case r.Chroot != "":
		l.lookup.Start = r.Chdir
	}
	r.ChdirFD = f.FD
	return err
}

// inside has look work in the directory that the command will start in: relative
// paths, and those that begin with /proc/self/cwd, lead where they will for the
// command. In another root l.lookup sees to that.
func (l *launch) inside(look func() error) error {
	dir := l.request.ChdirFD
	if dir < 0 || l.lookup.Chroot {
		return look()
	}
	back, err := files.Here.Open(".", unix.O_PATH|unix.O_DIRECTORY)
	switch {
	case errors.Is(err, unix.EACCES): // then no later path begins here
		back.FD = dir
	case err != nil:
		return err
	default:
		defer back.Close()
	}
	switch err := unix.Fchdir(dir); err {
	case nil:
	case unix.EACCES: // the command's user may see more
		l.lookup.Hidden = true
	default:
		return fmt.Errorf("fchdir %s: %w", l.request.Chdir, err)
	}
	err = look()
	if backErr := unix.Fchdir(back.FD); err == nil && backErr != nil {
		err = fmt.Errorf("fchdir .: %w", backErr)
	}
	return err
}

// accounts are the users and groups of the root that the command will have.
func (l *launch) accounts() accounts.Files {
	return accounts.Files{Read: l.lookup.ReadFile}
}
