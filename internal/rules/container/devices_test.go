package container

import (
	"testing"

	"capsh/internal/rules/cred"
)

// TestDeviceKinds: what a device is follows from its numbers, and whether opening it to
// read changes nothing (Documentation/admin-guide/devices.txt).
func TestDeviceKinds(t *testing.T) {
	for _, c := range []struct {
		name         string
		kind         byte
		major, minor uint32
		want         DeviceKind
		probe, misc  bool
	}{
		{"a whiteout of overlayfs", 'c', 0, 0, HarmlessDevice, false, false},
		{"mem", 'c', 1, 1, MemoryDevice, true, false},
		{"kmem", 'c', 1, 2, MemoryDevice, true, false},
		{"null", 'c', 1, 3, HarmlessDevice, false, false},
		{"port", 'c', 1, 4, MemoryDevice, true, false},
		{"kmsg", 'c', 1, 11, OtherDevice, false, false},
		{"ram0", 'b', 1, 0, DiskDevice, true, false},
		{"tty1", 'c', 4, 1, ConsoleDevice, false, false},
		{"console", 'c', 5, 1, HarmlessDevice, false, false},
		{"vcs", 'c', 7, 0, ConsoleDevice, false, false},
		{"sda", 'b', 8, 0, DiskDevice, true, false},
		{"st0, which a probe would rewind", 'c', 9, 0, OtherDevice, false, false},
		{"watchdog, which a probe would start", 'c', 10, 130, ConsoleDevice, false, true},
		{"vhci", 'c', 10, 137, OtherDevice, true, true},
		{"tun", 'c', 10, 200, OtherDevice, false, true},
		{"fuse", 'c', 10, 229, OtherDevice, true, true},
		{"kvm", 'c', 10, 232, OtherDevice, true, true},
		{"vhost-net", 'c', 10, 238, OtherDevice, true, true},
		{"vhost-vsock", 'c', 10, 241, OtherDevice, true, true},
		{"loop, of whose major misc is a number", 'b', 10, 241, DiskDevice, true, false},
		{"event0", 'c', 13, 64, ConsoleDevice, false, false},
		{"sg0", 'c', 21, 0, DiskDevice, false, false},
		{"mtd0", 'c', 90, 0, DiskDevice, false, false},
		{"pts of the lowest major", 'c', 136, 0, HarmlessDevice, false, false},
		{"pts of the highest", 'c', 143, 9, HarmlessDevice, false, false},
		{"a major above", 'c', 144, 0, OtherDevice, false, false},
		{"msr", 'c', 202, 0, MemoryDevice, false, false},
	} {
		d := node("/dev/x", c.kind, c.major, c.minor)
		if d.Kind() != c.want || d.ToProbe() != c.probe || d.misc() != c.misc {
			t.Errorf("%s: kind %d, to be probed %v, misc %v", c.name, d.Kind(), d.ToProbe(), d.misc())
		}
	}
}

// TestDeviceMeaning: only what allows escape says so.
func TestDeviceMeaning(t *testing.T) {
	const escape = "A disk, memory or console of the host can be used directly, which allows escape to the host."
	for _, c := range []struct {
		device Device
		want   string
	}{
		{node("/dev/sda", 'b', 8, 0), escape},
		{node("/dev/kvm", 'c', 10, 232), "What these devices do, they do to the host."},
	} {
		f := boxed(t)
		f.add(c.device)
		a := Assess(&f)
		for _, finding := range a.Findings {
			if finding.ID == "devices" && finding.Meaning != c.want {
				t.Errorf("%s: %q", c.device.Path, finding.Meaning)
			}
		}
	}
}

// TestDeviceRules: text that is no devices.list says nothing.
func TestDeviceRules(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "a *:* rwm\n": true, "c 1:3 rwm\nb *:* m\n": true,
		"c 1:3\n": false, "c 1:3 rwm x\n": false, "cc 1:3 rwm\n": false, "c 1 rwm\n": false, "c x:3 rwm\n": false, "c 1:y rwm\n": false,
		"c 1:3 rwm\nc\n": false,
	} {
		if rules, got := ParseDeviceRules(text); got != ok || !ok && rules != nil {
			t.Errorf("%q: %v, %v", text, rules, got)
		}
	}
}

