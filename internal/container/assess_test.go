package container

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

// boundless is all that the kernel of these tests has.
const boundless caps.Set = 1<<41 - 1

// boxed are the facts of a container of Docker as it is by default, root inside.
func boxed(t testing.TB) Facts {
	t.Helper()
	f := Facts{
		Process: cred.Process{
			PID: 77, TID: 77, NSPID: []int{77, 1},
			Seccomp: cred.Is(cred.SeccompFilter),
			State: cred.State{
				Sets:       cred.Sets{Effective: caps.DockerDefault, Permitted: caps.DockerDefault, Bounding: caps.DockerDefault},
				NoNewPrivs: cred.Is(false),
				UserNS:     cred.UserNS{UIDMap: cred.Is([]cred.IDRange{{Count: 1<<32 - 1}})},
			},
		},
		Label:     cred.Is("docker-default (enforce)"),
		Kernel:    cred.Is(boundless),
		Release:   cred.Is("6.1.0-18-amd64"),
		Cgroup:    cred.Is("0::/system.slice/docker-" + id1 + ".scope\n"),
		ProcFiles: cred.Is(ProcFiles()),
		Env:       cred.Is(""), Manager: cred.Is(""), DockerEnv: cred.Is(true),
		Sockets: cred.Is([]Socket(nil)), Setuid: cred.Is([]string(nil)),
		Devices: cred.Is([]Device{node("/dev/null", 'c', 1, 3), node("/dev/tty", 'c', 5, 0), node("/dev/pts0", 'c', 136, 0)}),
	}
	for k := range NamespaceKinds {
		f.Namespaces[k] = Namespace{cred.Is(InitialInode(k) + 1000), cred.Is(InitialInode(k))}
	}
	f.Namespaces[UserNS].Inode = cred.Is(InitialInode(UserNS))
	f.Namespaces[TimeNS].Inode = cred.Is(InitialInode(TimeNS))
	f.Mounts = cred.Is(dockerMounts(t))
	return f
}

func dockerMounts(t testing.TB, more ...string) Mounts {
	t.Helper()
	return table(t, append([]string{
		"1 0 / overlay rw /", "2 1 /proc proc rw /", "3 2 /proc/sys proc ro /sys", "4 2 /proc/kcore tmpfs rw /null",
		"5 2 /proc/keys tmpfs rw /null", "6 2 /proc/timer_list tmpfs rw /null", "7 2 /proc/sysrq-trigger proc ro /sysrq-trigger",
		"8 1 /sys sysfs ro /", "9 8 /sys/fs/cgroup cgroup2 ro /", "10 1 /dev tmpfs rw /",
		"11 1 /etc/hosts ext4 rw /var/lib/docker/containers/" + id1 + "/hosts",
	}, more...)...)
}

// hold gives the process all of the sets.
func (f *Facts) hold(s caps.Set) {
	f.Process.Bounding, f.Process.Permitted, f.Process.Effective = s, s, s
}

// child puts the process into a user namespace of its own.
func (f *Facts) child(outside uint32) {
	f.Namespaces[UserNS].Inode = cred.Is(uint64(4026532999))
	f.Process.UserNS = cred.UserNS{Inode: cred.Is(uint64(4026532999)), UIDMap: cred.Is([]cred.IDRange{{Outside: outside, Count: 65536}})}
}

