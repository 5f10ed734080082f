package kernel

import (
	"errors"
	"os"
	"unsafe"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// Files: what another user owns is 0600, in a directory of root's.
var fileProbes = []probe{
	{cap: caps.Chown, claim: "change the owner", name: "take a file", inside: true, before: foreign("f", 0o600),
		try: func(s *stage) error { return unix.Chown(s.path("f"), prober, prober) }},
	{cap: caps.Chown, claim: "change the group", name: "give a file to a group", inside: true, before: mine("f", 0o600),
		try: func(s *stage) error { return unix.Chown(s.path("f"), -1, another) }},

	{cap: caps.DACOverride, claim: "read and write any file", name: "write a file", inside: true, denied: unix.EACCES, before: foreign("f", 0o600),
		try: func(s *stage) error { return openOnly(s.path("f"), unix.O_RDWR) }},
	{cap: caps.DACOverride, claim: "change any directory", name: "create in a directory", inside: true, denied: unix.EACCES,
		try: func(s *stage) error { return openOnly(s.path("new"), unix.O_CREAT|unix.O_RDWR) }},
	{cap: caps.DACOverride, claim: "execute a file", name: "execute a file", inside: true, denied: unix.EACCES, before: foreign("f", 0o100),
		try: func(s *stage) error {
			return unix.Faccessat2(unix.AT_FDCWD, s.path("f"), unix.X_OK, unix.AT_EACCESS)
		}},

	{cap: caps.DACReadSearch, claim: "read any file", name: "read a file", inside: true, denied: unix.EACCES, before: foreign("f", 0o600),
		try: func(s *stage) error { return openOnly(s.path("f"), unix.O_RDONLY) }},
	{cap: caps.DACReadSearch, claim: "list any directory", name: "open a directory", inside: true, denied: unix.EACCES, before: locked,
		try: func(s *stage) error { return openOnly(s.path("locked"), unix.O_RDONLY|unix.O_DIRECTORY) }},
	{cap: caps.DACReadSearch, claim: "pass through any directory", name: "pass a directory", inside: true, denied: unix.EACCES, before: locked,
		try: func(s *stage) error {
			var st unix.Stat_t
			return unix.Stat(s.path("locked/f"), &st)
		}},
	{cap: caps.DACReadSearch, claim: "by its handle", name: "open by handle", before: foreign("f", 0o644),
		try: func(s *stage) error {
			handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, s.path("f"), 0)
			if err != nil {
				return err
			}
			at, err := unix.Open(s.dir, unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.OpenByHandleAt(at, handle, unix.O_RDONLY)
			return err
		}},
	{cap: caps.DACReadSearch, claim: "link an open file", name: "link an open file", denied: unix.ENOENT, inside: true,
		with:   caps.DACOverride.Set(), // to write the directory
		before: opened("f", 0o666, unix.O_RDWR),
		try: func(s *stage) error {
			return unix.Linkat(s.fd, "", unix.AT_FDCWD, s.path("link"), unix.AT_EMPTY_PATH)
		}},

	{cap: caps.Fowner, claim: "change the mode", name: "chmod", inside: true, before: foreign("f", 0o644),
		try: func(s *stage) error { return unix.Chmod(s.path("f"), 0o666) }},
	{cap: caps.Fowner, claim: "set the times", name: "set times", inside: true, before: foreign("f", 0o644),
		try: func(s *stage) error {
			return unix.UtimesNanoAt(unix.AT_FDCWD, s.path("f"), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0)
		}},
	{cap: caps.Fowner, claim: "set inode flags", name: "set the nodump flag", inside: true, before: foreign("f", 0o644),
		try: func(s *stage) error { return addFlag(s.path("f"), 0x40) }},
	{cap: caps.Fowner, claim: "sticky directories such as /tmp", name: "delete in a sticky directory", inside: true, before: sticky,
		try: func(s *stage) error { return unix.Unlink(s.path("sticky/f")) }},
	{cap: caps.Fowner, claim: "extended attributes", name: "set an attribute of a sticky directory", inside: true, before: sticky,
		try: func(s *stage) error { return unix.Setxattr(s.path("sticky"), "user.x", []byte("1"), 0) }},
	{cap: caps.Fowner, claim: "O_NOATIME", name: "open with O_NOATIME", inside: true, before: foreign("f", 0o644),
		try: func(s *stage) error { return openOnly(s.path("f"), unix.O_RDONLY|unix.O_NOATIME) }},
	{cap: caps.Fowner, claim: "protected_hardlinks", name: "make a hard link", inside: true,
		before: func(s *stage) error {
			return errors.Join(sysctl("fs/protected_hardlinks", "1")(s), sticky(s), foreign("f", 0o600)(s))
		},
		try: func(s *stage) error { return unix.Link(s.path("f"), s.path("sticky/link")) }},

	{cap: caps.Fsetid, claim: "without the bit being cleared", name: "write to a setuid file", before: mine("f", 0o4755),
		try: func(s *stage) error {
			fd, err := unix.Open(s.path("f"), unix.O_WRONLY, 0)
			if err != nil {
				return err
			}
			if _, err := unix.Write(fd, []byte("x")); err != nil {
				return err
			}
			return hasBit(s.path("f"), unix.S_ISUID)
		}},
	{cap: caps.Fsetid, claim: "set the setgid bit", name: "set the setgid bit", inside: true, before: owned("f", 0o755, prober, another),
		try: func(s *stage) error {
			if err := unix.Chmod(s.path("f"), 0o2755); err != nil {
				return err
			}
			return hasBit(s.path("f"), unix.S_ISGID)
		}},

	{cap: caps.LinuxImmutable, claim: "immutable flag", name: "set the immutable flag", before: mine("f", 0o644),
		try: func(s *stage) error { return addFlag(s.path("f"), 0x10) }},
	{cap: caps.LinuxImmutable, claim: "append-only flag", name: "set the append-only flag", before: mine("f", 0o644),
		try: func(s *stage) error { return addFlag(s.path("f"), 0x20) }},

	{cap: caps.Mknod, claim: "character device", name: "character device", before: sticky,
		try: func(s *stage) error {
			return unix.Mknod(s.path("sticky/null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
		}},
	{cap: caps.Mknod, claim: "block", name: "block device", before: sticky,
		try: func(s *stage) error {
			return unix.Mknod(s.path("sticky/disk"), unix.S_IFBLK|0o600, int(unix.Mkdev(7, 0)))
		}},

	{cap: caps.Lease, claim: "take a lease", name: "take a lease", denied: unix.EACCES, before: foreign("f", 0o644),
		try: func(s *stage) error {
			fd, err := unix.Open(s.path("f"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
			return err
		}},

	{cap: caps.Setfcap, claim: "capabilities of any file", name: "set those of an own file", inside: true, before: mine("f", 0o755),
		try: func(s *stage) error { return setFileCaps(s.path("f")) }},
	{cap: caps.Setfcap, claim: "of another owner's", name: "set those of another's file", inside: true, before: foreign("f", 0o755),
		try: func(s *stage) error { return setFileCaps(s.path("f")) }},
}

// owned makes a file.
func owned(name string, mode uint32, uid, gid int) func(*stage) error {
	return func(s *stage) error {
		if err := os.WriteFile(s.path(name), []byte("text"), 0o600); err != nil {
			return err
		}
		return errors.Join(unix.Chown(s.path(name), uid, gid), unix.Chmod(s.path(name), mode))
	}
}

func mine(name string, mode uint32) func(*stage) error    { return owned(name, mode, prober, prober) }
func foreign(name string, mode uint32) func(*stage) error { return owned(name, mode, another, another) }

// opened makes another's file and opens it as root.
func opened(name string, mode uint32, flags int) func(*stage) error {
	return func(s *stage) (err error) {
		if err = foreign(name, mode)(s); err == nil {
			s.fd, err = unix.Open(s.path(name), flags, 0)
		}
		return err
	}
}

// locked makes a directory that only its owner may use, with a file.
func locked(s *stage) error {
	return errors.Join(unix.Mkdir(s.path("locked"), 0o700), foreign("locked/f", 0o644)(s), unix.Chown(s.path("locked"), another, another))
}

// sticky makes a directory like /tmp with another's file.
func sticky(s *stage) error {
	return errors.Join(unix.Mkdir(s.path("sticky"), 0o777), unix.Chmod(s.path("sticky"), 0o1777), foreign("sticky/f", 0o600)(s))
}

func openOnly(path string, flags int) error {
	_, err := unix.Open(path, flags, 0o600)
	return err
}

// hasBit answers EPERM for a bit that the kernel silently cleared.
func hasBit(path string, bit uint32) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	if st.Mode&bit == 0 {
		return unix.EPERM
	}
	return nil
}

// addFlag sets an inode flag (ioctl_iflags(2)) and clears it again.
func addFlag(path string, flag uint32) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	set := func(v uint32) error { return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(v)) }
	if err := set(flags | flag); err != nil {
		return err
	}
	return set(flags)
}

func setFileCaps(path string) error {
	value := [20]byte{3: 2, 4: 1} // version 2, CAP_CHOWN permitted
	return call(unix.SYS_SETXATTR, cstring(path), cstring("security.capability"), uintptr(unsafe.Pointer(&value)), 20, 0)
}

// cstring is the address of a text that ends with a NUL.
func cstring(text string) uintptr {
	p, err := unix.BytePtrFromString(text)
	if err != nil {
		panic(err)
	}
	kept = append(kept, p)
	return uintptr(unsafe.Pointer(p))
}

// kept has what only an address points to.
var kept []*byte
