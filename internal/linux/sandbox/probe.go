package sandbox

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Probe tries, as this process, what cannot be read: whether devices that are there can
// be opened, whether a node of a disk can be made and opened, whether the seccomp filter
// stops some system calls, and whether the kernel is locked down. Each attempt changes
// nothing: files are opened and closed, the node is removed, the calls have arguments
// that the kernel refuses.
func Probe(f *container.Facts) {
	f.Opened = map[string]bool{}
	for _, d := range f.Devices.Value {
		if d.ToProbe() {
			f.Opened[d.Path] = opens(d.Path, unix.O_RDONLY)
		}
	}
	has := f.Process.Effective
	if has.Has(caps.Mknod) {
		f.MadeDisk = makesDisk(f)
	}
	f.Permits = map[container.Syscall]bool{}
	for _, c := range [...]struct {
		name   container.Syscall
		needs  caps.Cap
		number uintptr
		args   [4]uintptr
	}{
		// The kernel looks at the capability first and then finds: flags that there are
		// not, no such command, no such flags, no handle, no such descriptor.
		{container.KexecLoad, caps.SysBoot, unix.SYS_KEXEC_LOAD, [4]uintptr{0, 0, 0, 1 << 15}},
		{container.BPF, caps.BPF, unix.SYS_BPF, [4]uintptr{1 << 20, 0, 0, 0}},
		{container.PerfEventOpen, caps.Perfmon, unix.SYS_PERF_EVENT_OPEN, [4]uintptr{0, 0, 0, 0}},
		{container.OpenByHandleAt, caps.DACReadSearch, unix.SYS_OPEN_BY_HANDLE_AT, [4]uintptr{unix.O_RDONLY, 0, 0, 0}},
		{container.InitModule, caps.SysModule, unix.SYS_FINIT_MODULE, [4]uintptr{^uintptr(0), 0, 0, 0}},
		{container.IOPL, caps.SysRawio, ioplNumber(), [4]uintptr{4}}, // no such level
		// Here a flag that there is not is what the kernel looks at first (check_unshare_flags).
		{container.Unshare, noCap, unix.SYS_UNSHARE, [4]uintptr{unix.CLONE_NEWUSER | 1}},
	} {
		if c.needs == noCap || has.Has(c.needs) {
			_, _, errno := unix.Syscall6(c.number, c.args[0], c.args[1], c.args[2], c.args[3], 0, 0)
			f.Permits[c.name] = errno != unix.EPERM && errno != unix.ENOSYS && errno != unix.EACCES
		}
	}
	probeLockdown(f)
}

// noCap is of a system call that takes no capability.
const noCap = caps.Cap(caps.MaxBits)

// opens reports whether a file can be opened. It waits for no other side of a FIFO and
// no disk.
func opens(path string, flags int) bool {
	fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// makesDisk makes a node of each of the host's disks, opens and removes it; unknown
// where no directory takes one.
func makesDisk(f *container.Facts) (made cred.Known[bool]) {
	name := "/.capsh-probe-" + strconv.Itoa(unix.Getpid())
	for _, dir := range [...]string{"/dev", "", "/run", "/tmp", "/var/tmp"} {
		if m, ok := f.Mounts.Value.At(dir + "/"); !ok || m.NoDev {
			continue
		}
		for _, disk := range f.Disks.Value {
			path := dir + name
			if f.Given(disk) {
				continue // findings of devices speak of it
			}
			if unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(disk.Major, disk.Minor))) != nil {
				continue
			}
			made.OK = true
			made.Value = opens(path, unix.O_RDONLY) || made.Value
			unix.Unlink(path)
		}
		if made.OK {
			break
		}
	}
	return made
}

// probeLockdown opens a file of debugfs to read that a kernel which is locked down
// refuses to open because it may be written (debugfs_locked_down, fs/debugfs/file.c).
func probeLockdown(f *container.Facts) {
	for _, m := range f.Mounts.Value.Visible() {
		if m.Type != "debugfs" || m.Root != "/" || f.LockedDown.OK {
			continue
		}
		fd, err := unix.Open(strings.TrimSuffix(m.Point, "/")+"/fault_around_bytes", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			unix.Close(fd)
			f.LockedDown = cred.Is(false)
		case err == unix.EPERM:
			f.LockedDown = cred.Is(true)
		}
	}
}
