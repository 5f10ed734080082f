package container

import (
	"slices"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

var dockerSocket = []Socket{{Path: "/run/docker.sock", Access: cred.Is(Access{Mode: 0o660, GID: 999})}}

// bus is the host's system bus, which everyone may write to.
var bus = []Socket{{Path: "/bus", Access: cred.Is(Access{Mode: 0o666}), Manager: true}}

// TestManagerSockets: they are known by where the host has them, and obey the host's root
// alone.
func TestManagerSockets(t *testing.T) {
	for root, want := range map[string][]string{
		"/run": {"/systemd/private", "/dbus/system_bus_socket"}, "/dbus": {"/system_bus_socket"}, "/run/systemd": {"/private"},
		"/systemd/private": {""}, "/": nil, "/srv/dbus": nil, "/private": nil,
	} {
		if got := ManagerSockets(root); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", root, got, want)
		}
	}
	for name, change := range map[string]func(f *Facts){
		"a user":           func(f *Facts) { f.hold(0); f.Process.UID = cred.Same(1000) },
		"a user namespace": func(f *Facts) { f.child(100000) },
	} {
		f := boxed(t)
		f.Sockets.Value = bus
		change(&f)
		if a := Assess(&f); a.severity("runtime-socket") != Low {
			t.Errorf("%s: %s", name, a.severity("runtime-socket"))
		}
	}
}

// TestSocket: whoever may write to a runtime's socket has the host, whatever
// else is taken from him.
func TestSocket(t *testing.T) {
	for _, c := range []struct {
		name   string
		access cred.Known[Access]
		change func(f *Facts)
		want   Severity
	}{
		{"root's, a user", cred.Is(Access{Mode: 0o660}), func(f *Facts) {}, Low},
		{"another group's", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) {}, Low},
		{"his group's", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) { f.Process.Groups = []uint32{5, 999} }, Critical},
		{"his first group's", cred.Is(Access{Mode: 0o660, GID: 1000}), func(f *Facts) {}, Critical},
		{"his own", cred.Is(Access{Mode: 0o600, UID: 1000}), func(f *Facts) {}, High},
		{"his own, to read", cred.Is(Access{Mode: 0o466, UID: 1000}), func(f *Facts) {}, Low},
		{"all but his group's", cred.Is(Access{Mode: 0o606, GID: 1000}), func(f *Facts) {}, Low},
		{"everyone's", cred.Is(Access{Mode: 0o666}), func(f *Facts) {}, Critical},
		{"everyone's to read", cred.Is(Access{Mode: 0o664}), func(f *Facts) {}, Low},
		{"a list's", cred.Is(Access{Mode: 0o660, List: true}), func(f *Facts) {}, Unread},
		{"a list's, to read", cred.Is(Access{Mode: 0o640, List: true}), func(f *Facts) {}, Low},
		{"one's of no name, numbered as he is", cred.Is(Access{Mode: 0o600, UID: 1000, NoUID: true}), func(f *Facts) {}, Unread},
		{"a group's of no name, numbered as his", cred.Is(Access{Mode: 0o660, GID: 1000, NoGID: true}), func(f *Facts) {}, Unread},
		{"those of no name, numbered otherwise", cred.Is(Access{Mode: 0o660, UID: 5, GID: 5, NoUID: true, NoGID: true}), func(f *Facts) {}, Low},
		{"not to be read", cred.Known[Access]{}, func(f *Facts) {}, Unread},
		{"root's, root without capabilities", cred.Is(Access{Mode: 0o660}), func(f *Facts) { f.Process.UID = cred.Same(0) }, Critical},
		{"root's, and setgid in the bounding set alone", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) { f.Process.Bounding = caps.Of(caps.Setgid) }, Low},
		{"root's, and a setuid file besides", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) {
			f.Process.Bounding, f.Setuid.Value = caps.Of(caps.Setgid), []string{"/bin/su"}
		}, Medium},
		{"a group's, with setgid", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) { f.Process.Permitted = caps.Of(caps.Setgid) }, Critical},
		{"everyone's, from a user namespace", cred.Is(Access{Mode: 0o666}), func(f *Facts) { f.child(100000) }, Critical},
		{"root's, from a user namespace", cred.Is(Access{Mode: 0o660}), func(f *Facts) { f.child(100000); f.hold(boundless) }, Low},
		{"everyone's, in gVisor", cred.Is(Access{Mode: 0o666}), func(f *Facts) { f.Release = cred.Is("4.4.0") }, Medium},
	} {
		f := boxed(t)
		f.hold(0)
		f.Process.UID, f.Process.GID = cred.Same(1000), cred.Same(1000)
		f.Sockets.Value = []Socket{{Path: "/run/docker.sock", Access: c.access}}
		c.change(&f)
		a := Assess(&f)
		if got := a.severity("runtime-socket"); got != c.want || (c.want == Critical) && a.Verdict != OverPrivileged || c.want > Medium && a.AtWorst > ConfinedRoot {
			t.Errorf("%s: %s, want %s; %s", c.name, got, c.want, a.Verdict)
		}
	}
}

