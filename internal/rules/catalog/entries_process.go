package catalog

import "capsh/internal/rules/caps"

// Capabilities over processes, their memory and their limits.

var kill = Entry{
	Since: "2.2",
	Brief: "send signals to any process",
	Permits: []Claim{
		{"send any signal to any process that it can see, whoever owns it", "kill(2); kernel/signal.c kill_ok_by_cred"},
		{"request the signal of a keyboard's special key with the KDSIGACCEPT ioctl", "ioctl_console(2); drivers/tty/vt/vt_ioctl.c vt_k_ioctl"},
	},
	Use:    "Supervisors and init systems that stop services of other users.",
	Danger: Claim{"A process can end or stop every other process in its PID namespace. With the host's PIDs this includes the host's daemons.", "kernel/signal.c kill_ok_by_cred"},
	Host:   HostNo,
	UserNS: InPart,
	Inside: Claim{"It applies to processes of this user namespace and of its children, not to others that can be seen.", "kernel/signal.c kill_ok_by_cred: ns_capable(the target's user namespace)"},
}

var ipcLock = Entry{
	Since: "2.2",
	Brief: "lock memory without a limit",
	Permits: []Claim{
		{"lock any amount of memory beyond RLIMIT_MEMLOCK", "mlock(2); mm/mlock.c can_do_mlock, do_mlock"},
		{"lock any System V shared memory segment (SHM_LOCK)", "shmctl(2); ipc/shm.c shmctl_do_lock"},
		{"create System V shared memory of huge pages without being in vm.hugetlb_shm_group", "shmget(2); fs/hugetlbfs/inode.c can_do_hugetlb_shm"},
		{"pin memory beyond that limit for io_uring, RDMA, VFIO and perf buffers", "io_uring/io_uring.c io_uring_create; kernel/events/core.c perf_mmap"},
	},
	Use:    "Programs that keep secrets out of swap (Vault, gpg-agent), databases, real-time audio, DPDK.",
	Danger: Claim{"A process can take memory that cannot be swapped out, up to its cgroup's limit if it has one, until the kernel kills other processes for lack of memory.", "mm/mlock.c do_mlock"},
	Host:   HostNo,
	UserNS: InOnePower,
	Inside: Claim{"It locks other users' System V segments of its IPC namespace. RLIMIT_MEMLOCK limits it all the same.", "ipc/shm.c shmctl_do_lock: ns_capable(ns->user_ns); mm/mlock.c can_do_mlock: capable"},
}

var ipcOwner = Entry{
	Since: "2.2",
	Brief: "use any System V IPC object",
	Permits: []Claim{
		{"read and write any System V shared memory segment, message queue and semaphore set of its IPC namespace, whatever the mode says", "sysvipc(7); ipc/util.c ipcperms"},
	},
	Use:    "Rare: tools that inspect or rescue the shared memory of databases.",
	Danger: Claim{"A process can read and change the shared memory of others, such as database buffers. It matters where containers share an IPC namespace with each other or with the host.", "ipc/util.c ipcperms"},
	Host:   HostNo,
	UserNS: InFull,
	Inside: Claim{"It applies to IPC namespaces that this user namespace owns.", "ipc/util.c ipcperms: ns_capable(ns->user_ns)"},
}

var sysPtrace = Entry{
	Since: "2.2",
	Brief: "trace and change any process",
	Permits: []Claim{
		{"trace any process, whoever owns it", "ptrace(2); kernel/ptrace.c __ptrace_may_access"},
		{"read and write the memory of any process (/proc/PID/mem, process_vm_readv(2), process_vm_writev(2))", "process_vm_readv(2); mm/process_vm_access.c process_vm_rw_core"},
		{"follow the exe, cwd, root, fd and ns links of any process, and read its environment and memory map", "proc(5); fs/proc/base.c proc_fd_access_allowed"},
		{"copy any process's open file with pidfd_getfd(2), compare processes with kcmp(2), read robust futex lists", "pidfd_getfd(2), kcmp(2), get_robust_list(2); kernel/pid.c __pidfd_fget; kernel/kcmp.c"},
		{"trace processes although Yama restricts it (kernel.yama.ptrace_scope 1 and 2, not 3)", "proc_sys_kernel(5); security/yama/yama_lsm.c yama_ptrace_access_check"},
		{"handle page faults of the kernel with userfaultfd(2)", "userfaultfd(2); fs/userfaultfd.c userfaultfd_syscall_allowed"},
	},
	Use:    "Debuggers, strace, profilers, crash reporters, monitoring agents that inspect other users' processes.",
	Danger: Claim{"A process that can write into another acts with all its privileges. Without the host's PIDs it reaches only the container's own processes. With them it can take over a root process of the host, unless AppArmor's profile denies ptrace.", "kernel/ptrace.c __ptrace_may_access"},
	Root:   "It can take over a process of root.",
	Host:   HostWithPIDs,
	UserNS: InPart,
	Inside: Claim{"It applies to processes of this user namespace and of its children. userfaultfd needs it in the initial user namespace.", "kernel/ptrace.c ptrace_has_cap: ns_capable; fs/userfaultfd.c userfaultfd_syscall_allowed: capable"},
}

