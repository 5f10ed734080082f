package files

import (
	"errors"
	"fmt"
	"syscall"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// maxInterpreters is how many "#!" lines in a row execve follows before it fails with
// ELOOP (exec_binprm, fs/exec.c).
const maxInterpreters = 5

// FileError is why a file cannot be executed, as far as that is visible without an
// execve. Err is the errno that execve would fail with, or that of the failed call.
type FileError struct {
	Call, Path string
	// Of is the file that Path is needed for, and As what it is needed as:
	// "interpreter" or "dynamic loader". Both are empty for the file itself.
	Of, As string
	// Why says more than the errno does, or is empty.
	Why string
	Err syscall.Errno
}

// Error is "call path (the interpreter of script): reason (why)".
func (e *FileError) Error() string {
	text := e.Call + " " + e.Path
	if e.Of != "" {
		text += " (the " + e.As + " of " + e.Of + ")"
	}
	text += ": " + e.Err.Error()
	if e.Why != "" {
		text += " (" + e.Why + ")"
	}
	return text
}

// Unwrap is the errno.
func (e *FileError) Unwrap() error { return e.Err }

// Executable reads what an execve of path by this thread depends on, following
// "#!" lines and the registrations of binfmt_misc to the file that decides. The error
// is a *[FileError] where a file, an interpreter or a dynamic loader is missing, is
// one that execve does not accept, or has no execute permission for anyone. Whether
// this thread or another user may execute it is not checked.
func (l Lookup) Executable(path string) (execve.File, error) {
	c := chain{Lookup: l, file: execve.File{Path: path}}
	c.formats.hidden = l.OtherFormats
	var err error
	if c.before617, err = kernelBefore(6, 17); err != nil {
		return c.file, link{path: path}.fail("uname", err, "")
	}
	c.file.SetidFromReal = c.before617
	err = c.follow()
	return c.result(), err
}

// chain is the way from a path to the program that starts.
type chain struct {
	Lookup
	formats formats
	// before617 says that the kernel is older than Linux 6.17.
	before617 bool
	// file is what was read so far; its fields speak of the last file.
	file execve.File
	// given is the file that decides although an interpreter follows, as it was
	// read: that of a registration with flag C.
	given *execve.File
	// passed is set where a registration passes its file on as an open one.
	passed bool
}

// result is file, or given with all that was followed from it.
func (c *chain) result() execve.File {
	if c.given == nil {
		return c.file
	}
	f := *c.given
	f.Interpreters, f.IDs, f.BinaryDecides = c.file.Interpreters, c.file.IDs, true
	return f
}

// follow reads one file after the other.
func (c *chain) follow() error {
	at := link{path: c.file.Path}
	for {
		next, err := c.read(at)
		if err != nil || next.path == "" {
			return err
		}
		if len(c.file.Interpreters) == maxInterpreters {
			return &FileError{Call: "execve", Path: c.file.Path, Err: unix.ELOOP, Why: "too many interpreters in a row"}
		}
		c.file.Interpreters = append(c.file.Interpreters, next.path)
		if c.passed { // exec_binprm (fs/exec.c): only once
			return at.fail("execve", unix.ENOEXEC, "it is an interpreter of binfmt_misc that gets an open file, and no binary")
		}
		c.passed = next.registered.PassesFile()
		if next.registered.FileDecides {
			given := c.file
			c.given = &given
		}
		if next.registered.Opened { // the path may lead elsewhere by now
			c.file.OpenedBefore = c.given == nil
			return nil
		}
		at = next
	}
}

// link is a file of a chain.
type link struct {
	path, of, as string
	// registered is how binfmt_misc came to it; the zero value for another.
	registered execve.Registration
}

// fail is the error of a failed call, or of what execve says of the file.
func (at link) fail(call string, err error, why string) error {
	var errno syscall.Errno
	errors.As(err, &errno)
	return &FileError{Call: call, Path: at.path, Of: at.of, As: at.as, Err: errno, Why: why}
}

// read reads one file of the chain and returns the interpreter that it needs, if
// it needs one.
func (c *chain) read(at link) (next link, err error) {
	f := &c.file
	p, err := c.openProgram(at)
	if err != nil {
		return next, err
	}
	defer unix.Close(p.fd)
	f.IDs = append(f.IDs, fileID(&p.stat))
	f.Unreadable, f.NoSuid = p.unreadable, p.fs.Flags&unix.ST_NOSUID != 0
	f.Mode, f.UID, f.GID = p.stat.Mode, p.stat.Uid, p.stat.Gid
	if next, err = c.interpreter(p); err != nil {
		return next, err
	}
	if next.path != "" && !next.registered.FileDecides {
		return next, nil // the privileges of a script are ignored
	}
	if f.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		ids := procfs.ShownIDs()
		no := c.processMounts().hidesOwner(p.fd, &ids, f.UID, f.GID)
		f.Unmapped, f.UnsureOwner = no.Value, !no.OK
	}
	if err := readCaps(f, p.fd); err != nil {
		return next, at.fail("getxattr", err, filecap.XattrName)
	}
	if f.HasCaps {
		kernel, err := self.ReadKernel()
		if err != nil {
			return next, at.fail("prctl(PR_CAPBSET_READ)", err, "")
		}
		f.Caps = f.Caps.Known(kernel.Bits)
	}
	c.judgeMount(f, p.fd, &p.fs)
	return next, nil
}