// open takes the walls beside capabilities away.
func (f *Facts) open(t testing.TB) {
	f.Process.Seccomp, f.Label = cred.Is(cred.SeccompOff), cred.Is("unconfined")
	f.Mounts = cred.Is(table(t, "1 0 / overlay rw /", "2 1 /proc proc rw /"))
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   Verdict
	}{
		{"default", func(f *Facts) {}, AsDefault},
		{"less", func(f *Facts) { f.hold(caps.Of(caps.Chown)) }, Restricted},
		{"nothing", func(f *Facts) { f.hold(0) }, None},
		{"a user, its execve open", func(f *Facts) { f.Process.Permitted, f.Process.Effective = 0, 0 }, AsDefault},
		{"a user without new privileges", func(f *Facts) {
			f.Process.Permitted, f.Process.Effective, f.Process.NoNewPrivs = 0, 0, cred.Is(true)
		}, None},
		{"whether new privileges is unknown", func(f *Facts) {
			f.Process.Permitted, f.Process.Effective, f.Process.NoNewPrivs = 0, 0, cred.Known[bool]{}
		}, AsDefault},
		{"inheritable alone", func(f *Facts) { f.hold(0); f.Process.Inheritable = caps.Of(caps.SysAdmin) }, OverPrivileged},
		{"inheritable alone, a user", func(f *Facts) {
			f.hold(0)
			f.Process.UID, f.Process.Inheritable = cred.Same(1000), caps.Of(caps.Chown)
		}, Restricted},
		{"inheritable alone, without new privileges", func(f *Facts) {
			f.hold(0)
			f.Process.Inheritable, f.Process.NoNewPrivs = caps.Of(caps.SysAdmin), cred.Is(true)
		}, None},
		{"a thread holds", func(f *Facts) {
			f.hold(0)
			f.Process.NoNewPrivs = cred.Is(true)
			thread := f.Process
			thread.Permitted = caps.Of(caps.SysAdmin)
			f.Process.Differing = []cred.Process{thread}
		}, OverPrivileged},
		{"one more", func(f *Facts) { f.hold(caps.DockerDefault | caps.Of(caps.SysPacct)) }, OverPrivileged},
		{"sys_admin more", func(f *Facts) { f.hold(caps.DockerDefault | caps.Of(caps.SysAdmin)) }, OverPrivileged},
		{"sys_admin and nothing else but no wall", func(f *Facts) { f.hold(caps.Of(caps.SysAdmin)); f.open(t) }, Privileged},
		{"no wall but the default", func(f *Facts) { f.open(t) }, OverPrivileged}, // /proc/sys is open to its root
		{"no wall, a user with nothing", func(f *Facts) {
			f.hold(0)
			f.Process.UID = cred.Same(1000)
			f.open(t)
		}, OverPrivileged},
		{"everything", func(f *Facts) { f.hold(boundless) }, Privileged},
		{"all that this machine has", func(f *Facts) {
			f.Machine = cred.Is(boundless &^ caps.Of(caps.SysModule, caps.SysRawio, caps.SysResource, caps.MACAdmin))
			f.hold(f.Machine.Value)
		}, Privileged},
		{"all but one that this machine has", func(f *Facts) { f.Machine = cred.Is(boundless); f.hold(boundless &^ caps.Of(caps.SysModule)) }, OverPrivileged},
		{"all marks but one, the machine unseen", func(f *Facts) { f.hold(boundless &^ caps.Of(caps.SysModule)) }, Privileged},
		{"all marks but two, the machine unseen", func(f *Facts) { f.hold(boundless &^ caps.Of(caps.SysModule, caps.SysRawio)) }, OverPrivileged},
		{"everything in a user namespace", func(f *Facts) { f.hold(boundless); f.child(100000) }, ConfinedRoot},
		{"everything where root is root", func(f *Facts) { f.hold(boundless); f.child(0) }, OverPrivileged},
		{"the default in a user namespace", func(f *Facts) { f.child(100000) }, AsDefault},
		{"everything in a user namespace, no wall", func(f *Facts) { f.hold(boundless); f.child(100000); f.open(t) }, ConfinedRoot},
		{"a user namespace that only its map tells", func(f *Facts) {
			f.hold(boundless)
			f.child(100000)
			f.Namespaces[UserNS].Inode = cred.Known[uint64]{}
		}, ConfinedRoot},
		{"everything, the user namespace unknown", func(f *Facts) {
			f.hold(boundless)
			f.Namespaces[UserNS].Inode, f.Process.UserNS = cred.Known[uint64]{}, cred.UserNS{}
		}, Privileged},
		{"everything in gVisor", func(f *Facts) { f.hold(boundless); f.Release = cred.Is("4.4.0") }, ConfinedRoot},
		{"the machine's PIDs", func(f *Facts) { f.Namespaces[PIDNS].Inode = cred.Is(InitialInode(PIDNS)) }, OverPrivileged},
		{"a socket", func(f *Facts) { f.Sockets.Value = dockerSocket }, OverPrivileged},
		{"LXC as it is", func(f *Facts) {
			f.Cgroup = cred.Is("0::/lxc.payload.web")
			f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/lxc/web/rootfs"))
			lxc, _ := Default(LXC)
			f.hold(lxc)
		}, AsDefault},
		{"podman's older default", func(f *Facts) {
			f.Cgroup = cred.Is("0::/machine.slice/libpod-" + id1 + ".scope")
		}, AsDefault},
		{"podman's default and net_raw", func(f *Facts) {
			f.Cgroup = cred.Is("0::/machine.slice/libpod-" + id1 + ".scope")
			f.hold(0x800405fb | caps.Of(caps.NetRaw))
		}, OverPrivileged},
		{"no container", func(f *Facts) { uncontain(f); f.hold(boundless) }, NotAContainer},
		{"no container, by the depth of its ids", func(f *Facts) {
			uncontain(f)
			f.Namespaces, f.MachineProc = [NamespaceKinds]Namespace{}, true
		}, NotAContainer},
		{"a file, and nothing else to be seen", func(f *Facts) {
			*f = Facts{Process: f.Process, DockerEnv: cred.Is(true)}
			f.Process.NSPID = nil
		}, Undecided},
		{"nothing to be seen", func(f *Facts) { *f = Facts{Process: f.Process}; f.Process.NSPID = nil }, Undecided},
	} {
		f := boxed(t)
		c.change(&f)
		a := Assess(&f)
		if a.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.name, a.Verdict, c.want)
			for _, finding := range a.Findings {
				t.Logf("\t%s %s: %s", finding.Severity, finding.ID, finding.Evidence)
			}
		}
	}
}