// TestCgroupContains: which cgroup is above which; what is above the root of the cgroup
// namespace begins with "/..".
func TestCgroupContains(t *testing.T) {
	for _, c := range []struct {
		above, path string
		want        bool
	}{
		{"/", "/a", true}, {"/a", "/a/b", true}, {"/a", "/a", false}, {"/", "/", false}, {"/a/b", "/a", false}, {"/a", "/ab", false}, {"/b", "/a/b", false},
		{"/..", "/", true}, {"/..", "/a", true}, {"/../..", "/../a", true}, {"/..", "/../a", true}, {"/../a", "/../a/b", true},
		{"/../b", "/", false}, {"/", "/..", false}, {"/../..", "/..", true}, {"/../a", "/a", false},
	} {
		if got := contains(c.above, c.path); got != c.want {
			t.Errorf("%s contains %s: %v", c.above, c.path, got)
		}
	}
}

// TestDeviceCgroupPath: the hierarchy of version 1 with the controller, or else that of
// version 2.
func TestDeviceCgroupPath(t *testing.T) {
	for text, want := range map[string]struct {
		path         string
		version2, ok bool
	}{
		"":                                     {},
		"0::/a\n":                              {"/a", true, true},
		"0::\n":                                {},
		"3:cpu,devices:/b\n0::/a\n":            {"/b", false, true},
		"0::/a\n3:devices:/b\n":                {"/b", false, true},
		"3:cpu:/b\n1:name=systemd:/c\n0::/a\n": {"/a", true, true},
		"3:cpu:/b\n":                           {},
	} {
		f := Facts{Cgroup: cred.Is(text)}
		path, version2, ok := f.deviceCgroup()
		if path != want.path || version2 != want.version2 || ok != want.ok {
			t.Errorf("%q: %q, version 2 %v, %v", text, path, version2, ok)
		}
		if path, ok := f.DeviceCgroup(); ok != (want.ok && !want.version2) || ok && path != want.path {
			t.Errorf("%q, of version 1: %q, %v", text, path, ok)
		}
	}
}

// TestLeavesDeviceCgroup: through a writable hierarchy that shows what is above.
func TestLeavesDeviceCgroup(t *testing.T) {
	const v1, v2 = "5:devices:/docker/x\n", "0::/docker/x\n"
	for _, c := range []struct {
		cgroup, mount string
		shared        bool // the cgroup namespace is the host's
		want          bool
	}{
		{v1, "/ /cg rw - cgroup cgroup rw,devices", false, true},
		{v1, "/ /cg ro - cgroup cgroup rw,devices", false, false},
		{v1, "/ /cg rw - cgroup cgroup rw,cpu", false, false},
		{v1, "/docker/x /cg rw - cgroup cgroup rw,devices", false, false},
		{v1, "/ /cg rw - cgroup2 cgroup rw,devices", false, false},
		{v2, "/ /cg rw - cgroup2 cgroup rw", false, true},
		{v2, "/ /cg rw - cgroup2 cgroup rw,nsdelegate", false, false},
		{v2, "/ /cg rw - cgroup2 cgroup rw,nsdelegate", true, true},
		{v2, "/ /cg rw - cgroup cgroup rw,devices", false, false},
		{"", "/ /cg rw - cgroup2 cgroup rw", false, false},
	} {
		f := boxed(t)
		f.Cgroup = cred.Is(c.cgroup)
		if c.shared {
			f.Namespaces[CgroupNS].Inode = f.Namespaces[CgroupNS].Host
		}
		f.visible = parse(t, "90 1 0:99 "+c.mount+"\n").List
		if got := f.leavesDeviceCgroup(); got != c.want {
			t.Errorf("%q, %s, shared %v: %v", c.cgroup, c.mount, c.shared, got)
		}
	}
}

// TestDeviceCgroupFinding: what is said where no disk can be opened.
func TestDeviceCgroupFinding(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(f *Facts)
		severity Severity
		evidence string
	}{
		{"the rules permit none", func(*Facts) {}, OK, "the device cgroup permits no disk"},
		{"unknown rules of version 2", func(f *Facts) { f.DeviceRules = cred.Known[DeviceRules]{} }, Unread, "it is unknown whether the device cgroup permits disks"},
		{"unknown rules of version 1", func(f *Facts) { f.DeviceRules, f.Cgroup = cred.Known[DeviceRules]{}, cred.Is("5:devices:/docker/x\n") }, Unread, "the rules of the device cgroup could not be read"},
		{"no cgroup", func(f *Facts) { f.DeviceRules, f.Cgroup = cred.Known[DeviceRules]{}, cred.Is("") }, Unread, "the rules of the device cgroup could not be read"},
	} {
		f := boxed(t)
		c.change(&f)
		a := Assess(&f)
		for _, finding := range a.Findings {
			if finding.ID == "device-cgroup" && (finding.Severity != c.severity || finding.Evidence != c.evidence) {
				t.Errorf("%s: %s, %q", c.name, finding.Severity, finding.Evidence)
			}
		}
	}
}
