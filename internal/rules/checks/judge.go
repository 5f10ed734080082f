package checks

import (
	"slices"
	"strings"
)

// Judge classifies a check by the chain of functions that led to it. Without a chain
// each check is a need.
func Judge(c *Check) Verdict {
	v := Verdict{Kind: Needed, Asker: Asker(c.Chain), Alternatives: alternatives(c)}
	if belowOverlay(c.Chain) {
		v.Kind, v.Reason = Incidental, overlay
		return v
	}
	for i := range entries {
		if entries[i].matches(c) {
			v.Kind, v.Reason = entries[i].kind, entries[i].reason
			return v
		}
	}
	if c.Granted && c.Ours && c.Namespace.Kind == Other {
		v.Kind, v.Reason = Optional, owner
	}
	return v
}

// generic are the functions through which all kernel code makes its checks: they do
// not show the reason for one.
var generic = []string{
	"cap_capable", "security_capable", "capable", "ns_capable", "ns_capable_noaudit", "ns_capable_setid",
	"has_capability", "has_ns_capability", "has_capability_noaudit", "has_ns_capability_noaudit",
	"file_ns_capable", "capable_wrt_inode_uidgid", "ptracer_capable", "sk_ns_capable", "sk_capable",
	"sk_net_capable", "sockopt_ns_capable", "sockopt_capable", "netlink_ns_capable", "__netlink_ns_capable",
	"netlink_capable", "netlink_net_capable", "bpf_token_capable", "bpf_ns_capable",
}

// Asker is the function that made the check: the innermost one that is not generic.
func Asker(chain []string) string {
	for _, f := range chain {
		if f != "" && !slices.Contains(generic, f) {
			return f
		}
	}
	return ""
}

// callPrefixes are how the functions of system calls are named
// (arch/*/include/asm/syscall_wrapper.h, include/linux/syscalls.h).
var callPrefixes = []string{
	"__x64_sys_", "__x64_compat_sys_", "__ia32_sys_", "__ia32_compat_sys_", "__arm64_sys_", "__arm64_compat_sys_",
	"__riscv_sys_", "__riscv_compat_sys_", "__s390x_sys_", "__s390_sys_", "__se_sys_", "__se_compat_sys_",
	"__do_sys_", "__do_compat_sys_", "sys_", "compat_sys_", "ksys_", "__sys_",
}

// Syscall is the name of the system call that a chain comes from; empty where it
// comes from none, or nothing says so.
func Syscall(chain []string) string {
	for _, f := range slices.Backward(chain) {
		for _, prefix := range callPrefixes {
			if name, ok := strings.CutPrefix(f, prefix); ok {
				return callName(name)
			}
		}
	}
	return ""
}

// callName is the name of a system call by that of its function.
func callName(function string) string {
	switch function {
	case "newuname", "newstat", "newlstat", "newfstat":
		return function[len("new"):]
	case "mmap_pgoff":
		return "mmap"
	}
	return function
}
