package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// The kernel, its clock, its log, auditing, and the rest of administration.
var kernelProbes = []probe{
	{cap: caps.SysModule, claim: "load a kernel module", name: "load a module", want: unix.ENOEXEC,
		try: func(*stage) error {
			var text [1]byte
			return call(unix.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&text)), 1, cstring(""))
		}},
	{cap: caps.SysModule, claim: "unload", name: "unload a module", want: unix.ENOENT,
		try: func(*stage) error { return call(unix.SYS_DELETE_MODULE, cstring("nosuchmodule"), unix.O_NONBLOCK) }},

	{cap: caps.SysRawio, claim: "mmap_min_addr", name: "map the first page", before: not("vm/mmap_min_addr", "0"),
		try: func(*stage) error {
			const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED
			return call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, flags, ^uintptr(0), 0)
		}},
	{cap: caps.SysRawio, claim: "FIBMAP", name: "block numbers", want: unix.EFAULT, before: mine("f", 0o644),
		try: func(s *stage) error {
			fd, err := unix.Open(s.path("f"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			const fibmap = 1
			return call(unix.SYS_IOCTL, uintptr(fd), fibmap, 0)
		}},

	{cap: caps.SysRawio, claim: "use I/O ports", name: "I/O privilege level",
		try: func(*stage) error {
			if runtime.GOARCH != "amd64" {
				return unix.ENOSYS // x86 alone has iopl(2)
			}
			return call(172, 3)
		}},

	{cap: caps.SysAdmin, claim: "mount, unmount", name: "mount", inside: true, want: unix.ENODEV,
		try: func(*stage) error { return unix.Mount("x", "/", "nosuchfs", 0, "") }},
	{cap: caps.SysAdmin, claim: "root of a mount namespace", name: "pivot_root", inside: true, want: unix.EINVAL,
		// A directory that is no mount; one that is missing is found out first since Linux 7.
		before: func(s *stage) error { return os.Mkdir(s.path("plain"), 0o755) },
		try:    func(s *stage) error { return unix.PivotRoot(s.path("plain"), s.path("plain")) }},
	{cap: caps.SysAdmin, claim: "create namespaces", name: "unshare", inside: true,
		try: func(*stage) error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS) }},
	{cap: caps.SysAdmin, claim: "enter those of others", name: "setns", inside: true,
		try: func(*stage) error {
			fd, err := unix.Open("/proc/thread-self/ns/uts", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return unix.Setns(fd, unix.CLONE_NEWUTS)
		}},
	{cap: caps.SysAdmin, claim: "host name", name: "host name", inside: true, want: unix.EINVAL,
		try: func(*stage) error { return unix.Sethostname(make([]byte, 65)) }},
	{cap: caps.SysAdmin, claim: "domain name", name: "domain name", inside: true, want: unix.EINVAL,
		try: func(*stage) error { return unix.Setdomainname(make([]byte, 65)) }},
	{cap: caps.SysAdmin, claim: "turn swap on and off", name: "swapoff", want: unix.ENOENT,
		try: func(s *stage) error { return call(unix.SYS_SWAPOFF, cstring(s.path("missing"))) }},
	{cap: caps.SysAdmin, claim: "trusted extended attributes", name: "trusted attribute", before: mine("f", 0o644),
		try: func(s *stage) error { return unix.Setxattr(s.path("f"), "trusted.x", []byte("1"), 0) }},
	{cap: caps.SysAdmin, claim: "all that CAP_BPF", name: "create a map", before: bpfRestricted,
		try: func(*stage) error { return createMap(unix.BPF_MAP_TYPE_ARRAY) }},
	{cap: caps.SysAdmin, claim: "list all that is loaded", name: "list programs", want: unix.ENOENT,
		try: func(*stage) error {
			attr := [16]uint32{1<<31 - 2}
			return call(unix.SYS_BPF, unix.BPF_PROG_GET_NEXT_ID, uintptr(unsafe.Pointer(&attr)), 12)
		}},
	{cap: caps.SysAdmin, claim: "install a seccomp filter", name: "seccomp filter", inside: true, denied: unix.EACCES,
		try: func(*stage) error {
			allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000}
			program := unix.SockFprog{Len: 1, Filter: &allow}
			return call(unix.SYS_SECCOMP, 1, 0, uintptr(unsafe.Pointer(&program)))
		}},
	{cap: caps.SysAdmin, claim: "Landlock", name: "Landlock ruleset", inside: true, want: unix.EBADF,
		try: func(*stage) error { return call(unix.SYS_LANDLOCK_RESTRICT_SELF, ^uintptr(0), 0) }},
	{cap: caps.SysAdmin, claim: "fanotify permission events", name: "permission events",
		try: func(*stage) error { return fanotify(unix.FAN_CLASS_CONTENT) }},
	{cap: caps.SysAdmin, claim: "watch whole file systems", name: "watch a file system", before: mine("f", 0o644),
		try: func(s *stage) error {
			fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_FID, unix.O_RDONLY)
			if err != nil {
				return err
			}
			return unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, unix.FAN_OPEN, unix.AT_FDCWD, s.path("f"))
		}},
	{cap: caps.SysAdmin, claim: "page frame numbers", name: "page frames", try: pageFrame},
	{cap: caps.SysAdmin, claim: "/proc/iomem", name: "physical addresses",
		try: func(*stage) error {
			text, err := os.ReadFile("/proc/iomem")
			if err != nil {
				return errnoOf(err)
			}
			if len(text) < 17 {
				return unix.ENOSYS
			}
			if strings.Trim(string(text[:17]), "0-") == "" {
				return unix.EPERM // all addresses are 0
			}
			return nil
		}},
	{cap: caps.SysAdmin, claim: "uprobe events", name: "a uprobe event", denied: unix.EACCES, want: unix.EINVAL,
		try: func(*stage) error {
			text, err := os.ReadFile("/sys/bus/event_source/devices/uprobe/type")
			if err != nil {
				return unix.ENOSYS
			}
			kind, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				return err
			}
			return perfEvent(unix.PerfEventAttr{Type: uint32(kind)}, -1, 0) // of no file
		}},
	{cap: caps.SysAdmin, claim: "/proc/PID/stack", name: "kernel stack", denied: unix.EACCES,
		try: func(*stage) error {
			_, err := os.ReadFile("/proc/thread-self/stack")
			if errors.Is(err, os.ErrNotExist) {
				return unix.ENOSYS
			}
			return errnoOf(err)
		}},
	{cap: caps.SysAdmin, claim: "System V IPC object", name: "remove another's segment", inside: true, before: foreignSegment,
		try: func(s *stage) error {
			_, err := unix.SysvShmCtl(s.fd, unix.IPC_RMID, nil)
			return err
		}},
	{cap: caps.SysAdmin, claim: "owners and modes of keys", name: "give a key away", denied: unix.EACCES,
		try: func(*stage) error {
			key, err := unix.AddKey("user", "probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
			if err != nil {
				return err
			}
			return call(unix.SYS_KEYCTL, unix.KEYCTL_CHOWN, uintptr(key), another, ^uintptr(0))
		}},
	{cap: caps.SysAdmin, claim: "terminal's input", name: "push characters", before: sysctl("dev/tty/legacy_tiocsti", "1"), try: pushCharacter},
	{cap: caps.SysAdmin, claim: "any process id in credentials", name: "credentials", needs: aPeer | aPIDNS, inside: true,
		try: func(s *stage) error { return sendCredentials(s.peer, prober, prober) }},
	{cap: caps.SysAdmin, claim: "real-time I/O priority", name: "real-time I/O priority",
		try: func(*stage) error { return setIOPriority(0, 1) }},

	{cap: caps.SysBoot, claim: "restart, halt", name: "reboot", want: unix.EINVAL, try: reboot},
	{cap: caps.SysBoot, claim: "end that namespace", name: "reboot a PID namespace", needs: aPIDNS, inside: true, want: unix.EINVAL, try: reboot},
	{cap: caps.SysBoot, claim: "load a kernel", name: "kexec", want: unix.EINVAL,
		try: func(*stage) error { return call(unix.SYS_KEXEC_LOAD, 0, 17, 0, 0) }},

	{cap: caps.SysTime, claim: "set the system clock", name: "set the time zone", want: unix.EINVAL,
		try: func(*stage) error {
			zone := [2]int32{100000} // minutes west of Greenwich: out of range
			return call(unix.SYS_SETTIMEOFDAY, 0, uintptr(unsafe.Pointer(&zone)))
		}},
	{cap: caps.SysTime, claim: "system clock's rate", name: "adjust the rate", want: unix.EINVAL,
		try: func(*stage) error {
			_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_TICK}) // a tick of 0
			return err
		}},
	{cap: caps.SysTime, claim: "time namespace", name: "time namespace", inside: true,
		before: func(*stage) error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWTIME) },
		try: func(*stage) error {
			return write(fmt.Sprintf("/proc/%d/timens_offsets", unix.Gettid()), "monotonic 1 0")
		}},

	{cap: caps.SysTTYConfig, claim: "hang up", name: "hang up", try: func(*stage) error { return call(unix.SYS_VHANGUP) }},

	{cap: caps.WakeAlarm, claim: "create timers", name: "timer descriptor",
		try: func(*stage) error {
			_, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME_ALARM, 0)
			return err
		}},
	{cap: caps.BlockSuspend, claim: "EPOLLWAKEUP", name: "epoll", try: epollWakeup},

	{cap: caps.Syslog, claim: "read the kernel log", name: "read the log", before: sysctl("kernel/dmesg_restrict", "1"),
		try: func(*stage) error {
			const sizeBuffer = 10
			return call(unix.SYS_SYSLOG, sizeBuffer, 0, 0)
		}},
	{cap: caps.Syslog, claim: "which messages reach the console", name: "console level", want: unix.EINVAL,
		try: func(*stage) error {
			const consoleLevel = 8
			return call(unix.SYS_SYSLOG, consoleLevel, 0, 0)
		}},
	{cap: caps.Syslog, claim: "kernel addresses", name: "addresses with kptr_restrict 0",
		before: func(s *stage) error { return errors.Join(sysctl("kernel/kptr_restrict", "0")(s), perfRestricted(s)) },
		try: func(*stage) error {
			fd, err := unix.Open("/proc/kallsyms", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			text := make([]byte, 4096)
			n, err := unix.Read(fd, text)
			if err != nil {
				return err
			}
			for line := range bytes.Lines(text[:n]) {
				if len(line) > 16 && string(line[:16]) != "0000000000000000" {
					return nil
				}
			}
			return unix.EPERM
		}},

	{cap: caps.AuditWrite, claim: "user messages", name: "user message", want: unix.EINVAL, refused: unix.ECONNREFUSED,
		try: func(*stage) error { return auditMessage(1107) }}, // AUDIT_USER_AVC, empty: refused after the check
	{cap: caps.AuditWrite, claim: "FAN_ENABLE_AUDIT", name: "audited fanotify", with: caps.SysAdmin.Set(),
		try: func(*stage) error { return fanotify(unix.FAN_CLASS_CONTENT | unix.FAN_ENABLE_AUDIT) }},
	{cap: caps.AuditControl, claim: "read and change its rules", name: "read the status", refused: unix.ECONNREFUSED,
		try: func(*stage) error { return auditMessage(1000) }}, // AUDIT_GET
	{cap: caps.AuditControl, claim: "login uid", name: "change the login uid",
		before: func(*stage) error { return write("/proc/thread-self/loginuid", "5") },
		try:    func(*stage) error { return write("/proc/thread-self/loginuid", "6") }},
	{cap: caps.AuditRead, claim: "receive audit records", name: "join the group",
		try: func(*stage) error {
			fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)
			if err != nil {
				return err
			}
			return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1})
		}},
}

