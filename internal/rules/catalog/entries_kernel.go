package catalog

// Capabilities over the kernel, its devices, its clock and its power.

var sysModule = Entry{
	Since: "2.2",
	Brief: "load and unload kernel modules",
	Permits: []Claim{
		{"load a kernel module from memory or from a file", "init_module(2), finit_module(2); kernel/module/main.c may_init_module"},
		{"unload a kernel module", "delete_module(2); kernel/module/main.c sys_delete_module"},
		{"have the kernel load a network driver by naming its interface", "net/core/dev_ioctl.c dev_load"},
		{"before Linux 2.6.25, drop capabilities from the bounding set of the whole system", "capabilities(7)"},
	},
	Use:    "modprobe and udev on the host; drivers that are shipped as containers.",
	Danger: Claim{"A module is kernel code: a process that loads one controls the host and every container on it. Enforced module signatures, or kernel.modules_disabled, are the only protection left.", "kernel/module/main.c may_init_module; kernel/module/signing.c module_sig_check"},
	Root:   "It can run its own code in the kernel.",
	Host:   HostDirect,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "kernel/module/main.c may_init_module: capable"},
}

var sysRawio = Entry{
	Since: "2.2",
	Brief: "use I/O ports and physical memory",
	Permits: []Claim{
		{"use I/O ports (/dev/port too)", "iopl(2), ioperm(2); arch/x86/kernel/ioport.c ksys_ioperm; drivers/char/mem.c open_port"},
		{"open /dev/mem and /proc/kcore", "mem(4), proc_kcore(5); drivers/char/mem.c open_port; fs/proc/kcore.c open_kcore"},
		{"open the registers of the processor (/dev/cpu/*/msr)", "msr(4); arch/x86/kernel/msr.c msr_open"},
		{"map memory below vm.mmap_min_addr, and change that limit", "mmap(2); security/commoncap.c cap_mmap_addr; security/min_addr.c mmap_min_addr_handler"},
		{"send any command to SCSI and other disks", "drivers/scsi/scsi_ioctl.c scsi_cmd_allowed"},
		{"map PCI resources through /proc/bus/pci", "drivers/pci/proc.c proc_bus_pci_mmap"},
		{"request a file's block numbers (FIBMAP)", "fs/ioctl.c ioctl_fibmap"},
	},
	Use:    "Old X servers, dmidecode, flashrom, disk firmware and RAID tools.",
	Danger: Claim{"On x86 the I/O ports alone, which no device cgroup protects, control the host's disks and buses. Physical memory, where the file can be opened, includes the kernel itself.", "arch/x86/kernel/ioport.c ksys_ioperm; drivers/char/mem.c open_port"},
	Root:   "It can drive disks and read memory below the kernel's checks.",
	Host:   HostDirect,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "arch/x86/kernel/ioport.c ksys_ioperm; fs/ioctl.c ioctl_fibmap; security/commoncap.c cap_mmap_addr: cap_capable(&init_user_ns)"},
}

