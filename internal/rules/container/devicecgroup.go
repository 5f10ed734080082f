package container

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The device cgroup: which devices a process may make nodes of and open, whatever
// capabilities it has (Documentation/admin-guide/cgroup-v1/devices.rst). With version
// 2 it is a BPF program, whose rules nobody can read.

// DeviceNumber names a device of a kind.
type DeviceNumber struct{ Major, Minor uint32 }

// DeviceRules are the lines of devices.list.
type DeviceRules []deviceRule

type deviceRule struct {
	kind         byte // a, b, c
	major, minor int64
	open         bool // to read or to write
}

const anyNumber = -1

// ParseDeviceRules reads a devices.list; false if it is none:
//
//	c 1:3 rwm
//	a *:* rwm
func ParseDeviceRules(text string) (rules DeviceRules, ok bool) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 || len(words[0]) != 1 {
			return nil, false
		}
		major, minor, _ := strings.Cut(words[1], ":")
		r := deviceRule{kind: words[0][0], open: strings.ContainsAny(words[2], "rw")}
		var errMajor, errMinor error
		r.major, errMajor = deviceNumber(major)
		r.minor, errMinor = deviceNumber(minor)
		if errMajor != nil || errMinor != nil {
			return nil, false
		}
		rules = append(rules, r)
	}
	return rules, true
}

