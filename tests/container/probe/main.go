// Probe tries, inside a container, what findings say can be done to the host, and
// prints the names of what works. Nothing on the host changes but files in the
// directories that the test made for it.
package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// effects are by name; each says whether it works.
var effects = []struct {
	name string
	try  func() bool
}{
	{"disk", disk},
	{"node", node},
	{"tun", func() bool { return opens("/dev/net/tun", unix.O_RDWR) }},
	{"core-pattern", inMounts("proc", sameText, "sys/kernel/core_pattern", "kernel/core_pattern", "core_pattern", "")},
	{"uevent-helper", inMounts("sysfs", openOnly, "kernel/uevent_helper")},
	{"sysfs", inMounts("sysfs", sameText, "kernel/rcu_expedited")},
	{"binfmt", inMounts("binfmt_misc", interpreter, "register")},
	{"tracefs", inMounts("tracefs", openOnly, "kprobe_events", "uprobe_events", "trace_marker", "tracing_on")},
	{"debugfs", inMounts("debugfs", openOnly, "sched/verbose", "sched/features", "clear_warn_once")},
	{"user-namespace", userNamespace},
	{"kexec", func() bool { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 1<<15) == unix.EINVAL }},
	{"bpf", loadsProgram},
	{"profile", profiles},
	{"io-ports", ioPorts},
	{"module", func() bool { return call(unix.SYS_FINIT_MODULE, ^uintptr(0), 0, 0, 0) == unix.EBADF }},
	{"handle", handle},
	{"host-write", hostWrite},
	{"host-shadow", func() bool { _, err := os.ReadFile("/host/etc/shadow"); return err == nil }},
	{"socket", func() bool { return connects("/run/docker.sock") }},
	{"process-files", processFiles},
	{"abstract", func() bool { return connects("@" + os.Getenv("THEIRS")) }},
	{"packets", packets},
	{"audit-log", auditLog},
	{"shared-memory", sharedMemory},
	{"hostname", func() bool {
		name, err := os.Hostname()
		return err == nil && unix.Sethostname([]byte(name)) == nil
	}},
	{"bind-write", func() bool { return unix.Faccessat(unix.AT_FDCWD, "/mnt/dir", unix.W_OK, unix.AT_EACCESS) == nil }},
	{"console", console},
	{"kernel-log", func() bool { return opens("/dev/kmsg", unix.O_WRONLY) }},
	{"terminal", terminal},
	{"log-control", func() bool { _, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_UNREAD, nil); return err == nil }},
	{"clock", clock},
	{"settings-by-mount", settingsByMount},
	{"interfaces", interfaces},
	{"process-root", processRoot},
	{"manager", func() bool { return connects("/mnt/dir/system_bus_socket") && os.Getuid() == 0 }},
	{"disk-after-move", func() bool { return moved() && disk() }}, // last: it stays there
	{"node-after-move", func() bool { return moved() && node() }},
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "write" {
		if os.WriteFile(os.Args[2], nil, 0o600) != nil {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "io-ports" {
		if !ioPorts() {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "full" {
		hdr, data := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
		if unix.Capget(&hdr, &data[0]) != nil || data[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
			os.Exit(1)
		}
		return
	}
	var works []string
	for _, e := range effects {
		if e.try() {
			works = append(works, e.name)
		}
	}
	fmt.Println(strings.Join(works, " "))
}

// call makes a system call that fails in any case; its error shows why.
func call(number, a, b, c, d uintptr) error {
	_, _, errno := unix.Syscall6(number, a, b, c, d, 0, 0)
	return errno
}

func opens(path string, flags int) bool {
	fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// makes makes a node and opens it.
func makes(kind uint32, major, minor uint32, flags int) bool {
	for _, dir := range []string{"/", "/dev/"} {
		path := dir + "node"
		if unix.Mknod(path, kind|0o600, int(unix.Mkdev(major, minor))) == nil {
			defer os.Remove(path)
			return opens(path, flags)
		}
	}
	return false
}

// console opens the host's console, or a node of it that it makes.
func console() bool {
	return opens("/dev/tty0", unix.O_RDWR|unix.O_NOCTTY) || makes(unix.S_IFCHR, 4, 0, unix.O_RDWR|unix.O_NOCTTY)
}

// terminal opens one of the host's terminals, of which the test has made one.
func terminal() bool {
	for _, dir := range []string{"/mnt/dir", "/mnt/dev/pts", "/host/dev/pts"} {
		paths, _ := filepath.Glob(dir + "/[0-9]*")
		if slices.ContainsFunc(paths, func(path string) bool { return opens(path, unix.O_RDWR|unix.O_NOCTTY) }) {
			return true
		}
	}
	return false
}

// disk makes a node of each disk and reads it.
func disk() bool {
	text, _ := os.ReadFile("/proc/partitions")
	for line := range strings.Lines(string(text)) {
		var major, minor, blocks uint32
		var name string
		if n, _ := fmt.Sscan(line, &major, &minor, &blocks, &name); n != 4 {
			continue
		}
		if makes(unix.S_IFBLK, major, minor, unix.O_RDONLY) {
			return true
		}
	}
	return false
}

// node opens a disk that was given as /dev/disk, or that a mount of the host shows.
func node() bool {
	return slices.ContainsFunc([]string{"/dev/disk", "/dev/vda", "/mnt/dev/vda", "/host" + os.Getenv("DISK")}, func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && st.Mode()&os.ModeDevice != 0 && opens(path, unix.O_RDONLY)
	})
}

// mounts are the points of all mounts of a type.
func mounts(kind string) (list []string) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		if strings.HasPrefix(after, kind+" ") {
			list = append(list, strings.Fields(before)[4])
		}
	}
	return list
}

// inMounts writes to a file of a kernel filesystem, in whatever mount.
func inMounts(kind string, write func(path string) bool, files ...string) func() bool {
	return func() bool {
		for _, dir := range mounts(kind) {
			for _, file := range files {
				path := filepath.Join(dir, file)
				if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && (write(path) || owned(path, st, write)) {
					return true
				}
			}
		}
		return false
	}
}

// owned writes to a file as its owner, for the time of one attempt.
func owned(path string, st os.FileInfo, write func(path string) bool) bool {
	if os.Chown(path, os.Getuid(), -1) != nil {
		return false
	}
	ok := write(path)
	os.Chown(path, int(st.Sys().(*syscall.Stat_t).Uid), -1)
	return ok
}

func openOnly(path string) bool { return opens(path, unix.O_WRONLY) }

// sameText writes what the file has.
func sameText(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && os.WriteFile(path, text, 0) == nil
}

// interpreter registers one for files that there are not, and removes it.
func interpreter(path string) bool {
	host, _ := os.Hostname() // the container's id
	name := "capsh-probe-" + host
	if os.WriteFile(path, []byte(":"+name+":M::\\x00"+name+"::/bin/true:"), 0) != nil {
		return false
	}
	entry := filepath.Join(filepath.Dir(path), name)
	os.Chown(entry, os.Getuid(), -1) // it is root's
	return os.WriteFile(entry, []byte("-1"), 0) == nil
}

// userNamespace has a child in a new one see whether it has capabilities there. Without
// SETFCAP root may not map uid 0, but what is ambient stays.
func userNamespace() bool {
	cmd := exec.Command("/proc/self/exe", "full")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	return cmd.Run() == nil
}

// loadsProgram loads a BPF program for a kernel probe that returns 0. With a kernel
// probe and its helpers all of the kernel's memory can be read.
func loadsProgram() bool {
	code := []uint64{0xb7, 0x95} // r0 = 0; exit
	license := []byte("GPL\x00")
	attr := struct {
		kind, count   uint32
		code, license uint64
		rest          [112]byte
	}{kind: 2, count: 2, code: uint64(uintptr(unsafe.Pointer(&code[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0])))}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, 5, uintptr(unsafe.Pointer(&attr)), 48)
	if errno == 0 {
		unix.Close(int(fd))
	}
	return errno == 0 && call(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0) == unix.EFAULT
}