var sysAdmin = Entry{
	Since: "2.2",
	Brief: "mount, and most other administration",
	Permits: []Claim{
		{"mount, unmount and move file systems, and change the root of a mount namespace", "mount(2), pivot_root(2); fs/namespace.c may_mount"},
		{"create namespaces of every kind (a user namespace alone needs no capability) and enter those of others", "unshare(2), setns(2); kernel/nsproxy.c unshare_nsproxy_namespaces, validate_nsset"},
		{"list the mounts of other mount namespaces", "listmount(2); fs/namespace.c do_listmount"},
		{"set the host name and the domain name", "sethostname(2); kernel/sys.c sys_sethostname"},
		{"turn swap on and off, set disk quotas, use privileged ioctls of block devices and file systems", "swapon(2), quotactl(2); mm/swapfile.c sys_swapoff; fs/quota/quota.c check_quotactl_permission; block/ioctl.c"},
		{"read and write trusted extended attributes, and write security ones other than file capabilities", "xattr(7); fs/xattr.c xattr_permission; security/commoncap.c cap_inode_setxattr"},
		{"do all that CAP_BPF, CAP_PERFMON and CAP_CHECKPOINT_RESTORE permit", "capabilities(7); include/linux/capability.h perfmon_capable, bpf_capable, checkpoint_restore_ns_capable"},
		{"write to the memory of user processes from BPF programs, list all that is loaded, and create BPF tokens", "bpf(2); kernel/bpf/syscall.c bpf_obj_get_next_id; kernel/bpf/token.c bpf_token_create"},
		{"install a seccomp filter without no_new_privs, read another process's filter and suspend it", "seccomp(2), ptrace(2); kernel/seccomp.c seccomp_prepare_filter, seccomp_get_filter"},
		{"apply a Landlock ruleset without no_new_privs", "landlock_restrict_self(2); security/landlock/syscalls.c"},
		{"change the rules of device cgroups (version 1)", "security/device_cgroup.c devcgroup_update_access"},
		{"receive fanotify permission events, and watch whole file systems", "fanotify_init(2), fanotify_mark(2); fs/notify/fanotify/fanotify_user.c"},
		{"see page frame numbers in /proc/PID/pagemap, and read /proc/PID/stack", "proc_pid_pagemap(5); fs/proc/task_mmu.c pagemap_open; fs/proc/base.c proc_pid_stack"},
		{"use io_uring where kernel.io_uring_disabled is 1", "io_uring_setup(2); io_uring/io_uring.c io_uring_allowed"},
		{"change and remove any System V IPC object, change owners and modes of keys", "ipc/util.c ipcctl_obtain_check; security/keys/keyctl.c keyctl_chown_key"},
		{"send any process id in credentials over a Unix socket", "unix(7); net/core/scm.c scm_check_creds"},
		{"exceed RLIMIT_NPROC and the system's limit of open files", "kernel/fork.c copy_process; fs/file_table.c alloc_empty_file"},
		{"push characters into any terminal's input, choose real-time I/O priority, poison memory pages", "TIOCSTI(2const), ioprio_set(2), madvise(2); drivers/tty/tty_io.c tiocsti; block/ioprio.c ioprio_check_cap; mm/madvise.c"},
		{"carry out privileged operations of a great many device drivers", "capabilities(7)"},
	},
	Use:    "Container runtimes, FUSE and mount helpers, systemd, storage plug-ins. Look for a narrower capability first.",
	Danger: Claim{"It permits most of what root may do. A process can remount /proc/sys writable and set kernel.core_pattern, a program that the kernel runs on the host (also with cgroup v2), mount the host's disk, or mount a version 1 cgroup whose release agent runs on the host. AppArmor's default profile denies mounts. Without it a container does not isolate such a process.", "fs/namespace.c do_remount; fs/coredump.c do_coredump; kernel/cgroup/cgroup-v1.c cgroup1_release_agent"},
	Root:   "It can mount over any file, such as /etc/passwd.",
	Host:   HostDirect,
	UserNS: InPart,
	Inside: Claim{"It applies to namespaces that this user namespace owns: mounts of permitted types, host name, entering, seccomp, Landlock. Block devices, swap, quotas, trusted attributes and most drivers need it in the initial user namespace.", "fs/namespace.c may_mount: ns_capable(mnt_ns->user_ns); mm/swapfile.c sys_swapoff: capable"},
}

var sysBoot = Entry{
	Since: "2.2",
	Brief: "reboot; load another kernel",
	Permits: []Claim{
		{"restart, halt and power off, and switch Ctrl-Alt-Del", "reboot(2); kernel/reboot.c sys_reboot"},
		{"load a kernel to start next", "kexec_load(2); kernel/kexec_core.c kexec_load_permitted"},
		{"in a PID namespace that is not the initial one, end that namespace with reboot(2), not the host", "reboot(2), pid_namespaces(7); kernel/pid_namespace.c reboot_pid_ns"},
	},
	Use:    "init, shutdown, kexec, crash dump set-up on the host.",
	Danger: Claim{"A kernel loaded with kexec replaces the host's, unless a seccomp filter, as Docker's and Podman's, or kernel.kexec_load_disabled stops the call. Without a PID namespace of its own a process can restart the host.", "kernel/kexec_core.c kexec_load_permitted; kernel/reboot.c sys_reboot"},
	Root:   "Where kexec is enabled, it can start a kernel of its own.",
	Host:   HostDirect,
	UserNS: InOnePower,
	Inside: Claim{"It ends PID namespaces that this user namespace owns.", "kernel/reboot.c sys_reboot: ns_capable(pid_ns->user_ns); kernel/kexec_core.c kexec_load_permitted: capable"},
}

