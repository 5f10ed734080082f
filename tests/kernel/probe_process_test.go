package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// Processes, their memory and their limits.
var processProbes = []probe{
	{cap: caps.Kill, claim: "send any signal", name: "signal another's process", needs: aPeer, inside: true,
		try: func(s *stage) error { return unix.Kill(s.peer, 0) }},
	{cap: caps.Kill, claim: "send any signal", name: "signal a process outside",
		try: func(*stage) error { return unix.Kill(unix.Getppid(), 0) }},

	{cap: caps.IPCLock, claim: "RLIMIT_MEMLOCK", name: "lock memory", before: noLockedMemory,
		try: func(*stage) error { return unix.Mlock(make([]byte, 4096)) }},
	{cap: caps.IPCLock, claim: "System V shared memory segment", name: "lock another's segment", inside: true, before: foreignSegment,
		try: func(s *stage) error { return call(unix.SYS_SHMCTL, uintptr(s.fd), shmLock, 0) }},
	{cap: caps.IPCOwner, claim: "read and write any System V", name: "attach another's segment", inside: true, denied: unix.EACCES, before: foreignSegment,
		try: func(s *stage) error { return call(unix.SYS_SHMAT, uintptr(s.fd), 0, 0) }},
	{cap: caps.IPCOwner, claim: "semaphore set", name: "read another's semaphore", inside: true, denied: unix.EACCES,
		before: func(s *stage) error {
			id, _, e := unix.RawSyscall(unix.SYS_SEMGET, unix.IPC_PRIVATE, 1, 0o600)
			s.fd = int(id)
			if e != 0 {
				return e
			}
			return nil
		},
		try: func(s *stage) error {
			const getval = 12
			err := call(unix.SYS_SEMCTL, uintptr(s.fd), 0, getval, 0)
			return err
		}},

	{cap: caps.SysPtrace, claim: "trace any process", name: "trace another's process", needs: aPeer, inside: true,
		try: func(s *stage) error { return call(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(s.peer), 0, 0) }},
	{cap: caps.SysPtrace, claim: "memory of any process", name: "read memory", needs: aPeer, inside: true, want: unix.EFAULT,
		try: func(s *stage) error {
			_, err := unix.ProcessVMReadv(s.peer, iovec(), []unix.RemoteIovec{{Base: 1, Len: 1}}, 0)
			return err
		}},
	{cap: caps.SysPtrace, claim: "memory of any process", name: "write memory", needs: aPeer, inside: true, want: unix.EFAULT,
		try: func(s *stage) error {
			_, err := unix.ProcessVMWritev(s.peer, iovec(), []unix.RemoteIovec{{Base: 1, Len: 1}}, 0)
			return err
		}},
	{cap: caps.SysPtrace, claim: "links of any process", name: "follow the exe link", needs: aPeer, inside: true, denied: unix.EACCES,
		try: func(s *stage) error {
			_, err := unix.Readlink(s.proc("exe"), make([]byte, 100))
			return err
		}},
	{cap: caps.SysPtrace, claim: "environment", name: "read the memory map", needs: aPeer, inside: true, denied: unix.EACCES,
		with: caps.DACReadSearch.Set(), // the file itself is its owner's
		try:  func(s *stage) error { return openOnly(s.proc("environ"), unix.O_RDONLY) }},
	{cap: caps.SysPtrace, claim: "pidfd_getfd", name: "copy an open file", needs: aPeer, inside: true,
		try: func(s *stage) error {
			fd, err := unix.PidfdOpen(s.peer, 0)
			if err != nil {
				return err
			}
			return call(unix.SYS_PIDFD_GETFD, uintptr(fd), 1, 0)
		}},
	{cap: caps.SysPtrace, claim: "kcmp", name: "compare processes", needs: aPeer, inside: true,
		try: func(s *stage) error {
			const vm = 1
			_, _, e := unix.RawSyscall6(unix.SYS_KCMP, uintptr(unix.Getpid()), uintptr(s.peer), vm, 0, 0, 0)
			if e != 0 {
				return e
			}
			return nil
		}},
	{cap: caps.SysPtrace, claim: "robust futex", name: "read a robust list", needs: aPeer, inside: true,
		try: func(s *stage) error {
			var head, size uintptr
			return call(unix.SYS_GET_ROBUST_LIST, uintptr(s.peer), uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&size)))
		}},
	{cap: caps.SysPtrace, claim: "page faults of the kernel", name: "userfaultfd", before: sysctl("vm/unprivileged_userfaultfd", "0"),
		try: func(*stage) error { return call(unix.SYS_USERFAULTFD, 0) }},

	{cap: caps.SysPacct, claim: "record of ended processes", name: "accounting", want: unix.ENOENT,
		try: func(s *stage) error { return call(unix.SYS_ACCT, cstring(s.path("missing"))) }},

	{cap: caps.SysNice, claim: "lower its nice value", name: "lower nice", denied: unix.EACCES,
		try: func(*stage) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -1) }},
	{cap: caps.SysNice, claim: "change the nice value", name: "change another's nice", needs: aPeer, inside: true,
		try: func(s *stage) error { return unix.Setpriority(unix.PRIO_PROCESS, s.peer, 19) }},
	{cap: caps.SysNice, claim: "CPU affinity of any process", name: "change another's affinity", needs: aPeer, inside: true,
		try: func(s *stage) error {
			var set unix.CPUSet
			if err := unix.SchedGetaffinity(0, &set); err != nil {
				return err
			}
			return unix.SchedSetaffinity(s.peer, &set)
		}},
	{cap: caps.SysNice, claim: "real-time", name: "real-time scheduling",
		try: func(*stage) error {
			priority := int32(1)
			return call(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_FIFO, uintptr(unsafe.Pointer(&priority)))
		}},
	{cap: caps.SysNice, claim: "I/O priority of any process", name: "change another's I/O priority", needs: aPeer,
		try: func(s *stage) error { return setIOPriority(s.peer, 2) }},
	{cap: caps.SysNice, claim: "real-time I/O priority", name: "real-time I/O priority",
		try: func(*stage) error { return setIOPriority(0, 1) }},
	{cap: caps.SysNice, claim: "memory advice", name: "process_madvise", needs: aPeer, with: caps.SysPtrace.Set(), want: unix.ENOMEM,
		try: func(s *stage) error {
			fd, err := unix.PidfdOpen(s.peer, 0)
			if err != nil {
				return err
			}
			at := [2]uintptr{4096, 4096} // a page that nothing maps
			return call(unix.SYS_PROCESS_MADVISE, uintptr(fd), uintptr(unsafe.Pointer(&at)), 1, unix.MADV_COLD, 0)
		}},
	{cap: caps.SysNice, claim: "timer slack", name: "timer slack", needs: aPeer, inside: true,
		with: caps.DACOverride.Set(), // the file itself is its owner's
		try:  func(s *stage) error { return write(s.proc("timerslack_ns"), "50000") }},

	{cap: caps.SysResource, claim: "raise hard resource limits", name: "raise a hard limit", before: noLockedMemory,
		try: func(*stage) error { return setLimit(0, unix.RLIMIT_MEMLOCK, 4096) }},
	{cap: caps.SysResource, claim: "limits of other users", name: "set another's limit", needs: aPeer, inside: true,
		try: func(s *stage) error { return setLimit(s.peer, unix.RLIMIT_CORE, 0) }},
	{cap: caps.SysResource, claim: "pipe sizes", name: "enlarge a pipe", before: sysctl("fs/pipe-max-size", "1048576"),
		try: func(*stage) error {
			var pipe [2]int
			if err := unix.Pipe(pipe[:]); err != nil {
				return err
			}
			_, err := unix.FcntlInt(uintptr(pipe[0]), unix.F_SETPIPE_SZ, 2<<20)
			return err
		}},
	{cap: caps.SysResource, claim: "oom_score_adj", name: "lower oom_score_adj", denied: unix.EACCES,
		try: func(*stage) error { return write("/proc/thread-self/oom_score_adj", "-1") }},
	{cap: caps.SysResource, claim: "PR_SET_MM", name: "set the brk", want: unix.EINVAL,
		try: func(*stage) error { return unix.Prctl(unix.PR_SET_MM, unix.PR_SET_MM_BRK, 1, 0, 0) }},
	{cap: caps.SysResource, claim: "pressure stall", name: "a pressure stall trigger", inside: true, denied: unix.EINVAL,
		try: func(*stage) error {
			err := write("/proc/pressure/cpu", "some 150000 1000000\x00") // a window of 1 s, no multiple of 2 s
			if err == unix.ENOENT || err == unix.EACCES {                 // before Linux 6.4 nobody else may write
				return unix.ENOSYS
			}
			return err
		}},
	{cap: caps.SysResource, claim: "/proc/sys/user", name: "limits on namespaces", inside: true, denied: unix.EACCES,
		try: func(*stage) error { return openOnly("/proc/sys/user/max_mnt_namespaces", unix.O_WRONLY) }},
	{cap: caps.SysResource, claim: "PR_SET_IO_FLUSHER", name: "I/O flusher",
		try: func(*stage) error { return unix.Prctl(unix.PR_SET_IO_FLUSHER, 1, 0, 0, 0) }},

	{cap: caps.CheckpointRestore, claim: "choose the process id", name: "choose a pid", needs: aPIDNS, inside: true, want: unix.EEXIST,
		try: choosePID},
	{cap: caps.CheckpointRestore, claim: "map_files", name: "open a mapped file",
		try: func(*stage) error {
			list, err := os.ReadDir("/proc/thread-self/map_files")
			if err != nil {
				list, err = os.ReadDir(fmt.Sprintf("/proc/%d/map_files", unix.Getpid()))
			}
			if err != nil {
				return errnoOf(err)
			}
			return openOnly(fmt.Sprintf("/proc/%d/map_files/%s", unix.Getpid(), list[0].Name()), unix.O_RDONLY)
		}},

	{cap: caps.CheckpointRestore, claim: "next System V IPC id", name: "choose an IPC id", inside: true, denied: unix.EACCES,
		try: func(*stage) error { return openOnly("/proc/sys/kernel/sem_next_id", unix.O_WRONLY) }},

	{cap: caps.Perfmon, claim: "perf_event_open(2) on the kernel", name: "watch the kernel", denied: unix.EACCES, before: perfRestricted,
		try: func(*stage) error { return perf(0, -1) }},
	{cap: caps.Perfmon, claim: "any process", name: "watch a processor", denied: unix.EACCES, before: perfRestricted,
		try: func(*stage) error { return perf(-1, 0) }},
	{cap: caps.Perfmon, claim: "any process", name: "watch another's process", needs: aPeer, denied: unix.EACCES, before: perfRestricted,
		try: func(s *stage) error { return perf(s.peer, -1) }},
	{cap: caps.Perfmon, claim: "BPF programs for tracing", name: "load a tracing program", with: caps.BPF.Set(),
		try: func(*stage) error { return loadProgram(unix.BPF_PROG_TYPE_KPROBE) }},

	{cap: caps.BPF, claim: "create BPF maps", name: "create a map", before: bpfRestricted,
		try: func(*stage) error { return createMap(unix.BPF_MAP_TYPE_ARRAY) }},
	{cap: caps.BPF, claim: "BTF", name: "load BTF", want: unix.EINVAL, before: bpfRestricted,
		try: func(*stage) error {
			var attr [128]byte
			return call(unix.SYS_BPF, unix.BPF_BTF_LOAD, uintptr(unsafe.Pointer(&attr)), 40)
		}},
	{cap: caps.BPF, claim: "socket filters", name: "load a socket filter", before: bpfRestricted,
		try: func(*stage) error { return loadProgram(unix.BPF_PROG_TYPE_SOCKET_FILTER) }},
	{cap: caps.BPF, claim: "together with CAP_PERFMON", name: "load a tracing program", with: caps.Perfmon.Set(),
		try: func(*stage) error { return loadProgram(unix.BPF_PROG_TYPE_KPROBE) }},
	{cap: caps.BPF, claim: "together with CAP_NET_ADMIN", name: "create a DEVMAP", with: caps.NetAdmin.Set(),
		try: func(*stage) error { return createMap(unix.BPF_MAP_TYPE_DEVMAP) }},
	{cap: caps.BPF, claim: "together with CAP_NET_ADMIN", name: "load an XDP program", with: caps.NetAdmin.Set(),
		try: func(*stage) error { return loadProgram(unix.BPF_PROG_TYPE_XDP) }},
}

