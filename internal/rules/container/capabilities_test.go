package container

import (
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// TestGraded: what the runtime's filter, the kernel and a second capability leave of one.
func TestGraded(t *testing.T) {
	as := func(cgroup string) func(f *Facts) {
		return func(f *Facts) { nobodys(t, f); f.Cgroup = cred.Is("0::" + cgroup) }
	}
	podman, lxc, nspawn := as("/machine.slice/libpod-"+id1+".scope"), as("/lxc.payload.web"), as("/machine.slice/machine-web.scope")
	none := func(*Facts) {}
	off := func(f *Facts) { f.Process.Seccomp = cred.Is(cred.SeccompOff) }
	with := func(set ...caps.Cap) func(f *Facts) {
		return func(f *Facts) { f.hold(f.Process.Permitted | caps.Of(set...)) }
	}
	for _, c := range []struct {
		name       string
		where, has func(f *Facts)
		of         caps.Cap
		want       Severity
		reason     string
	}{
		{"kernel memory, docker", none, with(caps.BPF, caps.Perfmon), caps.BPF, Medium, "before version 23"},
		{"kernel memory, podman", podman, with(caps.BPF, caps.Perfmon), caps.BPF, Low, "default seccomp filter of podman stops bpf"},
		{"kernel memory by sys_admin, podman", podman, with(caps.BPF, caps.Perfmon, caps.SysAdmin), caps.BPF, Critical, ""},
		{"kernel memory, LXC", lxc, with(caps.BPF, caps.Perfmon), caps.BPF, Critical, ""},
		{"kernel memory, nspawn", nspawn, with(caps.BPF, caps.Perfmon, caps.SysAdmin), caps.BPF, Low, "default seccomp filter"},
		{"profiles alone", off, with(caps.Perfmon), caps.Perfmon, Medium, "only with bpf"},
		{"profiles alone, podman", podman, with(caps.Perfmon), caps.Perfmon, Low, "stops perf_event_open"},
		{"programs alone", off, with(caps.BPF), caps.BPF, Low, "not without perfmon"},
		{"tried, another filter", podman, func(f *Facts) {
			f.hold(f.Process.Permitted | caps.Of(caps.BPF, caps.Perfmon))
			f.Permits = map[Syscall]bool{BPF: true, PerfEventOpen: true}
		}, caps.BPF, Critical, ""},
		{"handles", none, with(caps.DACReadSearch), caps.DACReadSearch, Critical, ""},
		{"handles, LXC", lxc, with(caps.DACReadSearch), caps.DACReadSearch, Low, "open_by_handle_at"},
		{"handles, an unknown runtime", as("/"), with(caps.DACReadSearch), caps.DACReadSearch, Critical, "unless the seccomp filter"},
		{"kexec", none, with(caps.SysBoot), caps.SysBoot, Low, "kexec_load"},
		{"kexec, no filter", off, with(caps.SysBoot), caps.SysBoot, Critical, ""},
		{"modules, LXC", lxc, with(caps.SysModule), caps.SysModule, Low, "init_module"},
		{"I/O ports", none, with(caps.SysRawio), caps.SysRawio, Critical, "unless this kernel has no iopl(2)"},
		{"I/O ports that there are", func(f *Facts) { f.PortIO = cred.Is(true) }, with(caps.SysRawio), caps.SysRawio, Critical, ""},
		{"I/O ports that the filter stops", func(f *Facts) {
			f.PortIO, f.Permits = cred.Is(true), map[Syscall]bool{IOPL: false}
		}, with(caps.SysRawio), caps.SysRawio, Low, "filter stops iopl"},
		{"I/O ports, a runtime unknown", as("/"), with(caps.SysRawio), caps.SysRawio, Critical, "unless this kernel has no iopl(2)"},
		{"I/O ports that there are not", func(f *Facts) { f.PortIO = cred.Is(false) }, with(caps.SysRawio), caps.SysRawio, Low, "no iopl(2)"},
		{"the audit log", func(f *Facts) { f.Namespaces[NetNS].Inode = f.Namespaces[NetNS].Host }, with(caps.AuditRead), caps.AuditRead, Medium, ""},
		{"the audit log, podman", func(f *Facts) {
			podman(f)
			f.Namespaces[NetNS].Inode = f.Namespaces[NetNS].Host
			f.hold(0)
		}, with(caps.AuditRead), caps.AuditRead, Low, "audit_write"},
	} {
		f := boxed(t)
		c.where(&f)
		c.has(&f)
		a := Assess(&f)
		if got, reason := a.capability(&f, c.of); got != c.want || !strings.Contains(reason, c.reason) || (c.reason == "") != (reason == "") {
			t.Errorf("%s, %s: %s, %q; want %s, %q", c.name, a.Runtime, got, reason, c.want, c.reason)
		}
	}
}

// TestNodesThatOpen: a device node is worth nothing where all mounts are nodev.
func TestNodesThatOpen(t *testing.T) {
	for options, want := range map[string]Severity{"rw": Critical, "rw,nodev": Low, "ro": Low} {
		f := boxed(t)
		f.DeviceRules.Value, _ = ParseDeviceRules("a *:* rwm\n")
		f.Mounts = cred.Is(parse(t, "1 0 0:40 / / "+options+" - tmpfs tmpfs rw\n"))
		if a := Assess(&f); a.severity("device-cgroup") != want {
			t.Errorf("%s: %s, want %s", options, a.severity("device-cgroup"), want)
		}
		f.hold(f.Process.Permitted | caps.Of(caps.SysAdmin))
		if a := Assess(&f); a.severity("device-cgroup") != Critical {
			t.Errorf("%s, with sys_admin: %s", options, a.severity("device-cgroup"))
		}
	}
}