// reboot asks for it with wrong magic numbers, which are looked at after the
// capability.
func reboot(*stage) error { return call(unix.SYS_REBOOT, 0, 0, 0, 0) }

func fanotify(flags uint) error {
	_, err := unix.FanotifyInit(flags, unix.O_RDONLY)
	return err
}

func auditMessage(kind uint16) error { return netlink(unix.NETLINK_AUDIT, kind, nil) }

// pushCharacter writes into the input of a terminal of its own that is not its
// controlling one.
func pushCharacter(*stage) error {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	const unlock, peer = 0x40045431, 0x5441 // TIOCSPTLCK, TIOCGPTPEER
	if err := unix.IoctlSetPointerInt(master, unlock, 0); err != nil {
		return err
	}
	terminal, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(master), peer, unix.O_RDWR|unix.O_NOCTTY)
	if e != 0 {
		return e
	}
	character := byte('x')
	return call(unix.SYS_IOCTL, terminal, unix.TIOCSTI, uintptr(unsafe.Pointer(&character)))
}

// pageFrame answers EPERM where a page's frame number is hidden.
func pageFrame(*stage) error {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return err
	}
	fd, err := unix.Open("/proc/thread-self/pagemap", unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	var entry [8]byte
	if _, err := unix.Pread(fd, entry[:], int64(uintptr(unsafe.Pointer(&page[0]))/4096*8)); err != nil {
		return err
	}
	if binary.NativeEndian.Uint64(entry[:])&(1<<55-1) == 0 {
		return unix.EPERM
	}
	return nil
}

// epollWakeup answers EPERM where the kernel silently took EPOLLWAKEUP away, as
// it also does where it cannot suspend.
func epollWakeup(*stage) error {
	if _, err := os.Stat("/sys/power/wakeup_count"); err != nil {
		return unix.ENOSYS
	}
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return err
	}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, pipe[0], &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLWAKEUP, Fd: int32(pipe[0])}); err != nil {
		return err
	}
	text, err := os.ReadFile(fmt.Sprint("/proc/thread-self/fdinfo/", ep))
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte("events: 2000")) {
		return unix.EPERM
	}
	return nil
}
