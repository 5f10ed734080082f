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
	// Root is the folder of the filesystem that is mounted at Point.
	Root, Point string
	// ReadOnly is true if the mount or the filesystem is.
	ReadOnly     bool
	Type, Source string
	// Super are the filesystem's own options.
	Super string
}

// Mounts is a mount table in the kernel's order.
type Mounts []Mount

// ParseMounts reads a mountinfo file; false if it is none.
func ParseMounts(text string) (Mounts, bool) {
	var list Mounts
	for line := range strings.Lines(text) {
		m, ok := parseMount(strings.TrimSuffix(line, "\n"))
		if !ok {
			return nil, false
		}
		list = append(list, m)
	}
	return list, true
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
	m.Dev, m.Root, m.Point = f[2], unescapeOctal(f[3]), unescapeOctal(f[4])
	m.Type, m.Source, m.Super = unescapeOctal(s[0]), unescapeOctal(s[1]), s[2]
	m.ReadOnly = hasOption(f[5], "ro") || hasOption(m.Super, "ro")
	return m, errID == nil && errParent == nil
}

func hasOption(list, name string) bool {
	return slices.Contains(strings.Split(list, ","), name)
}

// unescapeOctal undoes the kernel's \040 for blanks and the like (mangle_path).
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// At is the mount that a path is in, as path lookup finds it: from the root down,
// each time to the mount on top. False where there is none: a folder above all
// mounts, as a chroot(2) leaves it.
func (t Mounts) At(path string) (Mount, bool) {
	var now Mount
	found := false
	for end := 1; ; {
		for {
			m, ok := t.on(path[:end], now, found)
			if !ok {
				break
			}
			now, found = m, true
		}
		if end >= len(path) {
			return now, found
		}
		if next := strings.IndexByte(path[end+1:], '/'); next >= 0 {
			end += 1 + next
		} else {
			end = len(path)
		}
	}
}

// on is the mount whose point is at a path and which lies on another one; with
// none so far, on one that is not in the table.
func (t Mounts) on(point string, under Mount, have bool) (Mount, bool) {
	for _, m := range t {
		if m.Point != point || m.ID == under.ID {
			continue
		}
		if have && m.Parent == under.ID || !have && !t.has(m.Parent, m.ID) {
			return m, true
		}
	}
	return Mount{}, false
}

// has reports whether a mount other than self is in the table.
func (t Mounts) has(id, self int) bool {
	return slices.ContainsFunc(t, func(m Mount) bool { return m.ID == id && id != self })
}

// visible lists the mounts that no later one hides, in the kernel's order.
func (t Mounts) visible() Mounts {
	var list Mounts
	for _, m := range t {
		if top, ok := t.At(m.Point); ok && top.ID == m.ID {
			list = append(list, m)
		}
	}
	return list
}

// onDisk reports whether a filesystem keeps files where a reboot leaves them.
func (m Mount) onDisk() bool {
	return strings.HasPrefix(m.Source, "/dev/") || m.Type == "zfs" || m.Type == "btrfs" || m.Type == "nfs" || m.Type == "nfs4"
}
