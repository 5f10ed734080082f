package container

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
)

// The host's processes, seen by a shared PID namespace or a procfs of an outer one.

// processesWorth is what it is worth to see the host's processes, and why; where the
// PID namespace is shared they can be signalled, too.
// /proc/PID/root of a process leads to its files, past read-only mounts, for one who
// has its ids and its capabilities (ptrace_may_access, kernel/ptrace.c). That takes
// one user namespace, and no security module that confines.
func (f *Facts) processesWorth(shared bool) (Severity, string) {
	seen := "All of the host's processes and their arguments can be seen"
	switch {
	case shared && f.confined():
		seen = "All of the host's processes can be seen, and those of the same user can be signalled"
	case shared:
		seen = "All of the host's processes can be seen, and those of the same user can be signalled (with cap_kill, all of them)"
	}
	switch become := f.ready().Contains(caps.Of(caps.Setuid, caps.Setgid)); {
	case f.confined():
		return Medium, seen + "."
	case f.Label.Value != "" && !unconfined(f.Label.Value):
		return Medium, seen + ". The security module keeps their files out of reach."
	case f.ready().Has(caps.SysPtrace):
		return Critical, seen + ". With cap_sys_ptrace they can be taken over, which allows escape to the host."
	case become:
		return High, seen + ". With cap_setuid and cap_setgid the process becomes their users, and through /proc/PID/root it reads and writes all files that those users can."
	case f.asHostRoot(), shared && f.ready().Has(caps.Kill):
		return High, seen + ". Through /proc/PID/root it reaches the files of processes with the same user and no more capabilities."
	}
	return Medium, seen + ". Through /proc/PID/root it reaches the files of processes with the same user."
}

// Process reports whether a mount is the directory of a process in a procfs.
func (m Mount) Process() bool {
	_, err := strconv.Atoi(strings.TrimPrefix(m.Root, "/"))
	return m.Type == "proc" && err == nil
}

// findHostProcs looks for a procfs of an outer PID namespace. Of a shared one the
// finding of that namespace speaks.
func (a *Assessment) findHostProcs(f *Facts) {
	const id = "host-proc"
	if shared := f.shared(PIDNS); len(f.HostProcs) == 0 || shared.OK && shared.Value {
		a.add(id, OK, "no procfs of the host is mounted", "")
		return
	}
	severity, meaning := f.processesWorth(false)
	other := func(path string) bool { m, _ := f.Mounts.Value.At(path); return !m.Process() }
	if severity == High && !slices.ContainsFunc(f.HostProcs, other) {
		severity, meaning = Medium, "What a process of the host does can be seen."
	}
	a.add(id, severity, "the host's processes are shown at "+firstOf(f.HostProcs, 3), meaning)
}
