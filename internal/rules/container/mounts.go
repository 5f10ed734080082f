package container

import (
	"slices"
	"strconv"
	"strings"
)

// Mount is a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	ID, Parent int
	// Dev is the filesystem's device, "8:1".
	Dev string
	// Root is the directory of the filesystem that is mounted at Point.
	Root, Point string
	// ReadOnly is true if the mount or the filesystem is.
	ReadOnly bool
	// NoDev is true if no device can be opened there.
	NoDev        bool
	Type, Source string
	// Super are the filesystem's own options.
	Super string
}

// Mounts is a mount table.
type Mounts struct {
	List []Mount // in the kernel's order
	on   map[place]int
}

// place is where a mount lies: on another one, at a path.
type place struct {
	parent int
	point  string
}

// outside is the parent in place of all that are not in the table.
const outside = -1

// ParseMounts reads a mountinfo file; false if it is none.
func ParseMounts(text string) (Mounts, bool) {
	t := Mounts{on: map[place]int{}}
	ids := map[int]bool{}
	for line := range strings.Lines(text) {
		m, ok := parseMount(strings.TrimSuffix(line, "\n"))
		if !ok {
			return Mounts{}, false
		}
		t.List = append(t.List, m)
		ids[m.ID] = true
	}
	for i, m := range t.List {
		at := place{m.Parent, m.Point}
		if !ids[m.Parent] || m.Parent == m.ID {
			at.parent = outside
		}
		if _, taken := t.on[at]; !taken {
			t.on[at] = i
		}
	}
	return t, true
}

// parseMount reads one line:
//
//	36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/sda rw,errors=continue
func parseMount(line string) (m Mount, ok bool) {
	before, after, ok := strings.Cut(line, " - ")
	f, s := strings.Split(before, " "), strings.Split(after, " ")
	if !ok || len(f) < 6 || len(s) < 3 {
		return m, false
	}
	var errID, errParent error
	m.ID, errID = strconv.Atoi(f[0])
	m.Parent, errParent = strconv.Atoi(f[1])
	m.Dev, m.Root, m.Point = f[2], unescape(f[3], `\`, 8, 3), unescape(f[4], `\`, 8, 3)
	m.Type, m.Source, m.Super = unescape(s[0], `\`, 8, 3), unescape(s[1], `\`, 8, 3), s[2]
	m.ReadOnly = hasOption(f[5], "ro") || hasOption(m.Super, "ro")
	m.NoDev = hasOption(f[5], "nodev")
	return m, errID == nil && errParent == nil && strings.HasPrefix(m.Point, "/")
}

func hasOption(list, name string) bool {
	return slices.Contains(strings.Split(list, ","), name)
}

// At is the mount that a path is in, as path lookup finds it: from the root down,
// each time to the mount on top. False where there is none: a directory above all
// mounts, as a chroot(2) leaves it.
func (t Mounts) At(path string) (now Mount, ok bool) {
	under := outside
	for end := 1; ; {
		for range t.List { // no stack is higher, whatever a false table says
			i, on := t.on[place{under, path[:end]}]
			if !on {
				break
			}
			now, ok, under = t.List[i], true, t.List[i].ID
		}
		if end >= len(path) {
			return now, ok
		}
		if next := strings.IndexByte(path[end+1:], '/'); next >= 0 {
			end += 1 + next
		} else {
			end = len(path)
		}
	}
}

// Visible lists the mounts that no later one hides, in the kernel's order.
func (t Mounts) Visible() []Mount {
	var list []Mount
	for _, m := range t.List {
		if top, ok := t.At(m.Point); ok && top.ID == m.ID {
			list = append(list, m)
		}
	}
	return list
}

// byKernel reports whether the files of a filesystem are the kernel's, or LXC's in
// their place: nobody keeps anything there.
func (m Mount) byKernel() bool {
	switch m.Type {
	case "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "nsfs", "hugetlbfs", "bpf", "debugfs", "tracefs",
		"securityfs", "configfs", "efivarfs", "pstore", "fusectl", "binfmt_misc", "selinuxfs", "rpc_pipefs", "autofs", "fuse.lxcfs":
		return true
	}
	return false
}

// Local reports whether a filesystem keeps files and no other host or program
// has to answer for it: to look at them keeps nobody waiting.
func (m Mount) Local() bool { return !m.byKernel() && !m.remote() }

// MayHang reports whether a look at the container's files may never end. Where its mounts
// are unknown, it may.
func (f *Facts) MayHang() bool {
	return !f.Mounts.OK || slices.ContainsFunc(f.Mounts.Value.List, func(m Mount) bool {
		return m.remote() || m.Type == "autofs" || m.Type == "virtiofs"
	})
}

// remote reports whether another host, or a program, answers for a filesystem,
// or fails to.
func (m Mount) remote() bool {
	switch m.Type {
	case "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "lustre", "gfs2", "ocfs2", "fuse", "fuseblk":
		return true
	}
	return strings.HasPrefix(m.Type, "fuse.")
}