// interpreter is what the kernel starts to run p, by the first of its formats that
// takes it: binfmt_misc, "#!", ELF. Empty for p itself.
func (c *chain) interpreter(p *program) (next link, err error) {
	next.of, next.as = p.path, "interpreter"
	registered, readable, err := c.formats.match(p.path, p.head[:headSize])
	if err != nil {
		return next, err
	}
	if registered.Interpreter != "" {
		next.path, next.registered = registered.Interpreter, registered
		return next, nil
	}
	if p.unreadable {
		return next, nil
	}
	next.path, err = parseHead(p.head[:min(p.size, headSize)])
	if err != nil {
		return next, p.fail("execve", err, `its "#!" line names no interpreter, or a longer one than the kernel reads`)
	}
	if next.path != "" {
		return next, nil
	}
	var foreign notNative
	switch err = c.checkELF(p); {
	case errors.As(err, &foreign) && !readable:
		c.file.Foreign = true
		return next, nil
	case errors.As(err, &foreign):
		return next, p.fail("execve", unix.ENOEXEC, string(foreign))
	}
	return next, err
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

// judgeMount checks whether the privileges of a file, if it has any, count on its
// mount.
func (l Lookup) judgeMount(f *execve.File, fd int, fs *unix.Statfs_t) {
	if !f.Privileged() || f.NoSuid {
		return
	}
	counts := l.processMounts().maySuid(fd, fs)
	f.NoSuid, f.UnsureMount = counts.OK && !counts.Value, !counts.OK
}

// processMounts are the mounts of the process that looks files up.
func (l Lookup) processMounts() *mounts {
	if l.mounts != nil {
		return l.mounts
	}
	return ownMounts()
}

// program is an open file of a chain that is a regular one, and executable.
type program struct {
	link
	fd   int
	stat unix.Stat_t
	fs   unix.Statfs_t
	// unreadable is set where this thread may not read the file; fd is then only a
	// place.
	unreadable bool
	// head is the beginning of the file, and zeros; size says how much.
	head [elfHeadSize]byte
	size int
}

// openProgram opens a file that execve has to execute, and reads its beginning.
func (l Lookup) openProgram(at link) (*program, error) {
	p := &program{link: at}
	fd, err := l.OpenFD(at.path, readOnly)
	if err == unix.EACCES {
		p.unreadable = true
		fd, err = l.OpenFD(at.path, unix.O_PATH)
	}
	if l.Chroot && err == unix.ENOSYS {
		return nil, at.fail("open", err, "a look-up in another root needs openat2 (Linux 5.6)")
	} else if err != nil {
		return nil, at.fail("open", err, "")
	}
	p.fd = fd
	if err := p.examine(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return p, nil
}

// examine reads what there is to know of an open file, and refuses what
// do_open_execat (fs/exec.c) does.
func (p *program) examine() error {
	if err := unix.Fstat(p.fd, &p.stat); err != nil {
		return p.fail("fstat", err, "")
	}
	if p.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return p.fail("execve", unix.EACCES, "not a regular file")
	}
	if err := unix.Fstatfs(p.fd, &p.fs); err != nil {
		return p.fail("fstatfs", err, "")
	}
	if p.fs.Flags&unix.ST_NOEXEC != 0 {
		return p.fail("execve", unix.EACCES, "its mount is noexec")
	}
	if p.stat.Mode&0o111 == 0 {
		return p.fail("execve", unix.EACCES, "no execute permission for anyone")
	}
	if p.unreadable {
		return nil
	}
	n, err := unix.Pread(p.fd, p.head[:], 0)
	if err != nil {
		return p.fail("read", err, "")
	}
	p.size = n
	return nil
}
