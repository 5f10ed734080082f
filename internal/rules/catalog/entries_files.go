package catalog

// Capabilities over files.

var chown = Entry{
	Since: "2.2",
	Brief: "give any file to any user and group",
	Permits: []Claim{
		{"change the owner of any file", "chown(2); fs/attr.c chown_ok"},
		{"change the group of any file to one that the process is not in", "chown(2); fs/attr.c chgrp_ok"},
	},
	Use:    "Entrypoints that give a data directory to the service's user; package managers; tar run as root.",
	Danger: Claim{"A process can become the owner of every file that it can reach. It can take /etc/shadow, edit it and log in as root. In a container that is the container's root; on a mounted directory of the host it is the host's.", "fs/attr.c setattr_prepare"},
	Root:   "It can take /etc/shadow and edit it.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to files whose owner and group are both mapped.", "kernel/capability.c capable_wrt_inode_uidgid"},
}

var dacOverride = Entry{
	Since: "2.2",
	Brief: "read and write any file",
	Permits: []Claim{
		{"read and write any file, whatever its mode and access control list say", "path_resolution(7); fs/namei.c generic_permission"},
		{"search, list and change any directory", "path_resolution(7); fs/namei.c generic_permission"},
		{"execute a file that has an execute bit for anyone at all", "path_resolution(7); fs/namei.c generic_permission"},
	},
	Use:    "Programs that run as root and work on files of other users: backup and restore, package managers, log rotation.",
	Danger: Claim{"Permission bits no longer protect any file: a process can rewrite /etc/passwd or a script that root runs. It also opens root's files in /sys and in cgroups that are mounted writable. /proc/sys checks the uid alone. Read-only mounts, immutable files and security modules still protect.", "fs/namei.c generic_permission; fs/proc/proc_sysctl.c proc_sys_permission"},
	Root:   "It can rewrite /etc/passwd.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to files whose owner and group are both mapped.", "kernel/capability.c capable_wrt_inode_uidgid"},
}

var dacReadSearch = Entry{
	Since: "2.2",
	Brief: "read any file, search any directory",
	Permits: []Claim{
		{"read any file and list any directory, whatever its mode says", "path_resolution(7); fs/namei.c generic_permission"},
		{"pass through any directory", "path_resolution(7); fs/namei.c generic_permission"},
		{"open a file by its handle with open_by_handle_at(2), without a path", "open_by_handle_at(2); fs/fhandle.c may_decode_fh"},
		{"link an open file into the tree with linkat(2) and AT_EMPTY_PATH (from Linux 6.10 needed only for a file that other credentials opened)", "open(2); fs/namei.c do_linkat, path_init"},
	},
	Use:    "Backup programs, indexers, file integrity scanners, user-space NFS servers.",
	Danger: Claim{"A file handle is not bound to a root directory and is easy to guess. From one file that is mounted from the host, such as the container's /etc/hosts, a process opens every other file of the same file system. This escape is known as Shocker.", "fs/fhandle.c handle_to_path"},
	Root:   "It can read the password hashes and private keys of every user.",
	Host:   HostDirect,
	UserNS: InPart,
	Inside: Claim{"It reads files whose owner and group are both mapped. File handles of file systems mounted in the initial user namespace stay closed to it.", "kernel/capability.c capable_wrt_inode_uidgid; fs/fhandle.c may_decode_fh"},
}

var fowner = Entry{
	Since: "2.2",
	Brief: "act as the owner of any file",
	Permits: []Claim{
		{"change the mode and the access control list of any file", "chmod(2); fs/attr.c setattr_prepare; fs/posix_acl.c vfs_set_acl"},
		{"set the times of any file to chosen values", "utimensat(2); fs/attr.c setattr_prepare"},
		{"set inode flags, other than immutable and append-only, on any file", "ioctl_iflags(2); fs/file_attr.c vfs_fileattr_set (fs/ioctl.c before Linux 6.17)"},
		{"delete and rename other users' files in sticky directories such as /tmp", "unlink(2); fs/namei.c __check_sticky"},
		{"set user extended attributes on other users' sticky directories", "xattr(7); fs/xattr.c xattr_permission"},
		{"open any file with O_NOATIME", "open(2); fs/namei.c may_open"},
		{"make hard links to any file although fs.protected_hardlinks is set", "proc_sys_fs(5); fs/namei.c may_linkat"},
	},
	Use:    "Package managers and restore programs, which set modes and times on files of other users.",
	Danger: Claim{"A process that may change a file's mode can read and write the file. It can also set the setuid bit on a program that root owns. On a mounted directory of the host these are the host's files.", "fs/attr.c setattr_prepare"},
	Root:   "It can make /etc/shadow writable for everyone.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to files whose owner is mapped.", "fs/inode.c inode_owner_or_capable"},
}

