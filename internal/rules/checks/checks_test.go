package checks

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
)

// chain is a call chain as the kernel delivered it, without its common ends.
func chain(functions string) []string {
	return strings.Fields("cap_capable security_capable " + functions + " do_syscall_64 entry_SYSCALL_64_after_hwframe")
}

// TestJudge: chains of Linux 6.18, as tests/watch provokes them.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		check   Check
		kind    Kind
		asker   string
		syscall string
	}{
		{Check{Cap: caps.SysAdmin, Chain: chain("ns_capable __x64_sys_sethostname")}, Needed, "__x64_sys_sethostname", "sethostname"},
		{Check{Cap: caps.SysAdmin, Chain: chain("security_vm_enough_memory_mm do_brk_flags __do_sys_brk")}, Incidental, "security_vm_enough_memory_mm", "brk"},
		{Check{Cap: caps.SysPtrace, Chain: chain("ns_capable_noaudit __ptrace_may_access ptrace_may_access do_task_stat proc_single_show seq_read_iter seq_read vfs_read ksys_read")}, Incidental, "__ptrace_may_access", "read"},
		{Check{Cap: caps.SysPtrace, Chain: chain("ns_capable __ptrace_may_access ptrace_may_access proc_ns_get_link step_into path_openat do_filp_open do_sys_openat2 __x64_sys_openat")}, Needed, "__ptrace_may_access", "openat"},
		{Check{Cap: caps.Fsetid, Chain: chain("capable_wrt_inode_uidgid setattr_copy ext4_setattr notify_change chmod_common __x64_sys_chmod")}, Optional, "setattr_copy", "chmod"},
		{Check{Cap: caps.Chown, Chain: chain("capable_wrt_inode_uidgid setattr_prepare ext4_setattr notify_change chown_common do_fchownat __x64_sys_chown")}, Needed, "setattr_prepare", "chown"},
		// The same function asks for two purposes, and who called it says for which.
		{Check{Cap: caps.SysResource, Chain: chain("has_capability_noaudit __set_oom_adj oom_score_adj_write vfs_write ksys_write")}, Incidental, "__set_oom_adj", "write"},
		{Check{Cap: caps.SysResource, Chain: chain("capable __set_oom_adj oom_score_adj_write vfs_write ksys_write")}, Optional, "__set_oom_adj", "write"},
		{Check{Cap: caps.NetAdmin, Chain: chain("ns_capable_noaudit net_ctl_permissions sysctl_perm proc_sys_call_handler vfs_read ksys_read")}, Incidental, "net_ctl_permissions", "read"},
		{Check{Cap: caps.NetAdmin, Chain: chain("ns_capable_noaudit net_ctl_permissions sysctl_perm proc_sys_call_handler vfs_write ksys_write")}, Optional, "net_ctl_permissions", "write"},
		// On overlayfs the kernel asks twice: about the process, then about the mounter.
		{Check{Cap: caps.Fowner, Chain: chain("capable_wrt_inode_uidgid inode_owner_or_capable setattr_prepare ovl_setattr notify_change chmod_common __x64_sys_chmod")}, Needed, "inode_owner_or_capable", "chmod"},
		{Check{Cap: caps.Fowner, Chain: chain("capable_wrt_inode_uidgid inode_owner_or_capable setattr_prepare ext4_setattr notify_change ovl_setattr notify_change chmod_common __x64_sys_chmod")}, Incidental, "inode_owner_or_capable", "chmod"},
		// The owner of a namespace below ours needs no capability.
		{Check{Cap: caps.SysAdmin, Granted: true, Ours: true, Chain: chain("ns_capable unshare_nsproxy_namespaces ksys_unshare __x64_sys_unshare")}, Optional, "unshare_nsproxy_namespaces", "unshare"},
		// Without symbols every check may be a need.
		{Check{Cap: caps.SysAdmin}, Needed, "", ""},
	} {
		v := Judge(&c.check)
		if v.Kind != c.kind || v.Asker != c.asker || (v.Kind == Needed) != (v.Reason == "") {
			t.Errorf("%s by %v: %s (%q) by %q, want %s by %q", c.check.Cap, c.check.Chain, v.Kind, v.Reason, v.Asker, c.kind, c.asker)
		}
		if got := Syscall(c.check.Chain); got != c.syscall {
			t.Errorf("system call of %v: %q, want %q", c.check.Chain, got, c.syscall)
		}
	}
}