// nobodys takes away all that tells the runtime.
func nobodys(t testing.TB, f *Facts) {
	f.Cgroup, f.DockerEnv = cred.Is("0::/"), cred.Is(false)
	f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /srv/root"))
}

// uncontain makes it a process of the machine.
func uncontain(f *Facts) {
	for k := range NamespaceKinds {
		f.Namespaces[k].Inode = cred.Is(InitialInode(k))
	}
	f.Process.NSPID = []int{77}
	f.Cgroup = cred.Is("0::/user.slice")
	f.Mounts = cred.Known[Mounts]{}
}

// TestFindings: each wall, taken away alone, is told by its own finding only.
func TestFindings(t *testing.T) {
	names := func(f *Facts) map[string]Severity {
		m := map[string]Severity{}
		for _, finding := range Assess(f).Findings {
			m[finding.ID] = finding.Severity
		}
		return m
	}
	plain := boxed(t)
	before := names(&plain)
	for _, c := range []struct {
		id     string
		change func(f *Facts)
		want   Severity
	}{
		{"seccomp", func(f *Facts) { f.Process.Seccomp = cred.Is(cred.SeccompOff) }, Medium},
		{"seccomp", func(f *Facts) { f.Process.Seccomp = cred.Known[cred.Seccomp]{} }, Unread},
		{"lsm", func(f *Facts) { f.Label = cred.Is("unconfined") }, Medium},
		{"lsm", func(f *Facts) { f.Label = cred.Is("system_u:system_r:spc_t:s0") }, Medium},
		{"lsm", func(f *Facts) { f.Label = cred.Is("") }, Low},
		{"lsm", func(f *Facts) { f.Label = cred.Known[string]{} }, Unread},
		{"no-new-privs", func(f *Facts) { f.Process.NoNewPrivs = cred.Is(true) }, Held},
		{"no-new-privs", func(f *Facts) { f.Process.NoNewPrivs = cred.Known[bool]{} }, Unread},
		{"no-new-privs", func(f *Facts) { f.Process.Permitted = 0 }, Low},
		{"no-new-privs", func(f *Facts) { f.Process.Inheritable = caps.Of(caps.Chown) }, Info},
		{"no-new-privs", func(f *Facts) { f.Process.Permitted, f.Setuid.Value = 0, []string{"/bin/su"} }, Medium},
		{"pid-namespace", func(f *Facts) { f.Namespaces[PIDNS].Inode = f.Namespaces[PIDNS].Machine }, High},
		{"net-namespace", func(f *Facts) { f.Namespaces[NetNS].Inode = f.Namespaces[NetNS].Machine }, High},
		{"net-namespace", func(f *Facts) { f.Namespaces[NetNS].Machine = cred.Known[uint64]{} }, Unread},
		{"mnt-namespace", func(f *Facts) { f.Namespaces[MountNS].Inode = f.Namespaces[MountNS].Machine }, Critical},
		{"ipc-namespace", func(f *Facts) { f.Namespaces[IPCNS].Inode = f.Namespaces[IPCNS].Machine }, Medium},
		{"uts-namespace", func(f *Facts) { f.Namespaces[UTSNS].Inode = f.Namespaces[UTSNS].Machine }, Low},
		{"cgroup-namespace", func(f *Facts) { f.Namespaces[CgroupNS].Inode = cred.Known[uint64]{} }, Unread},
		{"time-namespace", func(f *Facts) { f.Namespaces[TimeNS].Inode = cred.Is(uint64(1)) }, Held},
		{"runtime-socket", func(f *Facts) { f.Sockets.Value = dockerSocket }, Critical},
		{"runtime-socket", func(f *Facts) { f.Sockets = cred.Known[[]Socket]{} }, Unread},
		{"devices", func(f *Facts) { f.add(node("/dev/x/sda", 'b', 8, 0)) }, Critical},
		{"devices", func(f *Facts) { f.add(node("/dev/mem", 'c', 1, 1)) }, Critical},
		{"devices", func(f *Facts) { f.add(node("/dev/sg0", 'c', 21, 0)) }, Critical},
		{"devices", func(f *Facts) { f.add(node("/dev/kvm", 'c', 10, 232)) }, Medium},
		{"devices", func(f *Facts) { f.add(node("/dev/kmsg", 'c', 1, 11)) }, Medium},
		{"devices", func(f *Facts) { f.add(node("/run/inaccessible", 'b', 0, 0)) }, Held},
		{"devices", func(f *Facts) { f.add(node("/dev/kvm", 'c', 10, 232)); f.Devices.OK = false }, Unread},
		{"devices", func(f *Facts) { f.add(node("/dev/sda", 'b', 8, 0)); f.Devices.OK = false }, Critical},
		{"devices", func(f *Facts) { f.Devices = cred.Known[[]Device]{} }, Unread},
		{"machine-folders", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /srv/data") }, Info},
		{"machine-folders", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /etc/ssl") }, High},
		{"machine-folders", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 ro /etc") }, Medium},
		{"machine-folders", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /var/lib/docker/volumes/x/_data") }, Held},
		{"machine-root", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /host ext4 rw /") }, Critical},
		{"machine-root", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /host ext4 ro /") }, High},
		{"proc-sys", func(f *Facts) {
			f.Mounts.Value = dockerMounts(t, "20 1 /p proc rw /", "21 20 /p/kcore tmpfs rw /null",
				"22 20 /p/keys tmpfs rw /null", "23 20 /p/timer_list tmpfs rw /null")
		}, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys/kernel") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys/kernel/core_pattern") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sysrq-trigger") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 3 /proc/sys/kernel proc rw /sys/kernel") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc ro /sys") }, Held},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 3 /proc/sys/net proc rw /sys/net") }, Held},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys", "21 20 /x mqueue ro /") }, Held},
		{"proc-masks", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /kcore") }, Medium},
		{"proc-masks", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc ro /") }, Medium},
		{"sysfs", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /s sysfs rw /") }, Critical},
		{"cgroupfs", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /c cgroup rw /") }, Medium},
		{"proc-masks", func(f *Facts) {
			f.Mounts.Value = dockerMounts(t, "20 2 /proc proc rw /", "21 20 /proc/sys proc ro /sys", "22 20 /proc/sysrq-trigger proc ro /x")
		}, Medium},
		{"capabilities", func(f *Facts) { f.hold(caps.DockerDefault | caps.Of(caps.SysPacct)) }, Low},
		{"capabilities", func(f *Facts) { f.hold(caps.DockerDefault | caps.Of(caps.NetAdmin)) }, Medium},
		{"capabilities", func(f *Facts) { f.hold(caps.DockerDefault | caps.Of(caps.SysModule)) }, Critical},
		{"capabilities", func(f *Facts) { f.hold(caps.DockerDefault | 1<<50) }, Medium},
	} {
		f := boxed(t)
		c.change(&f)
		after := names(&f)
		if after[c.id] != c.want {
			t.Errorf("%s: %s, want %s", c.id, after[c.id], c.want)
		}
		for id := range before {
			if id != c.id && after[id] != before[id] && id != "no-new-privs" {
				t.Errorf("%s changed %s from %s to %s", c.id, id, before[id], after[id])
			}
		}
		if len(after) != len(before) {
			t.Errorf("%s: %d findings, %d before", c.id, len(after), len(before))
		}
	}
}

var dockerSocket = []Socket{{"/run/docker.sock", cred.Is(Access{Mode: 0o660, GID: 999})}}

// TestSocket: whoever may write to a runtime's socket has the machine, whatever
// else is taken from him.
func TestSocket(t *testing.T) {
	for _, c := range []struct {
		name   string
		access cred.Known[Access]
		change func(f *Facts)
		want   Severity
	}{
		{"root's, a user", cred.Is(Access{Mode: 0o660}), func(f *Facts) {}, Medium},
		{"another group's", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) {}, Medium},
		{"his group's", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) { f.Process.Groups = []uint32{5, 999} }, Critical},
		{"his first group's", cred.Is(Access{Mode: 0o660, GID: 1000}), func(f *Facts) {}, Critical},
		{"his own", cred.Is(Access{Mode: 0o600, UID: 1000}), func(f *Facts) {}, Critical},
		{"his own, to read", cred.Is(Access{Mode: 0o466, UID: 1000}), func(f *Facts) {}, Medium},
		{"all but his group's", cred.Is(Access{Mode: 0o606, GID: 1000}), func(f *Facts) {}, Medium},
		{"everyone's", cred.Is(Access{Mode: 0o666}), func(f *Facts) {}, Critical},
		{"everyone's to read", cred.Is(Access{Mode: 0o664}), func(f *Facts) {}, Medium},
		{"a list's", cred.Is(Access{Mode: 0o660, List: true}), func(f *Facts) {}, Unread},
		{"a list's, to read", cred.Is(Access{Mode: 0o640, List: true}), func(f *Facts) {}, Medium},
		{"one's of no name, numbered as he is", cred.Is(Access{Mode: 0o600, UID: 1000, NoUID: true}), func(f *Facts) {}, Unread},
		{"a group's of no name, numbered as his", cred.Is(Access{Mode: 0o660, GID: 1000, NoGID: true}), func(f *Facts) {}, Unread},
		{"those of no name, numbered otherwise", cred.Is(Access{Mode: 0o660, UID: 5, GID: 5, NoUID: true, NoGID: true}), func(f *Facts) {}, Medium},
		{"not to be read", cred.Known[Access]{}, func(f *Facts) {}, Unread},
		{"root's, root without capabilities", cred.Is(Access{Mode: 0o660}), func(f *Facts) { f.Process.UID = cred.Same(0) }, Critical},
		{"root's, and setgid to be had", cred.Is(Access{Mode: 0o660, GID: 999}), func(f *Facts) { f.Process.Bounding = caps.Of(caps.Setgid) }, Critical},
		{"everyone's, from a user namespace", cred.Is(Access{Mode: 0o666}), func(f *Facts) { f.child(100000) }, Critical},
		{"root's, from a user namespace", cred.Is(Access{Mode: 0o660}), func(f *Facts) { f.child(100000); f.hold(boundless) }, Medium},
		{"everyone's, in gVisor", cred.Is(Access{Mode: 0o666}), func(f *Facts) { f.Release = cred.Is("4.4.0") }, Medium},
	} {
		f := boxed(t)
		f.hold(0)
		f.Process.UID, f.Process.GID = cred.Same(1000), cred.Same(1000)
		f.Sockets.Value = []Socket{{"/run/docker.sock", c.access}}
		c.change(&f)
		a := Assess(&f)
		if got := a.severity("runtime-socket"); got != c.want || (c.want == Critical) && a.Verdict != OverPrivileged || a.AtWorst > ConfinedRoot && !gvisor(f.Release) {
			t.Errorf("%s: %s, want %s; %s", c.name, got, c.want, a.Verdict)
		}
	}
}

// TestFarSocket: of a socket that is mounted from elsewhere the mount table tells.
func TestFarSocket(t *testing.T) {
	for kind, want := range map[string]Severity{"9p": Critical, "fuse.x": Critical, "ext4": Held} {
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

func (f *Facts) add(d Device) { f.Devices.Value = append(f.Devices.Value, d) }

// TestUsersDisk: a disk is the machine to whoever may open it.
func TestUsersDisk(t *testing.T) {
	for group, want := range map[uint32]Severity{6: Critical, 7: Medium} {
		f := boxed(t)
		f.hold(0)
		f.Process.UID, f.Process.GID, f.Process.Groups = cred.Same(1000), cred.Same(1000), []uint32{group}
		f.add(node("/dev/sda", 'b', 8, 0))
		if a := Assess(&f); a.severity("devices") != want {
			t.Errorf("group %d: %s, want %s", group, a.severity("devices"), want)
		}
	}
}

// TestSocketsBelow: a socket is looked for in each folder that a usual place is
// below.
func TestSocketsBelow(t *testing.T) {
	for folder, want := range map[string][]string{
		"/":              {"/run/docker.sock", "/docker.sock", "/podman/podman.sock", "/var/lib/lxd/unix.socket", "/lxd/unix.socket"},
		"/podman":        {"/podman.sock"},
		"/var/lib/incus": {"/unix.socket"},
	} {
		got := SocketsBelow(folder)
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("%s: %s is not looked at", folder, path)
			}
		}
		if slices.Contains(got, "/unix.socket") != (folder == "/var/lib/incus") {
			t.Errorf("%s: %q", folder, got)
		}
		for i, path := range got {
			if slices.Contains(got[:i], path) {
				t.Errorf("%s: %s twice", folder, path)
			}
		}
	}
}

// TestMountedSocket: what its folder hides, the mount table tells.
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

// TestIdentify: the strongest evidence first, and who it is by all together.
func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   Container
		first  string
	}{
		{"docker", func(f *Facts) {}, Container{Docker, id1, ""}, "PID namespace"},
		{"in a cgroup namespace", func(f *Facts) { f.Cgroup = cred.Is("0::/") }, Container{Docker, id1, ""}, "PID namespace"},
		{"by its mounts alone", func(f *Facts) {
			f.Cgroup = cred.Known[string]{}
			f.Namespaces[PIDNS].Inode = cred.Is(InitialInode(PIDNS))
		}, Container{Docker, id1, ""}, "mounts"},
		{"by a file and a namespace", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[UTSNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
		}, Container{Docker, "", ""}, "/.dockerenv"},
		{"by a file, the PID namespace unknown", func(f *Facts) {
			uncontain(f)
			f.Process.NSPID, f.Namespaces[PIDNS].Inode = nil, cred.Known[uint64]{}
			f.Namespaces[MountNS].Inode = cred.Is(uint64(5))
		}, Container{Docker, "", ""}, "/.dockerenv"},
		{"a file and the mounts alone", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode = cred.Is(uint64(5))
		}, Container{}, ""},
		{"a file on the machine", func(f *Facts) { uncontain(f) }, Container{}, ""},
		{"nspawn by its manager", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[IPCNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
			f.Manager, f.DockerEnv = cred.Is("systemd-nspawn"), cred.Is(false)
		}, Container{Nspawn, "", ""}, "manager"},
		{"podman by its file", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[CgroupNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
			f.DockerEnv = cred.Is(false)
			f.PodmanEnv = cred.Is("engine=\"podman-4.3.1\"\nid=\"" + id2 + "\"\n")
		}, Container{Podman, id2, ""}, "containerenv"},
		{"gVisor under Docker", func(f *Facts) { f.Release = cred.Is("4.19.0-gvisor"); f.Cgroup = cred.Is("0::/") }, Container{GVisor, "", ""}, "PID namespace"},
		{"a pod", func(f *Facts) {
			f.Cgroup = cred.Is("0::/kubepods/pod" + uid + "/" + id2)
			f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/containerd/io.containerd.snapshotter.v1.native/snapshots/3", "2 1 /etc/hosts ext4 rw /var/lib/kubelet/pods/"+uid+"/etc-hosts",
				"3 1 /etc/hostname ext4 rw /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/"+id1+"/hostname"))
			f.DockerEnv = cred.Is(false)
		}, Container{Containerd, id2, uid}, "PID namespace"},
		{"CRI-O, podman's storage and the kubelet's pod", func(f *Facts) {
			f.Cgroup, f.DockerEnv, f.PodmanEnv = cred.Is("0::/"), cred.Is(false), cred.Is("")
			f.Mounts = cred.Is(parse(t, "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/containers/storage/overlay/"+id1+"/diff\n"+
				"2 1 8:1 /var/lib/kubelet/pods/"+uid+"/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"+
				"3 1 0:2 /containers/storage/overlay-containers/"+id2+"/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"))
		}, Container{CRIO, "", uid}, "PID namespace"},
		{"CRI-O, its pod's file first", func(f *Facts) {
			f.Cgroup, f.DockerEnv, f.PodmanEnv = cred.Is("0::/"), cred.Is(false), cred.Is("")
			f.Mounts = cred.Is(parse(t, "2 1 8:1 /var/lib/kubelet/pods/"+uid+"/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"))
		}, Container{CRIO, "", uid}, "PID namespace"},
		{"Docker on containerd's snapshots", func(f *Facts) {
			f.Cgroup, f.DockerEnv = cred.Is("0::/"), cred.Is(false)
			f.Mounts = cred.Is(parse(t, "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs\n"+
				"2 1 8:1 /var/lib/docker/containers/"+id1+"/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"))
		}, Container{Docker, id1, ""}, "PID namespace"},
		{"a file on what may be the machine's root", func(f *Facts) {
			f.Cgroup, f.PodmanEnv = cred.Is("0::/"), cred.Is("")
			f.Mounts = cred.Is(parse(t, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"))
		}, Container{}, "PID namespace"},
		{"a file on a root of its own", func(f *Facts) {
			f.Cgroup = cred.Is("0::/")
			f.Mounts = cred.Is(parse(t, "1 0 8:1 /srv/root / rw - ext4 /dev/sda1 rw\n"))
		}, Container{Docker, "", ""}, "PID namespace"},
	} {
		f := boxed(t)
		c.change(&f)
		id := f.identify()
		if id.Container != c.want || id.Contained.Value != (c.first != "") || !id.Contained.OK {
			t.Errorf("%s: %+v", c.name, id)
		}
		if c.first != "" && !strings.Contains(id.Evidence[0], c.first) {
			t.Errorf("%s: evidence %q", c.name, id.Evidence)
		}
	}
}

// TestStrays: what is on a machine as if it were a container is named, and makes
// it none.
func TestStrays(t *testing.T) {
	for _, c := range []struct {
		change func(f *Facts)
		want   []string
	}{
		{func(f *Facts) { f.DockerEnv = cred.Is(false) }, nil},
		{func(f *Facts) {}, []string{"there is a /.dockerenv"}},
		{func(f *Facts) { f.Env = cred.Is("lxc") }, []string{"the variable container says lxc", "there is a /.dockerenv"}},
		{func(f *Facts) { f.Namespaces[MountNS].Inode = cred.Is(uint64(5)) }, []string{"there is a /.dockerenv", "it is in a mount namespace of its own"}},
		{func(f *Facts) { f.Namespaces[MountNS].Inode, f.DockerEnv = cred.Is(uint64(5)), cred.Is(false) }, nil},
	} {
		f := boxed(t)
		uncontain(&f)
		c.change(&f)
		id := f.identify()
		if !id.Contained.OK || id.Contained.Value || id.Container != (Container{}) || !slices.Equal(id.Evidence, c.want) {
			t.Errorf("%+v, want %q", id, c.want)
		}
	}
}

// TestPartial: a verdict that rests on what could not be read says so, and counts
// as what it might be.
func TestPartial(t *testing.T) {
	unread := func(k NamespaceKind) func(f *Facts) {
		return func(f *Facts) { f.Namespaces[k].Inode = cred.Known[uint64]{} }
	}
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   bool
	}{
		{"all is read", func(f *Facts) {}, false},
		{"devices", func(f *Facts) { f.Devices = cred.Known[[]Device]{} }, true},
		{"sockets", func(f *Facts) { f.Sockets = cred.Known[[]Socket]{} }, true},
		{"sockets, nothing held", func(f *Facts) {
			f.hold(0)
			f.Process.UID, f.Sockets = cred.Same(1000), cred.Known[[]Socket]{}
		}, true},
		{"mounts", func(f *Facts) { f.Mounts = cred.Known[Mounts]{} }, true},
		{"mounts, for one whom no file of root's obeys", func(f *Facts) {
			f.hold(0)
			f.Process.UID, f.Mounts = cred.Same(1000), cred.Known[Mounts]{}
		}, true},
		{"the network", unread(NetNS), true},
		{"the network, in a user namespace", func(f *Facts) { f.child(100000); unread(NetNS)(f) }, true},
		{"the clocks", unread(TimeNS), false},
		{"queues", unread(IPCNS), true},
		{"queues, of no known runtime", func(f *Facts) { nobodys(t, f); unread(IPCNS)(f) }, false},
		{"seccomp", func(f *Facts) { f.Process.Seccomp = cred.Known[cred.Seccomp]{} }, true},
		{"the label", func(f *Facts) { f.Label = cred.Known[string]{} }, false},
		{"who is root", func(f *Facts) { f.child(100000); f.Process.UserNS.UIDMap = cred.Known[[]cred.IDRange]{} }, true},
		{"another disk", func(f *Facts) { raw(t, f, "20 1 0:40 / /far rw - nfs4 far:/ rw") }, true},
		{"devices, and it is over-privileged", func(f *Facts) { f.hold(boundless); f.Devices = cred.Known[[]Device]{} }, false},
		{"no container", func(f *Facts) { uncontain(f); f.Devices = cred.Known[[]Device]{} }, false},
		{"nothing to be seen", func(f *Facts) { *f = Facts{Process: f.Process}; f.Process.NSPID = nil }, false},
	} {
		f := boxed(t)
		c.change(&f)
		a := Assess(&f)
		worst := a.Verdict
		if c.want {
			worst = OverPrivileged
		}
		if c.want && f.own() && f.Namespaces[NetNS].Inode == (cred.Known[uint64]{}) {
			worst = ConfinedRoot
		}
		if a.Partial() != c.want || a.AtWorst != worst {
			t.Errorf("%s: %v, %s, at worst %s", c.name, a.Partial(), a.Verdict, a.AtWorst)
		}
	}
}

