package bpfiter

import (
	"capsh/internal/linux/procfs"

	"golang.org/x/sys/unix"
)

// withKernelTypes has the kernel's BTF for as long as use runs, in memory that goes
// back to the kernel at once.
func withKernelTypes(use func([]byte)) {
	fd, err := unix.Open("/sys/kernel/btf/vmlinux", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	// Only the kernel's word counts, not that of a file that is mounted there.
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != unix.SYSFS_MAGIC ||
		unix.Fstat(fd, &st) != nil || st.Size <= 0 || st.Size > maxTypes {
		return
	}
	data, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil { // before Linux 6.16
		data, err = copyFile(fd, int(st.Size))
	}
	if err == nil {
		use(data)
		unix.Munmap(data)
	}
}

// maxTypes is more than any kernel's types have.
const maxTypes = 64 << 20

// copyFile reads a file of that size into memory that [unix.Munmap] gives back. It
// costs more than to map it: the kernel gives 4 KB a call.
func copyFile(fd, size int) ([]byte, error) {
	// The room behind the end is to see it in.
	data, err := unix.Mmap(-1, 0, size+1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	text, err := procfs.ReadAll(fd, data[:0], false)
	if err == nil && len(text) != size {
		err = unix.EIO
	}
	if err != nil {
		unix.Munmap(data)
		return nil, err
	}
	return data[:size], nil
}