// TestAlternatives: which capability would do instead.
func TestAlternatives(t *testing.T) {
	search := chain("capable_wrt_inode_uidgid generic_permission inode_permission may_open path_openat __x64_sys_openat")
	read := Check{Cap: caps.DACReadSearch, Chain: search, Syscall: "openat"}
	override := Check{Cap: caps.DACOverride, Granted: true, Chain: search, Syscall: "openat"}
	if got := Judge(&read).Alternatives; got != caps.Of(caps.DACOverride) {
		t.Errorf("reading: %s", got)
	}
	if got := Judge(&override).Alternatives; got != 0 {
		t.Errorf("writing: %s", got)
	}
	verdict, after := Judge(&read), Judge(&override)
	FollowUp(&read, &verdict, &override, &after)
	if verdict.Kind != Incidental || after.Kind != Needed || after.Alternatives != caps.Of(caps.DACReadSearch) {
		t.Errorf("dac_override after dac_read_search: %+v, %+v", verdict, after)
	}
	verdict, after = Judge(&override), Judge(&read)
	FollowUp(&override, &verdict, &read, &after)
	if verdict.Kind != Needed || after.Alternatives != caps.Of(caps.DACOverride) {
		t.Errorf("dac_read_search after a granted dac_override: %+v, %+v", verdict, after)
	}
	read.Granted = true
	verdict, after = Judge(&read), Judge(&override)
	FollowUp(&read, &verdict, &override, &after)
	if verdict.Kind != Needed || after.Alternatives != 0 {
		t.Errorf("dac_override after a granted dac_read_search: %+v, %+v", verdict, after)
	}
	handle := Check{Cap: caps.DACReadSearch, Chain: chain("capable may_decode_fh __do_sys_open_by_handle_at")}
	if got := Judge(&handle).Alternatives; got != 0 {
		t.Errorf("open_by_handle_at: %s", got)
	}
	ioprio := Check{Cap: caps.SysAdmin, Chain: chain("capable ioprio_check_cap __do_sys_ioprio_set")}
	if got := Judge(&ioprio).Alternatives; got != caps.Of(caps.SysNice) {
		t.Errorf("ioprio_set: %s", got)
	}
}

// TestNeeds: each need once, with its alternatives, and only ours.
func TestNeeds(t *testing.T) {
	seen := func(c caps.Cap, ours bool, kind Kind, alternatives ...caps.Cap) Seen {
		return Seen{Cap: c, Ours: ours, Verdict: Verdict{Kind: kind, Alternatives: caps.Of(alternatives...)}}
	}
	f := Found{Granted: caps.Of(caps.Chown, caps.Kill), Denied: caps.Of(caps.Lease), Seen: []Seen{
		seen(caps.DACReadSearch, true, Needed, caps.DACOverride),
		seen(caps.DACOverride, true, Needed, caps.DACReadSearch),
		seen(caps.Chown, true, Needed),
		seen(caps.BPF, true, Needed, caps.SysAdmin),
		seen(caps.SysAdmin, true, Needed),
		seen(caps.SysTime, false, Needed),
		seen(caps.Fsetid, true, Optional),
		seen(caps.Syslog, true, Incidental),
	}}
	want := []caps.Set{caps.Of(caps.Chown), caps.Of(caps.SysAdmin), caps.Of(caps.DACOverride, caps.DACReadSearch)}
	if got := f.Needs(); !slices.Equal(got, want) {
		t.Errorf("needs %v, want %v", got, want)
	}
	if got := f.Optional(); !slices.Equal(got, []caps.Set{caps.Of(caps.Fsetid)}) {
		t.Errorf("optional %v", got)
	}
	if got := f.Missed(); got != caps.Of(caps.Kill, caps.Lease) {
		t.Errorf("missed %v", got)
	}
}