var sysPacct = Entry{
	Since: "2.2",
	Brief: "switch process accounting on and off",
	Permits: []Claim{
		{"start, stop and redirect the record of ended processes of its PID namespace", "acct(2); kernel/acct.c sys_acct"},
	},
	Use:    "The accton command and accounting daemons.",
	Danger: Claim{"A process can stop the record and so hide what it runs, or fill a disk with it.", "kernel/acct.c sys_acct"},
	Host:   HostNo,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "kernel/acct.c sys_acct: capable"},
}

var sysNice = Entry{
	Since: "2.2",
	Brief: "raise priority; schedule any process",
	Permits: []Claim{
		{"lower its nice value below RLIMIT_NICE", "setpriority(2); kernel/sched/syscalls.c can_nice"},
		{"change the nice value, the scheduling policy and the CPU affinity of any process", "sched_setscheduler(2), sched_setaffinity(2); kernel/sched/syscalls.c check_same_owner; kernel/sys.c set_one_prio_perm"},
		{"choose real-time and deadline scheduling", "sched(7); kernel/sched/syscalls.c user_check_sched_setscheduler"},
		{"set the I/O priority of any process; choose real-time I/O priority", "ioprio_set(2); block/ioprio.c ioprio_check_cap, set_task_ioprio"},
		{"move the memory pages of any process between NUMA nodes", "migrate_pages(2), move_pages(2); mm/mempolicy.c kernel_migrate_pages"},
		{"apply memory advice to another process that it may trace", "process_madvise(2); mm/madvise.c sys_process_madvise"},
		{"set the timer slack of any process", "proc_pid_timerslack_ns(5); fs/proc/base.c timerslack_ns_write"},
	},
	Use:    "Audio servers, real-time control, databases that bind memory to nodes, telephony.",
	Danger: Claim{"A real-time process that never sleeps takes the CPUs from everything else, the host's processes and other containers included. move_pages(2) is stopped by Docker's seccomp filter.", "kernel/sched/syscalls.c user_check_sched_setscheduler"},
	Host:   HostPart,
	UserNS: InOnePower,
	Inside: Claim{"It changes nice value, policy and CPU affinity of other users' processes of this user namespace, without raising priority.", "kernel/sched/syscalls.c check_same_owner; kernel/sys.c set_one_prio_perm: ns_capable; kernel/sched/syscalls.c can_nice: capable"},
}

var sysResource = Entry{
	Since: "2.2",
	Brief: "exceed resource limits and quotas",
	Permits: []Claim{
		{"raise hard resource limits", "setrlimit(2); kernel/sys.c do_prlimit"},
		{"set the limits of other users' processes", "prlimit(2); kernel/sys.c check_prlimit_permission"},
		{"exceed RLIMIT_NPROC, and RLIMIT_NOFILE for files in flight over Unix sockets", "getrlimit(2); kernel/fork.c copy_process; net/unix/af_unix.c too_many_unix_fds"},
		{"use the disk blocks that ext file systems reserve, and exceed disk quotas", "fs/ext4/balloc.c ext4_has_free_clusters; fs/quota/dquot.c ignore_hardlimit"},
		{"exceed the limits on POSIX message queues, System V message queues and pipe sizes", "mq_overview(7), pipe(7); ipc/mqueue.c mqueue_get_inode; fs/pipe.c pipe_set_size"},
		{"lower oom_score_adj below what was last set with this capability", "proc_pid_oom_score_adj(5); fs/proc/base.c __set_oom_adj"},
		{"set the addresses in its memory map one by one with PR_SET_MM", "PR_SET_MM(2const); kernel/sys.c prctl_set_mm"},
		{"mark itself as a process that serves I/O, with PR_SET_IO_FLUSHER", "PR_SET_IO_FLUSHER(2const); kernel/sys.c sys_prctl"},
		{"create pressure stall triggers with any window (PSI)", "kernel/sched/psi.c psi_trigger_create, psi_open"},
		{"change the journalling of ext file systems, and grow them", "fs/ext4/ioctl.c ext4_ioctl_setflags, ext4_resize_begin"},
		{"request more than 64 interrupts a second from the real-time clock; exceed the limits on consoles and keymaps", "rtc(4); drivers/rtc/dev.c rtc_dev_ioctl; drivers/tty/vt/vt.c vc_allocate"},
	},
	Use:    "Service managers and container runtimes that set limits; databases that raise their own.",
	Danger: Claim{"A process can protect itself from the out-of-memory killer and use disk space, kernel memory and processes that others rely on. Cgroup limits still apply.", "kernel/sys.c do_prlimit; fs/proc/base.c __set_oom_adj"},
	Host:   HostPart,
	UserNS: InOnePower,
	Inside: Claim{"It sets the limits of other users' processes of this user namespace. It raises no hard limit.", "kernel/sys.c check_prlimit_permission: ns_capable, do_prlimit: capable"},
}