// TestFarSocket: of a socket that is mounted from elsewhere the mount table tells.
func TestFarSocket(t *testing.T) {
	for kind, want := range map[string]Severity{"9p": Critical, "fuse.x": Critical, "ext4": OK} {
		f := boxed(t)
		raw(t, &f, "20 1 0:40 /run/docker.sock /d.sock rw - "+kind+" far rw")
		if a := Assess(&f); a.severity("runtime-socket") != want {
			t.Errorf("%s: %s, want %s", kind, a.severity("runtime-socket"), want)
		}
	}
}

// node is a device that root may open, and its group 6.
func node(path string, kind byte, major, minor uint32) Device {
	return Device{path, kind == 'b', major, minor, cred.Is(Access{Mode: 0o660, GID: 6})}
}

// add gives the container a device that its cgroup permits, as engines do.
func (f *Facts) add(d Device) {
	f.Devices.Value = append(f.Devices.Value, d)
	kind := byte('c')
	if d.Block {
		kind = 'b'
	}
	f.DeviceRules.Value = append(f.DeviceRules.Value, deviceRule{kind, int64(d.Major), int64(d.Minor), true})
}

// TestUsersDisk: a disk is the host to whoever may open it.
func TestUsersDisk(t *testing.T) {
	for group, want := range map[uint32]Severity{6: Critical, 7: Low} {
		f := boxed(t)
		f.hold(0)
		f.Process.UID, f.Process.GID, f.Process.Groups = cred.Same(1000), cred.Same(1000), []uint32{group}
		f.add(node("/dev/sda", 'b', 8, 0))
		if a := Assess(&f); a.severity("devices") != want {
			t.Errorf("group %d: %s, want %s", group, a.severity("devices"), want)
		}
	}
}

// TestSocketsBelow: a socket is looked for in each directory that a usual place is
// below.
func TestSocketsBelow(t *testing.T) {
	for directory, want := range map[string][]string{
		"/":              {"/run/docker.sock", "/docker.sock", "/podman/podman.sock", "/var/lib/lxd/unix.socket", "/lxd/unix.socket"},
		"/podman":        {"/podman.sock"},
		"/var/lib/incus": {"/unix.socket"},
	} {
		got := SocketsBelow(directory)
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("%s: %s is not looked at", directory, path)
			}
		}
		if slices.Contains(got, "/unix.socket") != (directory == "/var/lib/incus") {
			t.Errorf("%s: %q", directory, got)
		}
		for i, path := range got {
			if slices.Contains(got[:i], path) {
				t.Errorf("%s: %s twice", directory, path)
			}
		}
	}
}

// TestMountedSocket: what its directory hides, the mount table tells.
func TestMountedSocket(t *testing.T) {
	f := boxed(t)
	f.Mounts.Value = dockerMounts(t, "20 1 /x ext4 rw /srv/docker.sock")
	f.Sockets = cred.Known[[]Socket]{}
	a := Assess(&f)
	if got := a.severity("runtime-socket"); got != Critical {
		t.Error(got)
	}
	f.hold(0)
	f.Process.UID = cred.Same(1000)
	if a = Assess(&f); a.severity("runtime-socket") != Unread {
		t.Error(a.severity("runtime-socket"))
	}
}
