package checks

import (
	"slices"
	"strings"

	"capsh/internal/rules/caps"
)

// entry is one of the kernel's askers that does not, or not always, need what it
// asks for.
type entry struct {
	// in are functions that the chain has in this order, the innermost first, with
	// others between.
	in []string
	// calls are system calls: where functions have no names, a check for one of caps in
	// one of these is judged so. It is empty where the system call does not say enough.
	calls string
	// caps are the capabilities that it is about; empty for any.
	caps   []caps.Cap
	kind   Kind
	reason string
}

// entries are tried in this order. Each is provoked by a test in tests/watch.
var entries = []entry{
	{[]string{"security_vm_enough_memory_mm"}, "", []caps.Cap{caps.SysAdmin}, Incidental,
		"every mapping asks, since a part of the memory is reserved for this capability"},
	{[]string{"do_jit"}, "", nil, Incidental,
		"the compiler of BPF asks whether it may leave out a protection"},
	{[]string{"bpf_check"}, "", []caps.Cap{caps.Perfmon, caps.BPF, caps.SysAdmin}, Incidental,
		"the verifier of BPF is stricter without it"},
	{[]string{"bpf_prog_kallsyms_add"}, "", nil, Incidental,
		"the name of a BPF program is listed or not"},
	{[]string{"do_task_stat"}, "read pread64", []caps.Cap{caps.SysPtrace}, Incidental,
		"/proc/PID/stat shows addresses as 0 without it"},
	{[]string{"simple_xattr_list"}, "listxattr llistxattr flistxattr", []caps.Cap{caps.SysAdmin}, Incidental,
		"the list of extended attributes leaves out trusted ones without it"},
	{[]string{"pagemap_read"}, "", []caps.Cap{caps.SysAdmin}, Incidental,
		"/proc/PID/pagemap shows page frames as 0 without it"},
	{[]string{"r_show"}, "", []caps.Cap{caps.SysAdmin}, Incidental,
		"/proc/iomem and /proc/ioports show addresses as 0 without it"},
	{[]string{"kallsyms_show_value"}, "", []caps.Cap{caps.Syslog}, Incidental,
		"kernel addresses are shown as 0 without it"},
	{[]string{"io_uring_setup"}, "io_uring_setup", []caps.Cap{caps.IPCLock}, Incidental,
		"the memory of an io_uring counts as locked without it"},
	{[]string{"has_capability_noaudit", "__set_oom_adj"}, "", []caps.Cap{caps.SysResource}, Incidental,
		"with it, a new oom_score_adj is also the new minimum"},
	{[]string{"capable", "dev_ioctl"}, "", []caps.Cap{caps.NetAdmin, caps.SysModule}, Incidental,
		"a network interface of this name does not exist, and a module may be loaded for it"},
	{[]string{"sysctl_perm", "link_path_walk"}, "", nil, Incidental,
		"a directory of /proc/sys may be searched by all"},
	{[]string{"sysctl_perm", "vfs_read"}, "", nil, Incidental,
		"a file of /proc/sys that was opened for reading may be read without it"},
	{[]string{"sysctl_perm"}, "", nil, Optional,
		"without it the mode of the file in /proc/sys decides"},
	{[]string{"__inet_diag_dump"}, "", []caps.Cap{caps.NetAdmin}, Incidental,
		"the list of sockets leaves out their marks without it"},
	{[]string{"do_faccessat"}, "access faccessat faccessat2", nil, Optional,
		"access(2) only says what would be permitted"},
	{[]string{"proc_mem_open"}, "", []caps.Cap{caps.SysPtrace, caps.Perfmon, caps.SysAdmin}, Optional,
		"programs that look through /proc usually skip the processes that they may not look at"},
	{[]string{"call_proc_get_link"}, "readlink readlinkat", []caps.Cap{caps.SysPtrace}, Optional,
		"programs that look through /proc usually skip the processes that they may not look at"},
	{[]string{"cap_capset"}, "capset", []caps.Cap{caps.Setpcap}, Optional,
		"every capset(2) asks; only a larger inheritable set needs it"},
	{[]string{"cap_bprm_creds_from_file"}, "execve execveat", []caps.Cap{caps.SysPtrace, caps.Setuid}, Optional,
		"a traced program, or one under no_new_privs, gets no privileges from its file without it"},
	{[]string{"setattr_prepare"}, "chmod fchmod fchmodat fchmodat2", []caps.Cap{caps.Fsetid}, Optional,
		"every chmod(2) of a file of a foreign group asks; without it a set-group-ID bit is left out"},
	{[]string{"setattr_copy"}, "", []caps.Cap{caps.Fsetid}, Optional,
		"every chmod(2) of a file of a foreign group asks; without it a set-group-ID bit is left out"},
	{[]string{"mode_strip_sgid"}, "open openat openat2 creat mkdir mkdirat mknod mknodat", []caps.Cap{caps.Fsetid}, Optional,
		"a new file in a directory of a foreign group gets no set-group-ID bit without it"},
	{[]string{"setattr_should_drop_suidgid"}, "write writev pwrite64 truncate ftruncate chown fchown lchown fchownat", []caps.Cap{caps.Fsetid}, Optional,
		"writing to a set-user-ID or set-group-ID file clears these bits without it"},
	{[]string{"can_nice"}, "setpriority", []caps.Cap{caps.SysNice}, Optional,
		"a higher priority is refused without it, and programs usually go on"},
	{[]string{"__set_oom_adj"}, "write", []caps.Cap{caps.SysResource}, Optional,
		"a lower oom_score_adj is refused without it, and programs usually go on"},
	{[]string{"do_prlimit"}, "prlimit64 setrlimit", []caps.Cap{caps.SysResource}, Optional,
		"a higher hard limit is refused without it, and programs usually go on"},
	{[]string{"may_open"}, "open openat openat2", []caps.Cap{caps.Fowner}, Optional,
		"O_NOATIME on another user's file is refused without it, and programs usually open it again"},
	{[]string{"capable", "sk_setsockopt"}, "", []caps.Cap{caps.NetAdmin}, Optional,
		"a socket buffer above the limit is refused without it, and programs usually take a smaller one"},
	{[]string{"audit_receive"}, "sendto sendmsg", []caps.Cap{caps.AuditWrite, caps.AuditControl}, Optional,
		"a message to the audit system is refused without it, and programs usually go on"},
}

