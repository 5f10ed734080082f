package catalog

import "capsh/internal/rules/caps"

// Capabilities over ids, capability sets and the root directory.
var idsEntries = []Entry{{
	Cap:   caps.Setgid,
	Since: "2.2",
	Brief: "become any group",
	Permits: []Claim{
		{"set its real, effective, saved and file system group ids to anything", "setresgid(2), setfsgid(2); kernel/sys.c __sys_setresgid"},
		{"set its supplementary groups", "setgroups(2); kernel/groups.c may_setgroups"},
		{"send any group id in credentials over a Unix socket", "unix(7); net/core/scm.c scm_check_creds"},
		{"write the gid_map of a user namespace with any groups", "user_namespaces(7); kernel/user_namespace.c new_idmap_permitted"},
	},
	Use:    "Daemons that start as root and switch to a service's group; login, su, sudo, cron.",
	Danger: Claim{"A process can join the groups that own disks, password hashes or the container engine's socket. In a container this matters where such files of the host are mounted.", "kernel/sys.c __sys_setresgid; kernel/groups.c may_setgroups"},
	Root:   "It can join the groups that own disks, password hashes and the container engine's socket.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to mapped group ids. setgroups(2) fails where the namespace denies it (/proc/PID/setgroups).", "kernel/sys.c __sys_setresgid; kernel/groups.c may_setgroups"},
}, {
	Cap:   caps.Setuid,
	Since: "2.2",
	Brief: "become any user, also root",
	Permits: []Claim{
		{"set its real, effective, saved and file system user ids to anything", "setresuid(2), setfsuid(2); kernel/sys.c __sys_setresuid"},
		{"send any user id in credentials over a Unix socket", "unix(7); net/core/scm.c scm_check_creds"},
		{"use the persistent keyring of any user", "keyctl(2); security/keys/persistent.c keyctl_get_persistent"},
		{"write the uid_map of a user namespace with any users", "user_namespaces(7); kernel/user_namespace.c new_idmap_permitted"},
	},
	Use:    "Daemons that start as root and switch to a service's user; login, su, sudo, cron.",
	Danger: Claim{"A process that becomes uid 0 and executes a program gets every capability of its bounding set, unless no_new_privs or the noroot securebit prevents it. Root's files are open to it even then. With the host's PIDs it can enter the root directory of every process whose uid it takes.", "security/commoncap.c handle_privileged_root; kernel/sys.c __sys_setresuid"},
	Root:   "It can become uid 0.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to mapped user ids.", "kernel/sys.c __sys_setresuid"},
}, {
	Cap:   caps.Setpcap,
	Since: "2.2",
	Brief: "change capability sets and securebits",
	Permits: []Claim{
		{"add any capability of its bounding set to its inheritable set", "capset(2); security/commoncap.c cap_capset"},
		{"drop capabilities from its bounding set", "PR_CAPBSET_DROP(2const); security/commoncap.c cap_prctl_drop"},
		{"set, clear and lock its securebits (the two for interpreters, from Linux 6.14, need no capability)", "PR_SET_SECUREBITS(2const); security/commoncap.c cap_task_prctl"},
		{"before Linux 2.6.24, give its own capabilities to other processes and remove theirs", "capabilities(7)"},
	},
	Use:    "Launchers and container runtimes, which reduce the bounding set before they start a program.",
	Danger: Claim{"It never adds to the permitted set. What it makes inheritable takes effect only through files that have inheritable capabilities. A setuid program that lacks a single capability may fail in an unsafe way.", "security/commoncap.c cap_capset"},
	Host:   HostNo,
	UserNS: InFull,
	Inside: Claim{"It applies to the process's own sets and securebits.", "security/commoncap.c cap_inh_is_capped, cap_prctl_drop: ns_capable(current_user_ns())"},
}, {
	Cap:   caps.SysChroot,
	Since: "2.2",
	Brief: "change the root directory",
	Permits: []Claim{
		{"change its root directory", "chroot(2); fs/open.c sys_chroot"},
		{"enter another mount namespace with setns(2), together with CAP_SYS_ADMIN", "setns(2); fs/namespace.c mntns_install"},
	},
	Use:    "Daemons that confine themselves to an empty directory (sshd, DNS and FTP servers), build tools.",
	Danger: Claim{"A process that may call chroot can leave a chroot. A setuid program in a root directory that the process has made trusts the forged /etc there and gives root; in a container that is only root of the container.", "chroot(2); fs/open.c sys_chroot"},
	Host:   HostNo,
	UserNS: InFull,
	Inside: Claim{"It applies to the process itself.", "fs/open.c sys_chroot: ns_capable(current_user_ns())"},
}}
