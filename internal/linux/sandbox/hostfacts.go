package sandbox

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/release"
)

// What the host's kernel and its settings leave of a danger.

// settings reads the kernel's settings.
func (r root) settings(f *container.Facts) {
	f.HostRoot = r.hostRoot()
	if own, err := self.UserNS(); err == nil {
		same := own.Same(&f.Process.UserNS)
		f.SharesUserNS = same.OK && same.Value
	}
	if !procfs.IsProcfs(string(r.Root)) {
		return
	}
	f.LockedDown = lockedDown()
	if f.Process.Bounding.Has(caps.SysRawio) || f.Process.Permitted.Has(caps.SysRawio) {
		f.PortIO = portIO(f.Release.Value)
	}
	f.Modules = r.setting("sys/kernel/modules_disabled", "0")
	f.KernelExec = r.setting("sys/kernel/kexec_load_disabled", "0")
	f.UserNamespaces = self.SettingsOfUserNS(func(name string) ([]byte, error) {
		return files.Here.ReadFile(string(r.Root) + "/" + name)
	})
	f.Disks = r.disks()
}

// hostRoot is the host's uid 0 as this process sees it: /proc belongs to it
// (proc_get_inode, fs/proc/inode.c).
func (r root) hostRoot() (id cred.Known[container.HostUID]) {
	var st unix.Stat_t
	if !procfs.IsProcfs(string(r.Root)) || unix.Stat(string(r.Root), &st) != nil {
		return id
	}
	ids := procfs.ShownIDs()
	return cred.Is(container.HostUID{UID: st.Uid, Mapped: ids.TrueUID(st.Uid)})
}

// lockedDown reads it where securityfs is mounted: "none [integrity] confidentiality".
func lockedDown() cred.Known[bool] {
	text, err := files.Here.ReadFile("/sys/kernel/security/lockdown")
	return cred.Known[bool]{Value: err == nil && !strings.Contains(string(text), "[none]"), OK: err == nil}
}

// noCall is a number that no system call has: ENOSYS.
const noCall = ^uintptr(0)

// ioplNumber is that of iopl(2), which x86 alone has.
func ioplNumber() uintptr {
	switch runtime.GOARCH {
	case "amd64":
		return 172
	case "386":
		return 110
	}
	return noCall
}

// portIO asks for I/O privilege level 0, which every process has (ksys_iopl,
// arch/x86/kernel/ioport.c). A seccomp filter may answer in the kernel's place; what it
// refuses, the kernel's symbols show.
func portIO(release string) cred.Known[bool] {
	number := ioplNumber()
	if number == noCall {
		return cred.Is(false)
	}
	if _, _, errno := unix.RawSyscall(number, 0, 0, 0); errno == 0 {
		return cred.Is(true)
	}
	symbols, _ := procfs.ReadOwn("kallsyms") // none: unknown
	return portIOBySymbols(symbols, release)
}

// portIOBySymbols looks for a function that is there if iopl(2) is: both have been left out
// without CONFIG_X86_IOPL_IOPERM since Linux 5.5. Before that every kernel had the call.
func portIOBySymbols(symbols []byte, kernel string) cred.Known[bool] {
	has := func(name string) bool { return bytes.Contains(symbols, []byte(" "+name+"\n")) }
	before, known := release.Before(kernel, 5, 5)
	old := before && known
	return cred.Known[bool]{Value: old || has("io_bitmap_share"), OK: old || has("ksys_ioperm")}
}

// setting reports whether a setting of the kernel has a value; false where the kernel
// lacks it.
func (r root) setting(name, value string) cred.Known[bool] {
	text, err := files.Here.ReadFile(string(r.Root) + "/" + name)
	switch {
	case err == nil:
		return cred.Is(strings.TrimSpace(string(text)) == value)
	case !exists(string(r.Root)+"/"+name) && exists(string(r.Root)+"/sys/kernel/osrelease"):
		return cred.Is(false)
	}
	return cred.Known[bool]{}
}

// disks are the block devices that have data (/proc/partitions).
func (r root) disks() (list cred.Known[[]container.DeviceNumber]) {
	text, err := files.Here.ReadFile(string(r.Root) + "/partitions")
	list.OK = err == nil
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) != 4 {
			continue
		}
		major, err := strconv.ParseUint(words[0], 10, 32)
		minor, minorErr := strconv.ParseUint(words[1], 10, 32)
		if err == nil && minorErr == nil {
			list.Value = append(list.Value, container.DeviceNumber{Major: uint32(major), Minor: uint32(minor)})
		}
	}
	return list
}

// deviceRules reads devices.list of the process's cgroup, in the hierarchy as this
// process has it mounted.
func deviceRules(f *container.Facts) (rules cred.Known[container.DeviceRules]) {
	path, ok := f.DeviceCgroup()
	text, err := procfs.ReadOwn("self/mountinfo")
	if !ok || err != nil {
		return rules
	}
	mounts, _ := container.ParseMounts(string(text))
	for _, dir := range mounts.CgroupPaths("devices", path) {
		if text, err := files.Here.ReadFile(dir + "/devices.list"); err == nil {
			rules.Value, rules.OK = container.ParseDeviceRules(string(text))
			return rules
		}
	}
	return rules
}

// hostProcs finds where a procfs of a PID namespace outside that of the process is
// mounted, or the directory of one process, which no runtime mounts. Such a procfs shows
// this process by an id for each namespace from its own down to this process's.
func (l place) hostProcs(f *container.Facts) (list []string) {
	below := len(f.Process.NSPID) - 1 // how deep the process is below this one's procfs
	for _, m := range f.Mounts.Value.Visible() {
		if m.Process() {
			if _, err := l.stat(m.Point + "/status"); err == nil {
				list = append(list, m.Point)
			}
			continue
		}
		if m.Type != "proc" || m.Root != "/" {
			continue
		}
		text, ok := l.text(strings.TrimSuffix(m.Point, "/") + "/self/status")
		var own cred.Process
		if !ok || !text.OK || procfs.ParseStatus([]byte(text.Value), &own) != nil {
			continue
		}
		if above := len(own.NSPID) - 1; above >= 0 && above+below > 0 {
			list = append(list, m.Point)
		}
	}
	return list
}

// ueventHelper reports whether a sysfs here has the file.
func (l place) ueventHelper(mounts []container.Mount) cred.Known[bool] {
	for _, m := range mounts {
		if m.Type != "sysfs" || m.Root != "/" {
			continue
		}
		switch _, err := l.stat(strings.TrimSuffix(m.Point, "/") + "/kernel/uevent_helper"); {
		case err == nil:
			return cred.Is(true)
		case absent(err):
			return cred.Is(false)
		}
	}
	return cred.Known[bool]{}
}
