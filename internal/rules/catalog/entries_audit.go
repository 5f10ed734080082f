package catalog

import "capsh/internal/rules/caps"

// Capabilities over auditing and security modules.
var auditEntries = []Entry{{
	Cap:   caps.AuditWrite,
	Since: "2.6.11",
	Brief: "write to the audit log",
	Permits: []Claim{
		{"send user messages to the kernel's audit log over netlink", "netlink(7); kernel/audit.c audit_netlink_ok"},
		{"have fanotify permission events audited (FAN_ENABLE_AUDIT), together with CAP_SYS_ADMIN", "fanotify_init(2); fs/notify/fanotify/fanotify_user.c"},
	},
	Use:    "login, sshd, sudo, su and PAM, which log who logs in.",
	Danger: Claim{"A process can flood the host's audit log, or add false records of logins. It cannot forge the kernel's own records.", "kernel/audit.c audit_receive_msg"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel refuses audit messages from every other user namespace (ECONNREFUSED).", "kernel/audit.c audit_netlink_ok: current_user_ns() != &init_user_ns"},
}, {
	Cap:   caps.AuditControl,
	Since: "2.6.11",
	Brief: "configure auditing",
	Permits: []Claim{
		{"in the initial PID namespace, switch auditing on and off, read and change its rules, and become the audit daemon", "netlink(7), auditctl(8); kernel/audit.c audit_netlink_ok"},
		{"change a login uid that is already set (/proc/self/loginuid), unless auditing made it immutable", "proc_pid_loginuid(5); kernel/audit.c audit_set_loginuid_perm"},
	},
	Use:    "auditd and auditctl on the host.",
	Danger: Claim{"A process can change its login uid, so that audit records name another user. With the host's PIDs it can turn auditing off.", "kernel/audit.c audit_netlink_ok, audit_set_loginuid_perm"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "kernel/audit.c audit_netlink_ok, audit_set_loginuid_perm: capable"},
}, {
	Cap:   caps.AuditRead,
	Since: "3.16",
	Brief: "read the audit log",
	Permits: []Claim{
		{"receive audit records as they are made, over a multicast netlink socket in the initial network namespace", "netlink(7); kernel/audit.c audit_multicast_bind, kauditd_send_multicast_skb"},
	},
	Use:    "systemd-journald and other collectors beside auditd.",
	Danger: Claim{"Records are sent in the host's network namespace alone. With the host's network a process reads who logs in, what is executed and which rules are watched, on the whole host.", "kernel/audit.c kauditd_send_multicast_skb"},
	Host:   HostPart,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "kernel/audit.c audit_multicast_bind: capable"},
}, {
	Cap:   caps.MACOverride,
	Since: "2.6.25",
	Brief: "bypass Smack's access rules",
	Permits: []Claim{
		{"ignore the access rules of Smack; SELinux and Landlock do not check this capability", "security/smack/smack_access.c smack_privileged"},
		{"change from the unconfined AppArmor profile to another where that is restricted", "security/apparmor/domain.c aa_change_profile"},
	},
	Use:    "System services on Smack systems such as Tizen.",
	Danger: Claim{"Where Smack is enabled, its policy no longer restricts the process. On other systems it permits next to nothing.", "security/smack/smack_access.c smack_privileged"},
	Host:   HostNo,
	UserNS: InNothing,
	Inside: Claim{"The kernel asks for the capability in the initial user namespace.", "security/smack/smack_access.c smack_privileged_cred: cap_capable(&init_user_ns)"},
}, {
	Cap:   caps.MACAdmin,
	Since: "2.6.25",
	Brief: "change security module policy",
	Permits: []Claim{
		{"load, replace and remove AppArmor profiles", "apparmor_parser(8); security/apparmor/policy.c aa_may_manage_policy"},
		{"change Smack's rules and labels", "security/smack/smackfs.c smk_write_rules_list; security/smack/smack_lsm.c smack_inode_setxattr"},
		{"set and read SELinux labels that the loaded policy does not define", "security/selinux/hooks.c has_cap_mac_admin"},
		{"set the policy of SafeSetID", "security/safesetid/securityfs.c safesetid_uid_file_write"},
		{"load and activate policies of IPE", "security/ipe/fs.c new_policy; security/ipe/policy_fs.c setactive"},
	},
	Use:    "apparmor_parser, service managers and installers that label files.",
	Danger: Claim{"A process can change the policy that confines it and the host, where securityfs is writable. That removes one protection; it does not by itself allow escape.", "security/apparmor/policy.c aa_may_manage_policy"},
	Host:   HostPart,
	UserNS: InException,
	Inside: Claim{"It changes AppArmor profiles of a policy namespace that belongs to this user namespace.", "security/apparmor/policy.c aa_may_manage_policy, aa_policy_admin_capable"},
}}
