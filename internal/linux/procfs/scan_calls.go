package procfs

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of a scan. They go past the scheduler (RawSyscall) and take paths
// that end in NUL already: with 5,000 processes both count. None of them waits
// for anything in a procfs.

func (r *Reader) open(dir, id int, file string, flags int) (fd int, err unix.Errno) {
	r.appendPath(id, file)
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK
	n, _, err := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&r.path[0])), uintptr(flags), 0, 0, 0)
	return int(n), err
}

func closeFD(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// read reads a file that the kernel makes up at the first read; the text is
// valid until the next.
func (r *Reader) read(dir, id int, file string) ([]byte, unix.Errno) {
	fd, err := r.open(dir, id, file, 0)
	if err != 0 {
		return nil, err
	}
	defer closeFD(fd)
	r.text = r.text[:0]
	for {
		if len(r.text) == cap(r.text) {
			r.text = slices.Grow(r.text, len(r.text))
		}
		room := r.text[len(r.text):cap(r.text)]
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&room[0])), uintptr(len(room)))
		if err != 0 {
			return nil, err
		}
		r.text = r.text[:len(r.text)+int(n)]
		if n == 0 || len(r.text) < cap(r.text) {
			return r.text, 0
		}
	}
}

func (r *Reader) readlink(dir, id int, file string, buf []byte) (n int, err unix.Errno) {
	r.appendPath(id, file)
	size, _, err := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&r.path[0])),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	return int(size), err
}

func holdsNothing(tid int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(tid)}
	var d [2]unix.CapUserData
	_, _, err := unix.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&d[0])), 0)
	return err == 0 && d == [2]unix.CapUserData{}
}