// profiles counts on a processor what all processes there do.
func profiles() bool {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

func ioPorts() bool { return call(unix.SYS_IOPL, 3, 0, 0, 0) == unix.Errno(0) }

// packets opens a socket that sees all of the host's.
func packets() bool {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil && hostNetwork()
}

// hostNetwork looks for a setting that the initial network namespace alone has.
func hostNetwork() bool {
	_, err := os.Stat("/proc/sys/net/core/netdev_budget")
	return err == nil
}

// auditLog joins the group that receives the records, which are sent in the initial
// network namespace.
func auditLog() bool {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return hostNetwork() && unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}) == nil
}

// sharedMemory looks for a segment of root's by its key.
func sharedMemory() bool {
	key, _ := strconv.Atoi(os.Getenv("SEGMENT"))
	id, err := unix.SysvShmGet(key, 0, 0)
	if err != nil {
		return false
	}
	memory, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
	if err == nil {
		unix.SysvShmDetach(memory)
	}
	return err == nil
}

// handle opens the root of the filesystem that /etc/hosts comes from, by its inode.
func handle() bool {
	fd, err := unix.Open("/etc/hosts", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	number := binary.NativeEndian.AppendUint32(nil, 2)
	got, err := unix.OpenByHandleAt(fd, unix.NewFileHandle(1, append(number, 0, 0, 0, 0)), unix.O_RDONLY)
	if err == nil {
		unix.Close(got)
	}
	return err == nil
}

// hostWrite writes a file of the host's root in the directory that is for it.
func hostWrite() bool { return os.WriteFile("/host"+os.Getenv("ROOTS")+"/f", nil, 0o600) == nil }

func connects(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// processFiles looks for a process of the host with uid 4242 and writes, as that user,
// to its directory.
func processFiles() bool {
	for _, dir := range mounts("proc") {
		paths, _ := filepath.Glob(dir + "/[0-9]*")
		for _, path := range paths {
			var st unix.Stat_t
			if unix.Stat(path, &st) != nil || st.Uid != 4242 {
				continue
			}
			cmd := exec.Command("/proc/self/exe", "write", path+"/root"+os.Getenv("THEIRS")+"/f")
			if os.Getuid() != 4242 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}}
			}
			if cmd.Run() == nil {
				return true
			}
		}
	}
	return false
}

// moved moves this process to the cgroup that a writable hierarchy shows at its root.
func moved() (ok bool) {
	for _, dir := range mounts("cgroup") {
		ok = os.WriteFile(dir+"/cgroup.procs", []byte(strconv.Itoa(os.Getpid())), 0) == nil || ok
	}
	return ok
}

// processRoot writes to root's directory through the root of a process of the host.
func processRoot() bool {
	return os.WriteFile("/mnt/dir/root"+os.Getenv("ROOTS")+"/f", nil, 0o600) == nil
}

// clock sets the length of a tick to what it is.
func clock() bool {
	var x unix.Timex
	if _, err := unix.Adjtimex(&x); err != nil {
		return false
	}
	x.Modes = unix.ADJ_TICK
	_, err := unix.Adjtimex(&x)
	return err == nil
}

// settingsByMount mounts a procfs, of which the settings can be written.
func settingsByMount() bool {
	const dir = "/dev/shm"
	if unix.Mount("proc", dir, "proc", 0, "") != nil {
		return false
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	return sameText(dir + "/sys/kernel/core_pattern")
}

// interfaces sets the flags of the host's loopback interface to what they are.
func interfaces() bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	return err == nil && hostNetwork() && unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r) == nil && unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r) == nil
}