// proc is a file of the peer.
func (s *stage) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", s.peer, name) }

func iovec() []unix.Iovec {
	buf := make([]byte, 1)
	v := []unix.Iovec{{Base: &buf[0]}}
	v[0].SetLen(1)
	return v
}

func write(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(text))
	return err
}

// sysctl asks for a value that the probe relies on.
func sysctl(name, want string) func(*stage) error {
	return func(*stage) error {
		text, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			return err
		}
		if got := strings.TrimSpace(string(text)); got != want {
			return unsuited(name + " is " + got + ", not " + want)
		}
		return nil
	}
}

// not asks for any other value.
func not(name, value string) func(*stage) error {
	return func(s *stage) error {
		if err := sysctl(name, value)(s); !errors.As(err, new(unsuited)) {
			return errors.Join(err, unsuited(name+" is "+value))
		}
		return nil
	}
}

func perfRestricted(s *stage) error { return sysctl("kernel/perf_event_paranoid", "2")(s) }

func bpfRestricted(s *stage) error { return not("kernel/unprivileged_bpf_disabled", "0")(s) }

// setLimit is prlimit(2), soft and hard.
func setLimit(pid, which int, limit uint64) error {
	return unix.Prlimit(pid, which, &unix.Rlimit{Cur: limit, Max: limit}, nil)
}