func deviceNumber(text string) (int64, error) {
	if text == "*" {
		return anyNumber, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// Permit reports whether a device may be opened to read or to write
// (match_exception, security/device_cgroup.c).
func (rules DeviceRules) Permit(d Device) bool {
	kind := byte('c')
	if d.Block {
		kind = 'b'
	}
	for _, r := range rules {
		if r.open && (r.kind == 'a' || r.kind == kind) &&
			(r.major == anyNumber || r.major == int64(d.Major)) && (r.minor == anyNumber || r.minor == int64(d.Minor)) {
			return true
		}
	}
	return false
}

// Given reports whether there is a node of a device.
func (f *Facts) Given(n DeviceNumber) bool {
	return slices.ContainsFunc(f.Devices.Value, func(d Device) bool { return d.Major == n.Major && d.Minor == n.Minor })
}

// ownRules are those of no device that was given as a node.
func (f *Facts) ownRules() (rules DeviceRules) {
	for _, r := range f.DeviceRules.Value {
		if !f.Given(DeviceNumber{uint32(r.major), uint32(r.minor)}) {
			rules = append(rules, r)
		}
	}
	return rules
}

// permitConsole reports whether the rules permit the host's consoles or what is like
// them, such as its keyboards.
func (f *Facts) permitConsole() bool {
	return slices.ContainsFunc(f.ownRules(), func(r deviceRule) bool {
		d := Device{Major: uint32(max(r.major, 0)), Minor: uint32(max(r.minor, 0))}
		return r.open && r.kind != 'b' && (r.major == anyNumber || d.Kind() == ConsoleDevice || d.Kind() == DiskDevice)
	})
}

// permitDisk reports whether the rules permit a disk of the host, or a whole kind of
// disks where these are not known. A device that was given as a node has its own rule.
func (f *Facts) permitDisk() bool {
	rules := f.ownRules()
	for _, n := range f.Disks.Value {
		if rules.Permit(Device{Block: true, Major: n.Major, Minor: n.Minor}) {
			return true
		}
	}
	return !f.Disks.OK && slices.ContainsFunc(rules, func(r deviceRule) bool { return r.open && r.kind != 'c' })
}

// leavesDeviceCgroup reports whether the process can move itself to a cgroup that
// contains its own: a hierarchy that shows one is writable, and its root's files
// obey the process (cgroup1_procs_write, kernel/cgroup/cgroup-v1.c). With version 2 a
// cgroup namespace keeps it in where the mount says nsdelegate.
func (f *Facts) leavesDeviceCgroup() bool {
	path, version2, ok := f.deviceCgroup()
	if !ok || !f.commands() {
		return false
	}
	for _, m := range f.visible {
		kind := m.Type == "cgroup" && hasOption(m.Super, "devices")
		if version2 {
			own := f.shared(CgroupNS)
			kind = m.Type == "cgroup2" && !(hasOption(m.Super, "nsdelegate") && !(own.OK && own.Value))
		}
		if kind && !m.ReadOnly && contains(m.Root, path) {
			return true
		}
	}
	return false
}

// deviceCgroup is the path of the cgroup whose device rules count, as the reader's
// cgroup namespace shows it.
func (f *Facts) deviceCgroup() (path string, version2, ok bool) {
	for line := range strings.Lines(f.Cgroup.Value) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, at, _ := strings.Cut(rest, ":")
		if hasOption(controllers, "devices") {
			return at, false, true
		}
		if controllers == "" && at != "" {
			path, version2, ok = at, true, true
		}
	}
	return path, version2, ok
}

// DeviceCgroup is that path, for version 1; false where there is none.
func (f *Facts) DeviceCgroup() (path string, ok bool) {
	path, version2, ok := f.deviceCgroup()
	return path, ok && !version2
}

// contains reports whether a cgroup is above another. What is above the root of the
// reader's cgroup namespace begins with "/..".
func contains(above, path string) bool {
	ups, rest := cutUps(above)
	pathUps, pathRest := cutUps(path)
	if ups != pathUps {
		return ups > pathUps && rest == ""
	}
	below, ok := within("/"+pathRest, "/"+rest)
	return ok && below != ""
}

// cutUps counts and cuts off the "/.." that a path begins with.
func cutUps(path string) (ups int, rest string) {
	for strings.HasPrefix(path, "/..") {
		ups, path = ups+1, path[len("/.."):]
	}
	return ups, strings.TrimPrefix(path, "/")
}

// makesNodes reports whether the process can make device nodes that can be opened:
// mknod(2) asks for the capability in the initial user namespace, open(2) for a mount
// without nodev, which sys_admin makes.
func (f *Facts) makesNodes() bool {
	place := func(m Mount) bool { return !m.NoDev && !m.ReadOnly && !m.byKernel() }
	return !f.confined() && f.ready().Has(caps.Mknod) &&
		(!f.Mounts.OK || f.ready().Has(caps.SysAdmin) || slices.ContainsFunc(f.visible, place))
}

// findDeviceCgroup looks at whether the process can make a node of a host's disk and
// open it.
func (a *Assessment) findDeviceCgroup(f *Facts) {
	const id, meaning = "device-cgroup", "A node of any disk of the host can be made with cap_mknod and opened, which allows escape to the host."
	switch path, version2, ok := f.deviceCgroup(); {
	case f.confined():
		a.add(id, OK, "outside the host's user namespace no device node can be made", "")
	case f.MadeDisk.OK && f.MadeDisk.Value:
		a.add(id, Critical, "a node of a disk of the host was made and opened", meaning)
	case f.leavesDeviceCgroup() && f.makesNodes():
		a.add(id, Critical, "the process can move itself out of its device cgroup "+path, meaning)
	case !f.MadeDisk.OK && f.permitDisk() && f.makesNodes():
		a.add(id, Critical, "the device cgroup permits disks", meaning)
	case f.permitConsole() && f.makesNodes():
		a.add(id, High, "the device cgroup permits consoles", "A node of a console or a keyboard of the host can be made with cap_mknod and opened: what is typed there can be read.")
	case f.MadeDisk.OK:
		a.add(id, OK, "a node of a disk of the host could not be opened", "")
	case f.permitDisk():
		a.add(id, Low, "the device cgroup permits disks", "No node of one can be made without cap_mknod and a mount without nodev.")
	case f.DeviceRules.OK:
		a.add(id, OK, "the device cgroup permits no disk", "")
	case !f.makesNodes():
		a.add(id, OK, "no device node can be made without cap_mknod and a mount without nodev", "")
	case ok && version2:
		a.add(id, Unread, "it is unknown whether the device cgroup permits disks", "With version 2 of cgroups its rules cannot be read: assess --probe tries, inside. Runtimes permit none unless asked to.")
	default:
		a.unread(id, "the rules of the device cgroup")
	}
}

// opensDisks reports whether a node of a disk, once made, can be opened.
func (f *Facts) opensDisks() cred.Known[bool] {
	switch {
	case f.leavesDeviceCgroup():
		return cred.Is(true)
	case f.MadeDisk.OK:
		return f.MadeDisk
	case f.DeviceRules.OK:
		return cred.Is(f.permitDisk())
	}
	return cred.Known[bool]{}
}

// CgroupPaths are where a cgroup of a version 1 hierarchy is in a mount table.
func (t Mounts) CgroupPaths(controller, cgroup string) (list []string) {
	for _, m := range t.Visible() {
		if below, ok := within(cgroup, m.Root); ok && m.Type == "cgroup" && hasOption(m.Super, controller) {
			list = append(list, m.Point+below)
		}
	}
	return list
}