// matches reports whether an entry is about a check.
func (e *entry) matches(c *Check) bool {
	return (len(e.caps) == 0 || slices.Contains(e.caps, c.Cap)) && (inOrder(e.in, c.Chain) || c.isOne(e.calls))
}

// isOne reports whether the functions that led to a check have no names and its system
// call is one of those.
func (c *Check) isOne(calls string) bool {
	return Asker(c.Chain) == "" && c.Syscall != "" && slices.Contains(strings.Fields(calls), c.Syscall)
}

// inOrder reports whether a chain has the functions in this order.
func inOrder(functions, chain []string) bool {
	for _, f := range chain {
		if len(functions) > 0 && f == functions[0] {
			functions = functions[1:]
		}
	}
	return len(functions) == 0
}

// owner is why a need in a namespace below is optional: cap_capable permits
// everything to the owner of a namespace that is in its parent.
const owner = "whoever made that user namespace may do it without the capability"

// overlay is why a check below overlayfs is incidental.
const overlay = "overlayfs works on the file below with the credentials of who mounted it"

// belowOverlay reports a check of a layer of an overlayfs. It comes after that of the
// overlayfs itself, with the process's credentials (fs/overlayfs, ovl_override_creds):
// a function that works on any file, called by one of overlayfs.
func belowOverlay(chain []string) bool {
	file := slices.IndexFunc(chain, func(f string) bool {
		return f == "inode_permission" || f == "notify_change" || strings.HasPrefix(f, "vfs_")
	})
	return file >= 0 && slices.ContainsFunc(chain[file:], func(f string) bool { return strings.HasPrefix(f, "ovl_") })
}

// choice is a pair of capabilities of which the kernel asks for the second where it
// does not find the first.
type choice struct {
	in            string // a function of the chain; empty for any
	calls         string // as in entry
	first, second caps.Cap
}

// paths are the usual system calls that look up a path.
const paths = "open openat openat2 stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat chdir execve"

var choices = []choice{
	// generic_permission of fs/namei.c, for reading and searching.
	{"generic_permission", paths, caps.DACReadSearch, caps.DACOverride},
	// include/linux/capability.h: bpf_capable, perfmon_capable and
	// checkpoint_restore_ns_capable.
	{"", "", caps.BPF, caps.SysAdmin},
	{"", "", caps.Perfmon, caps.SysAdmin},
	{"", "", caps.CheckpointRestore, caps.SysAdmin},
	// may_access_mm of kernel/fork.c, for reading.
	{"mm_access", "process_vm_readv", caps.SysPtrace, caps.Perfmon},
	// ioprio_check_cap of block/ioprio.c.
	{"ioprio_check_cap", "ioprio_set", caps.SysAdmin, caps.SysNice},
	// copy_process of kernel/fork.c (RLIMIT_NPROC); fs/pipe.c, pipe_is_unprivileged_user.
	{"copy_process", "clone clone3 fork vfork", caps.SysResource, caps.SysAdmin},
	{"alloc_pipe_info", "pipe pipe2", caps.SysResource, caps.SysAdmin},
	{"pipe_set_size", "fcntl", caps.SysResource, caps.SysAdmin},
	// net/core/sock.c, net/ipv4/ip_sockglue.c, net/ipv6/ipv6_sockglue.c: SO_MARK,
	// SO_PRIORITY, IP_TRANSPARENT.
	{"sk_setsockopt", "setsockopt", caps.NetRaw, caps.NetAdmin},
	{"do_ip_setsockopt", "", caps.NetRaw, caps.NetAdmin},
	{"do_ipv6_setsockopt", "", caps.NetRaw, caps.NetAdmin},
}

// alternatives are the capabilities that would do instead of the one that was asked
// for.
func alternatives(c *Check) caps.Set {
	var set caps.Set
	for _, pair := range choices {
		if pair.first == c.Cap && (pair.in == "" || slices.Contains(c.Chain, pair.in) || c.isOne(pair.calls)) {
			set |= pair.second.Set()
		}
	}
	return set
}

// FollowUp adjusts the verdicts of two checks of one thread, with none between, if the
// kernel made the second only because it denied the first: either capability would have
// done, and only the second answer counts.
func FollowUp(first *Check, verdict *Verdict, second *Check, after *Verdict) {
	if first.Granted || first.Syscall != second.Syscall || !alternatives(first).Has(second.Cap) {
		return
	}
	after.Alternatives |= first.Cap.Set() | alternatives(first)&^second.Cap.Set()
	if verdict.Kind == Incidental {
		return
	}
	verdict.Kind, verdict.Reason = Incidental, "denied, and the kernel asked for "+second.Cap.String()+" next, which would do as well"
}