var fsetid = Entry{
	Since: "2.2",
	Brief: "keep setuid bits on changed files",
	Permits: []Claim{
		{"write to a setuid or setgid file, or truncate it, without the bit being cleared", "fs/attr.c setattr_should_drop_suidgid"},
		{"set the setgid bit on its own file whose group is not one of the process's", "chmod(2); fs/attr.c setattr_prepare"},
	},
	Use:    "Package managers and restore programs that write setuid files.",
	Danger: Claim{"A setuid program that the process may write to stays setuid with new contents. Without write access to such a file the capability gives nothing.", "fs/attr.c setattr_should_drop_suidgid"},
	Host:   HostNo,
	UserNS: InPart,
	Inside: Claim{"It sets the setgid bit on files whose ids are mapped. A write clears setuid and setgid bits all the same.", "fs/attr.c setattr_prepare, setattr_should_drop_suidgid"},
}

var linuxImmutable = Entry{
	Since: "2.2",
	Brief: "set immutable and append-only flags",
	Permits: []Claim{
		{"set and clear the immutable flag (chattr +i) on a file", "ioctl_iflags(2); fs/file_attr.c fileattr_set_prepare (fs/ioctl.c before Linux 6.17)"},
		{"set and clear the append-only flag (chattr +a) on a file", "ioctl_iflags(2); fs/file_attr.c fileattr_set_prepare (fs/ioctl.c before Linux 6.17)"},
	},
	Use:    "chattr; log systems that protect their files; backup programs that restore the flags.",
	Danger: Claim{"A process can remove the protection from logs and configuration, or protect files so that even root cannot update them. This includes files on mounted directories of the host.", "fs/file_attr.c fileattr_set_prepare"},
	Host:   HostNo,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "fs/file_attr.c fileattr_set_prepare: capable"},
}

var mknod = Entry{
	Since: "2.4",
	Brief: "create device files",
	Permits: []Claim{
		{"create block and character device files; FIFOs, sockets and, from Linux 5.8, whiteouts need no capability", "mknod(2); fs/namei.c vfs_mknod"},
	},
	Use:    "Image builders, package managers that unpack /dev, udev.",
	Danger: Claim{"A device file of the host's disk gives access to all data on it, if the device cgroup permits opening it. Docker and Podman deny that by default. On a directory shared with the host, mounted without nodev, a user of the host can open the file instead.", "fs/namei.c vfs_mknod; security/device_cgroup.c devcgroup_check_permission"},
	Root:   "Where no device cgroup denies it, it can create a device file of a disk and write to it.",
	Host:   HostWithDevice,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "fs/namei.c vfs_mknod: capable"},
}

var lease = Entry{
	Since: "2.4",
	Brief: "take leases on any file",
	Permits: []Claim{
		{"take a lease with fcntl(2) F_SETLEASE on a file that it does not own", "fcntl(2), F_SETLEASE(2const); fs/locks.c kernel_setlease, vfs_setlease"},
	},
	Use:    "File servers such as Samba, which notify clients when another process opens a file.",
	Danger: Claim{"A process delays everyone who opens the file, for up to fs.lease-break-time (45 seconds) each time, and learns that they opened it.", "fs/locks.c __break_lease"},
	Host:   HostNo,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "fs/locks.c vfs_setlease: capable"},
}

var setfcap = Entry{
	Since: "2.6.24",
	Brief: "set capabilities on files",
	Permits: []Claim{
		{"set and remove the capabilities of any file, also of another owner's", "capabilities(7); security/commoncap.c cap_convert_nscap"},
		{"map uid 0 of the parent into a new user namespace (needed from Linux 5.12)", "user_namespaces(7); kernel/user_namespace.c verify_root_map"},
	},
	Use:    "setcap, package managers, image builders.",
	Danger: Claim{"A process gives a program capabilities and executes it, and so gains its whole bounding set, unless no_new_privs or a nosuid mount prevents it. On a mounted directory of the host, a user of the host executes the program instead.", "security/commoncap.c get_file_caps"},
	Root:   "It can give any program capabilities that a later execve grants.",
	Host:   HostWithMount,
	UserNS: InFull,
	Inside: Claim{"It applies to files whose ids are mapped. What it sets counts in this namespace and in its children only.", "security/commoncap.c cap_convert_nscap, rootid_owns_currentns"},
}
