package container

import (
	"slices"
	"strings"
)

// What a procfs shows of the host, in /proc or wherever else it or a part of
// it is mounted.

// ProcFiles are the files of procfs, below it, that runtimes hide and that about
// every kernel has (OCI runtimes, "maskedPaths"), and last the one that they make
// read-only.
func ProcFiles() []string { return []string{"kcore", "keys", "timer_list", sysrq} }

const sysrq = "sysrq-trigger"

// procPath is where a mount of a procfs shows a file of it; false if the mount
// has no such file, or another hides it.
func (f *Facts) procPath(m Mount, name string) (path string, ok bool) {
	switch {
	case m.Type != "proc":
		return "", false
	case m.Root == "/"+name:
		return m.Point, true
	case m.Root != "/", hasOption(m.Super, "subset=pid"): // the latter has processes alone (proc(5))
		return "", false
	}
	path = strings.TrimSuffix(m.Point, "/") + "/" + name
	top, ok := f.Mounts.Value.At(path)
	return path, ok && top.ID == m.ID
}

// findProcMasks looks at whether the files of procfs that show the host are hidden.
func (a *Assessment) findProcMasks(f *Facts) {
	const id = "proc-masks"
	var open, hidden []string
	for _, m := range f.visible {
		for _, name := range f.ProcFiles.Value {
			path, ok := f.procPath(m, name)
			switch {
			case name == sysrq:
			case ok:
				open = append(open, path)
			case path != "":
				hidden = append(hidden, path)
			}
		}
	}
	switch {
	case !f.ProcFiles.OK:
		a.unread(id, "which files this kernel's procfs has")
	case len(open) > 0:
		a.add(id, f.graded(Medium), "not masked: "+firstOf(open, 4), "Root can read the host's timers and, with cap_sys_rawio, its memory.")
	case len(hidden) == 0:
		a.add(id, OK, "no procfs shows the files that runtimes mask", "")
	default:
		a.add(id, OK, "masked: "+firstOf(hidden, 4), "")
	}
}

// findProcSys looks at whether the host's settings can be written: its core_pattern
// runs a program on the host. That takes uid 0; no capability replaces it. For
// sysrq-trigger it is enough that root's files obey the process.
func (a *Assessment) findProcSys(f *Facts) {
	const id = "proc-sys"
	var open []string
	severity, meaning := OK, ""
	found := func(path string, worth Severity, why string) {
		if open = append(open, path); worth > severity {
			severity, meaning = worth, why
		}
	}
	for _, m := range f.visible {
		if m.Type != "proc" || m.ReadOnly {
			continue
		}
		path, whole := f.procPath(m, "sys")
		if !whole {
			path = m.Point
		}
		if whole || m.hostSettings() {
			found(path, f.gradedIf(f.asHostRoot(), Critical), "The host's uid 0 can set kernel.core_pattern, which runs a program on the host and so allows escape to the host.")
		}
		if path, ok := f.procPath(m, sysrq); ok && (m.Root != "/" || slices.Contains(f.ProcFiles.Value, sysrq)) {
			found(path, f.graded(High), "The host can be crashed and restarted.")
		}
	}
	switch {
	case len(open) == 0:
		a.add(id, OK, "/proc/sys is read-only or not there", "")
	case severity == Low:
		a.add(id, Low, "writable: "+firstOf(open, 4), "Only the host's uid 0 may write there, which this process cannot become.")
	default:
		a.add(id, severity, "writable: "+firstOf(open, 4), meaning)
	}
}

// hostSettings reports whether a mount is a part of a procfs's sys. Its net is
// the network namespace's own, and LXC and systemd-nspawn leave that writable.
func (m Mount) hostSettings() bool {
	part, ok := strings.CutPrefix(m.Root, "/sys/")
	return ok && part != "net" && !strings.HasPrefix(part, "net/")
}
