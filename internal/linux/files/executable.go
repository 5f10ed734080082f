package files

import (
	"errors"
	"fmt"
	"syscall"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// maxInterpreters is how many "#!" lines in a row execve follows before it says
// ELOOP (exec_binprm, fs/exec.c).
const maxInterpreters = 5

// FileError is why a file cannot be run, as far as that shows without running
// it. Err is the errno that execve would give, or the one of the failed call.
type FileError struct {
	Call, Path string
	// Script is the script that names Path in its first line, empty if none.
	Script string
	// Why says more than the errno does, or is empty.
	Why string
	Err syscall.Errno
}

// Error is "call path (interpreter of script): reason (why)".
func (e *FileError) Error() string {
	text := e.Call + " " + e.Path
	if e.Script != "" {
		text += " (the interpreter of " + e.Script + ")"
	}
	text += ": " + e.Err.Error()
	if e.Why != "" {
		text += " (" + e.Why + ")"
	}
	return text
}

// Unwrap is the errno.
func (e *FileError) Unwrap() error { return e.Err }

// Executable reads what an execve of path by this thread looks at, following
// "#!" lines to the file that decides. It is an error, a *[FileError], where a
// file or an interpreter is missing, is none that execve takes, or is one that
// nobody may execute; whether this thread, or another user, may is not asked.
func (l Lookup) Executable(path string) (execve.File, error) {
	f := execve.File{Path: path}
	script := ""
	for {
		interpreter, err := l.readOne(&f, path, script)
		if err != nil {
			return f, err
		}
		if interpreter == "" {
			if f.SetidFromReal, err = kernelBefore(6, 17); err != nil {
				errno, _ := err.(syscall.Errno)
				return f, &FileError{Call: "uname", Path: path, Script: script, Err: errno}
			}
			return f, nil
		}
		if len(f.Interpreters) == maxInterpreters {
			return f, &FileError{Call: "execve", Path: f.Path, Err: unix.ELOOP, Why: "too many interpreters in a row"}
		}
		f.Interpreters = append(f.Interpreters, interpreter)
		script, path = path, interpreter
	}
}

// readOne reads one file of the chain into f and returns the interpreter that it
// names, if it is a script.
func (l Lookup) readOne(f *execve.File, path, script string) (string, error) {
	fail := func(call string, err error, why string) (string, error) {
		var errno syscall.Errno
		errors.As(err, &errno)
		return "", &FileError{Call: call, Path: path, Script: script, Err: errno, Why: why}
	}
	fd, unreadable, err := l.openProgram(path)
	if l.Chroot && err == unix.ENOSYS {
		return fail("open", err, "in another root, which takes openat2 (Linux 5.6)")
	} else if err != nil {
		return fail("open", err, "")
	}
	defer unix.Close(fd)
	f.Unreadable = unreadable

	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fail("fstat", err, "")
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fail("execve", unix.EACCES, "not a regular file")
	}
	f.IDs = append(f.IDs, fileID(&st))
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fail("fstatfs", err, "")
	}
	if fs.Flags&unix.ST_NOEXEC != 0 {
		return fail("execve", unix.EACCES, "its mount is noexec")
	}
	if st.Mode&0o111 == 0 {
		return fail("execve", unix.EACCES, "no execute permission for anyone")
	}
	f.NoSuid = fs.Flags&unix.ST_NOSUID != 0
	f.Mode, f.UID, f.GID = st.Mode, st.Uid, st.Gid

	var head [headSize]byte
	n := 0
	if !unreadable {
		if n, err = unix.Pread(fd, head[:], 0); err != nil {
			return fail("read", err, "")
		}
	}
	interpreter, err := parseHead(head[:n])
	if err != nil {
		return fail("execve", err, `its "#!" line names no interpreter, or a longer one than the kernel reads`)
	}
	if interpreter != "" {
		return interpreter, nil // a script: what privileges it has means nothing
	}
	if f.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		ids := procfs.ShownIDs()
		no := unmapped(&ids, f.UID, f.GID)
		f.Unmapped, f.UnsureOwner = no.Value, !no.OK
	}
	if err := readCaps(f, fd); err != nil {
		return fail("getxattr", err, filecap.XattrName)
	}
	if f.HasCaps {
		kernel, err := self.ReadKernel()
		if err != nil {
			return fail("prctl(PR_CAPBSET_READ)", err, "")
		}
		f.Caps = f.Caps.Known(kernel.Bits)
	}
	l.judgeMount(f, fd, &fs)
	return "", nil
}

// unmapped reports whether the owner or the group of a file, as they are shown, has
// no id in this user namespace.
func unmapped(ids *cred.UserNS, uid, gid uint32) cred.Known[bool] {
	u, g := ids.UnmappedUID(uid), ids.UnmappedGID(gid)
	return cred.Known[bool]{Value: u.Value || g.Value, OK: u.Value || g.Value || u.OK && g.OK}
}

func fileID(st *unix.Stat_t) execve.FileID {
	return execve.FileID{
		Dev: uint64(st.Dev), Ino: st.Ino,
		Changed: [2]int64{int64(st.Ctim.Sec), int64(st.Ctim.Nsec)},
	}
}

// Replaced is the path of a command or of one of its interpreters that leads to
// another file than exe has, or to a changed one; empty if none does. What this
// thread cannot look up does not count: execve fails for it as well. Needs no file
// descriptor.
func Replaced(exe *execve.File) (path string, err error) {
	for i, id := range exe.IDs {
		path = exe.Path
		if i > 0 {
			path = exe.Interpreters[i-1]
		}
		var st unix.Stat_t
		switch err := unix.Stat(path, &st); {
		case err == unix.ENOENT || err == unix.ENOTDIR || err == unix.EACCES || err == unix.ELOOP:
		case err != nil:
			return path, fmt.Errorf("stat %s: %w", path, err)
		case fileID(&st) != id:
			return path, nil
		}
	}
	return "", nil
}

// judgeMount sees whether the privileges of a file, if it has any, count on its
// mount.
func (l Lookup) judgeMount(f *execve.File, fd int, fs *unix.Statfs_t) {
	if !f.Privileged() || f.NoSuid {
		return
	}
	m := l.mounts
	if m == nil {
		m = ownMounts()
	}
	counts := m.maySuid(fd, fs)
	f.NoSuid, f.UnsureMount = counts.OK && !counts.Value, !counts.OK
}

// openProgram opens a file for reading, or where that is not allowed only as a place.
func (l Lookup) openProgram(path string) (fd int, unreadable bool, err error) {
	fd, err = l.OpenFD(path, readOnly)
	if err == unix.EACCES {
		fd, err = l.OpenFD(path, unix.O_PATH)
		return fd, true, err
	}
	return fd, false, err
}