// TestFirstNet: where the number of the machine's network namespace is not to be
// seen, its settings are.
func TestFirstNet(t *testing.T) {
	for first, want := range map[bool]Severity{true: High, false: Held} {
		f := boxed(t)
		f.Namespaces[NetNS].Machine, f.FirstNet = cred.Known[uint64]{}, cred.Is(first)
		if a := Assess(&f); a.severity("net-namespace") != want || a.Partial() {
			t.Errorf("%v: %s", first, a.severity("net-namespace"))
		}
		f.Release = cred.Is("4.4.0")
		if a := Assess(&f); a.severity("net-namespace") != Unread {
			t.Errorf("%v, gVisor: %s", first, a.severity("net-namespace"))
		}
	}
}

func TestVerdictWords(t *testing.T) {
	if !slices.IsSorted([]Verdict{Undecided, NotAContainer, Privileged, OverPrivileged, ConfinedRoot, AsDefault, Restricted, None}) {
		t.Error("the order has changed")
	}
	for i, name := range VerdictNames() {
		if v, ok := ParseVerdict(name); !ok || v != Verdict(i) || v.String() != name || (&Assessment{Verdict: v}).Meaning() == "" {
			t.Errorf("%s: %v, %v", name, v, ok)
		}
	}
	if _, ok := ParseVerdict("fine"); ok {
		t.Error("fine is a verdict")
	}
	if !Undecided.AsBadAs(None) || None.AsBadAs(Restricted) || !Privileged.AsBadAs(Privileged) {
		t.Error("worse and better are mixed up")
	}
}