var checkpointRestore = Entry{
	Since: "5.9",
	Brief: "checkpoint and restore processes",
	Permits: []Claim{
		{"choose the process id of a new process (clone3(2) with set_tid, /proc/sys/kernel/ns_last_pid)", "clone3(2); kernel/pid.c alloc_pid; kernel/pid_namespace.c pid_ns_ctl_handler"},
		{"open files that processes have mapped, through /proc/PID/map_files, where it may also trace the process and open the file", "proc_pid_map_files(5); fs/proc/base.c proc_map_files_get_link"},
		{"change its own exe link with PR_SET_MM_MAP", "PR_SET_MM(2const); kernel/sys.c prctl_set_mm_map"},
		{"choose the next System V IPC id, and change locked terminal settings", "proc_sys_kernel(5); ipc/ipc_sysctl.c ipc_permissions; drivers/tty/tty_ioctl.c tty_mode_ioctl"},
	},
	Use:    "CRIU, container engines that migrate containers, Java's fast start-up. Before Linux 5.9 these needed CAP_SYS_ADMIN.",
	Danger: Claim{"A process can impersonate another through a chosen process id or exe link. It does not open files or processes that it could not open otherwise.", "fs/proc/base.c proc_map_files_get_link"},
	Host:   HostNo,
	UserNS: InPart,
	Inside: Claim{"It chooses ids in PID and IPC namespaces that this user namespace owns. map_files needs it in the initial user namespace.", "kernel/pid.c alloc_pid: checkpoint_restore_ns_capable; fs/proc/base.c proc_map_files_get_link: &init_user_ns"},
}

var perfmon = Entry{
	Since: "5.8",
	Brief: "observe the performance of the system",
	Permits: []Claim{
		{"use perf_event_open(2) on the kernel and on any process, whatever kernel.perf_event_paranoid says", "perf_event_open(2); kernel/events/core.c perf_allow_kernel"},
		{"create kprobe and uprobe events through perf", "perf_event_open(2); kernel/events/core.c perf_kprobe_event_init, perf_uprobe_event_init"},
		{"load BPF programs for tracing, which read kernel memory, together with CAP_BPF", "capabilities(7); kernel/bpf/syscall.c bpf_prog_load"},
		{"have perf send a synchronous SIGTRAP to other users' processes, together with CAP_KILL", "perf_event_open(2); kernel/events/core.c perf_check_permission"},
		{"use persistent user_events", "kernel/trace/trace_events_user.c user_event_capable"},
		{"use the performance counters of GPU drivers", "drivers/gpu/drm/i915/i915_perf.c i915_perf_open_ioctl_locked"},
	},
	Use:    "perf, profilers, and eBPF observability agents together with CAP_BPF. Before Linux 5.8 these needed CAP_SYS_ADMIN.",
	Danger: Claim{"Samples of registers, stacks and addresses show what the host and other containers do. Together with CAP_BPF a process reads all kernel memory. Podman's seccomp filter stops bpf(2) and perf_event_open(2) for it.", "kernel/events/core.c perf_allow_kernel; kernel/bpf/syscall.c bpf_prog_load"},
	Root:   "Together with CAP_BPF it can read all kernel memory.",
	With:   1 << caps.BPF,
	Host:   HostPaired,
	UserNS: InException,
	Inside: Claim{"A BPF token that was delegated to this user namespace (Linux 6.9) permits tracing programs.", "kernel/events/core.c perfmon_capable; kernel/bpf/token.c bpf_token_capable"},
}

var bpf = Entry{
	Since: "5.8",
	Brief: "load BPF programs and create maps",
	Permits: []Claim{
		{"create BPF maps and load BTF type data", "bpf(2); kernel/bpf/syscall.c map_create, bpf_btf_load"},
		{"load socket filters and other BPF programs with the verifier's advanced features and higher limits", "bpf(2); kernel/bpf/syscall.c bpf_prog_load; kernel/bpf/verifier.c bpf_check"},
		{"dump the instructions of BPF programs", "kernel/bpf/syscall.c bpf_prog_get_info_by_fd"},
		{"load tracing programs together with CAP_PERFMON", "capabilities(7); kernel/bpf/syscall.c bpf_prog_load"},
		{"load network programs and create DEVMAP, SOCKMAP and XSKMAP maps together with CAP_NET_ADMIN", "capabilities(7); kernel/bpf/syscall.c map_create, is_net_admin_prog_type"},
	},
	Use:    "Observability agents, network plug-ins (Cilium), systemd. Before Linux 5.8 these needed CAP_SYS_ADMIN.",
	Danger: Claim{"Together with CAP_PERFMON a process reads all kernel memory and can attach to any kernel function. Alone it reaches the verifier, where a bug can give control of the kernel. Podman's seccomp filter stops bpf(2) for it.", "kernel/bpf/syscall.c bpf_prog_load"},
	Root:   "Together with CAP_PERFMON it can read all kernel memory.",
	With:   1 << caps.Perfmon,
	Host:   HostPaired,
	UserNS: InException,
	Inside: Claim{"A BPF token that was delegated to this user namespace (Linux 6.9) permits what it names.", "kernel/bpf/token.c bpf_token_capable"},
}