var sysTime = Entry{
	Since: "2.2",
	Brief: "set the clock",
	Permits: []Claim{
		{"set the system clock", "clock_settime(2), settimeofday(2); kernel/time/time.c do_sys_settimeofday64"},
		{"adjust the system clock's rate", "adjtimex(2); kernel/time/timekeeping.c timekeeping_validate_timex"},
		{"set the hardware clock", "rtc(4); drivers/rtc/dev.c rtc_dev_ioctl"},
		{"set the offsets of a time namespace", "time_namespaces(7); kernel/time/namespace.c proc_timens_set_offset"},
	},
	Use:    "NTP and PTP daemons: chronyd, ntpd, ptp4l.",
	Danger: Claim{"There is one real-time clock, and no namespace for it: a container that sets it changes the host's. Certificates and tickets become valid or invalid, logs show wrong times, timers expire.", "kernel/time/timekeeping.c do_settimeofday64"},
	Host:   HostPart,
	UserNS: InOnePower,
	Inside: Claim{"It sets the offsets of time namespaces that this user namespace owns.", "kernel/time/namespace.c proc_timens_set_offset: file_ns_capable; security/commoncap.c cap_settime: capable"},
}

var sysTTYConfig = Entry{
	Since: "2.2",
	Brief: "configure terminals and the console",
	Permits: []Claim{
		{"hang up its terminal", "vhangup(2); fs/open.c sys_vhangup"},
		{"use the privileged ioctls of virtual consoles: keymap, font, mode, switching, keyboard rate", "ioctl_console(2); drivers/tty/vt/vt_ioctl.c vt_ioctl"},
	},
	Use:    "getty, X and Wayland servers, loadkeys, setfont.",
	Danger: Claim{"It needs a console device to act on. With one of the host's a process can replace the keymap, so that a person who logs in there types the attacker's commands.", "drivers/tty/vt/keyboard.c vt_do_kdsk_ioctl"},
	Host:   HostWithDevice,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "fs/open.c sys_vhangup, drivers/tty/vt/vt_ioctl.c vt_ioctl: capable"},
}

var wakeAlarm = Entry{
	Since: "3.0",
	Brief: "set timers that end a suspend",
	Permits: []Claim{
		{"create timers on CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM, which end a suspend", "timer_create(2), timerfd_create(2); fs/timerfd.c sys_timerfd_create; kernel/time/alarmtimer.c alarm_timer_create"},
	},
	Use:    "Alarm clocks, and phones and appliances that wake up for a task.",
	Danger: Claim{"A process can keep a laptop or phone from sleeping and drain its battery. It has no effect on servers, which never suspend.", "kernel/time/alarmtimer.c alarmtimer_suspend"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "fs/timerfd.c sys_timerfd_create: capable"},
}

var blockSuspend = Entry{
	Since: "3.5",
	Brief: "prevent a suspend of the host",
	Permits: []Claim{
		{"use EPOLLWAKEUP, which prevents a suspend while an event is handled", "epoll_ctl(2); include/uapi/linux/eventpoll.h ep_take_care_of_epollwakeup"},
		{"take and release wake locks in /sys/power/wake_lock and wake_unlock", "kernel/power/wakelock.c pm_wake_lock"},
	},
	Use:    "Power managers, and Android's services.",
	Danger: Claim{"A process can keep a laptop or phone awake and drain its battery. It has no effect on servers, which never suspend.", "fs/eventpoll.c ep_create_wakeup_source; kernel/power/wakelock.c pm_wake_lock"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "include/uapi/linux/eventpoll.h ep_take_care_of_epollwakeup, kernel/power/wakelock.c pm_wake_lock: capable"},
}

var syslog = Entry{
	Since: "2.6.37",
	Brief: "read and control the kernel log",
	Permits: []Claim{
		{"read the kernel log where kernel.dmesg_restrict is set", "syslog(2); kernel/printk/printk.c check_syslog_permissions"},
		{"clear the kernel log, and set which messages reach the console", "syslog(2); kernel/printk/printk.c check_syslog_permissions"},
		{"see kernel addresses, as in /proc/kallsyms, where kernel.kptr_restrict is 1, or is 0 and kernel.perf_event_paranoid is above 1", "proc_sys_kernel(5); kernel/ksyms_common.c kallsyms_show_value; lib/vsprintf.c restricted_pointer"},
	},
	Use:    "dmesg, klogd, rsyslogd.",
	Danger: Claim{"The kernel log is not separated by containers: it shows events of the host and of all of them. Kernel addresses defeat the randomised layout, the first step of most kernel exploits.", "kernel/printk/printk.c do_syslog; kernel/ksyms_common.c kallsyms_show_value"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "kernel/printk/printk.c check_syslog_permissions: capable; kernel/ksyms_common.c kallsyms_show_value: &init_user_ns"},
}