func noLockedMemory(*stage) error { return setLimit(0, unix.RLIMIT_MEMLOCK, 0) }

const shmLock = 11 // SHM_LOCK

// foreignSegment makes a segment of root's, which goes with its last user.
func foreignSegment(s *stage) error {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
	if err != nil {
		return err
	}
	s.fd = id
	if _, err := unix.SysvShmAttach(id, 0, 0); err != nil {
		return err
	}
	_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	return err
}

// setIOPriority is ioprio_set(2) of a class.
func setIOPriority(pid, class int) error {
	const whoProcess = 1
	return call(unix.SYS_IOPRIO_SET, whoProcess, uintptr(pid), uintptr(class)<<13|4)
}

// choosePID asks for a process id that is in use, so that no process is made.
func choosePID(*stage) error {
	pid := int32(1)
	args := struct {
		flags, pidfd, childTID, parentTID, exit, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
	}{exit: uint64(unix.SIGCHLD), setTID: uint64(uintptr(unsafe.Pointer(&pid))), setTIDSize: 1}
	return call(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
}

// perf counts the clock of the kernel's part of a process, or of all on a
// processor.
func perf(pid, cpu int) error {
	return perfEvent(unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK}, pid, cpu)
}

func perfEvent(attr unix.PerfEventAttr, pid, cpu int) error {
	attr.Size = uint32(unsafe.Sizeof(attr))
	_, err := unix.PerfEventOpen(&attr, pid, cpu, -1, 0)
	return err
}

// createMap makes a BPF map of a type with one element (union bpf_attr).
func createMap(kind uint32) error {
	attr := [18]uint32{kind, 4, 4, 1}
	return call(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
}

// loadProgram loads a BPF program that answers 0. The kernel refuses with EAGAIN where
// there is a signal, as Go's scheduler sends them (kernel/bpf/verifier.c, do_check).
func loadProgram(kind uint32) error {
	code := [2]uint64{0xb7, 0x95} // r0 = 0, exit
	license := []byte("GPL\x00")
	attr := struct {
		kind, count             uint32
		code, license           uint64
		level, size             uint32
		log                     uint64
		kernelVersion, flags    uint32
		name                    [16]byte
		ifindex, expectedAttach uint32
	}{kind: kind, count: 2, code: uint64(uintptr(unsafe.Pointer(&code))), license: uint64(uintptr(unsafe.Pointer(&license[0])))}
	for {
		if err := call(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); err != unix.EAGAIN {
			return err
		}
	}
}
