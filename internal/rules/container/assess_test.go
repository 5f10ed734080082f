package container

import (
	"fmt"
	"slices"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// boundless is all that the kernel of these tests has.
const boundless caps.Set = 1<<41 - 1

// dockerDevices are the rules of the device cgroup that Docker sets.
const dockerDevices = "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 5:0 rwm\nc 136:* rwm\n"

// boxed are the facts of a container of Docker as it is by default, root inside.
func boxed(t testing.TB) Facts {
	t.Helper()
	f := Facts{
		Process: cred.Process{
			PID: 77, TID: 77, NSPID: []int{77, 1},
			Seccomp: cred.Is(cred.SeccompFilter),
			State: cred.State{
				Sets:       cred.Sets{Effective: catalog.DockerDefault, Permitted: catalog.DockerDefault, Bounding: catalog.DockerDefault},
				NoNewPrivs: cred.Is(false),
				UserNS:     cred.UserNS{UIDMap: cred.Is([]cred.IDRange{{Count: 1<<32 - 1}})},
			},
		},
		Label:     cred.Is("docker-default (enforce)"),
		Kernel:    cred.Is(boundless),
		Release:   cred.Is("6.1.0-18-amd64"),
		Cgroup:    cred.Is("0::/system.slice/docker-" + id1 + ".scope\n"),
		ProcFiles: cred.Is(ProcFiles()),
		Env:       cred.Is(""),
		FileFacts: FileFacts{
			Manager: cred.Is(""), DockerEnv: cred.Is(true),
			Sockets: cred.Is([]Socket(nil)), Setuid: cred.Is([]string(nil)),
			Devices: cred.Is([]Device{node("/dev/null", 'c', 1, 3), node("/dev/tty", 'c', 5, 0), node("/dev/pts0", 'c', 136, 0)}),
		},
	}
	f.DeviceRules.Value, f.DeviceRules.OK = ParseDeviceRules(dockerDevices)
	f.UserNamespaces, f.Modules, f.UeventHelper = cred.Is(true), cred.Is(true), cred.Is(true)
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
	if f.Process.UID == cred.Same(0) && !f.SharesUserNS {
		f.Process.UID = cred.Same(outside)
	}
}

// open takes the restrictions beside capabilities away.
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
		{"nothing", func(f *Facts) { f.hold(0) }, NoCapabilities},
		{"a user, its execve open", func(f *Facts) { f.Process.Permitted, f.Process.Effective = 0, 0 }, AsDefault},
		{"a user without new privileges", func(f *Facts) {
			f.Process.Permitted, f.Process.Effective, f.Process.NoNewPrivs = 0, 0, cred.Is(true)
		}, NoCapabilities},
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
		}, NoCapabilities},
		{"a thread holds", func(f *Facts) {
			f.hold(0)
			f.Process.NoNewPrivs = cred.Is(true)
			thread := f.Process
			thread.Permitted = caps.Of(caps.SysAdmin)
			f.Process.Differing = []cred.Process{thread}
		}, OverPrivileged},
		{"one more", func(f *Facts) { f.hold(catalog.DockerDefault | caps.Of(caps.SysPacct)) }, OverPrivileged},
		{"sys_admin more", func(f *Facts) { f.hold(catalog.DockerDefault | caps.Of(caps.SysAdmin)) }, OverPrivileged},
		{"sys_admin and nothing else but no restriction", func(f *Facts) { f.hold(caps.Of(caps.SysAdmin)); f.open(t) }, Privileged},
		{"sys_admin and no restriction but a label", func(f *Facts) {
			f.hold(caps.Of(caps.SysAdmin))
			f.open(t)
			f.Label = cred.Is("docker-default (enforce)")
		}, OverPrivileged},
		{"sys_admin and no restriction but a filter", func(f *Facts) {
			f.hold(caps.Of(caps.SysAdmin))
			f.open(t)
			f.Process.Seccomp = cred.Is(cred.SeccompFilter)
		}, OverPrivileged},
		{"sys_admin and no restriction but masks", func(f *Facts) {
			f.hold(caps.Of(caps.SysAdmin))
			f.open(t)
			f.Mounts = cred.Is(dockerMounts(t))
		}, OverPrivileged},
		{"no restriction but the default", func(f *Facts) { f.open(t) }, OverPrivileged}, // /proc/sys is open to its root
		{"no restriction, a user with nothing", func(f *Facts) {
			f.hold(0)
			f.Process.UID = cred.Same(1000)
			f.open(t)
		}, OverPrivileged},
		{"everything", func(f *Facts) { f.hold(boundless) }, Privileged},
		{"all that this host has", func(f *Facts) {
			f.Host = cred.Is(boundless &^ caps.Of(caps.SysModule, caps.SysRawio, caps.SysResource, caps.MACAdmin))
			f.hold(f.Host.Value)
		}, Privileged},
		{"all but one that this host has", func(f *Facts) { f.Host = cred.Is(boundless); f.hold(boundless &^ caps.Of(caps.SysModule)) }, OverPrivileged},
		{"all marks but one, the host unseen", func(f *Facts) { f.hold(boundless &^ caps.Of(caps.SysModule)) }, Privileged},
		{"all marks but two, the host unseen", func(f *Facts) { f.hold(boundless &^ caps.Of(caps.SysModule, caps.SysRawio)) }, OverPrivileged},
		{"everything in a user namespace", func(f *Facts) { f.hold(boundless); f.child(100000) }, ConfinedRoot},
		{"everything where root is root", func(f *Facts) { f.hold(boundless); f.child(0) }, OverPrivileged},
		{"the default in a user namespace", func(f *Facts) { f.child(100000) }, AsDefault},
		{"everything in a user namespace, no restriction", func(f *Facts) { f.hold(boundless); f.child(100000); f.open(t) }, ConfinedRoot},
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
		{"the host's PIDs", func(f *Facts) { f.Namespaces[PIDNS].Inode = cred.Is(InitialInode(PIDNS)) }, OverPrivileged},
		{"a socket", func(f *Facts) { f.Sockets.Value = dockerSocket }, OverPrivileged},
		{"LXC as it is", func(f *Facts) {
			f.Cgroup = cred.Is("0::/lxc.payload.web")
			f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/lxc/web/rootfs"))
			lxc, _ := catalog.Default(catalog.LXC)
			f.hold(lxc)
		}, OverPrivileged}, // sys_admin is in it
		{"LXC without what allows escape", func(f *Facts) {
			f.Cgroup = cred.Is("0::/lxc.payload.web")
			f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/lxc/web/rootfs"))
			lxc, _ := catalog.Default(catalog.LXC)
			f.hold(lxc &^ caps.Of(caps.SysAdmin, caps.BPF))
		}, Restricted},
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
			f.Namespaces, f.HostProc = [NamespaceKinds]Namespace{}, true
		}, NotAContainer},
		{"a file, and nothing else to be seen", func(f *Facts) {
			*f = Facts{Process: f.Process, FileFacts: FileFacts{DockerEnv: cred.Is(true)}}
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

// TestDefaultAllowsEscape: what a runtime's default itself gives away is counted.
func TestDefaultAllowsEscape(t *testing.T) {
	f := boxed(t)
	f.Cgroup = cred.Is("0::/lxc.payload.web")
	f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/lxc/web/rootfs"))
	lxc, _ := catalog.Default(catalog.LXC)
	f.hold(lxc)
	a := Assess(&f)
	i := slices.IndexFunc(a.Findings, func(x Finding) bool { return x.ID == "capabilities" })
	want := fmt.Sprintf("nothing beyond lxc's default, but %d of these can allow escape to the host", len(a.Findings[i].Caps))
	if got := a.Findings[i]; got.Evidence != want || len(got.Caps) == 0 {
		t.Errorf("%s, want %s", got.Evidence, want)
	}
}

// nobodys takes away all that tells the runtime.
func nobodys(t testing.TB, f *Facts) {
	f.Cgroup, f.DockerEnv = cred.Is("0::/"), cred.Is(false)
	f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /srv/root"))
}

// uncontain makes it a process of the host.
func uncontain(f *Facts) {
	for k := range NamespaceKinds {
		f.Namespaces[k].Inode = cred.Is(InitialInode(k))
	}
	f.Process.NSPID = []int{77}
	f.Cgroup = cred.Is("0::/user.slice")
	f.Mounts = cred.Known[Mounts]{}
}

// TestFindings: each restriction, taken away alone, is reported by its own finding only.
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
		{"no-new-privs", func(f *Facts) { f.Process.NoNewPrivs = cred.Is(true) }, OK},
		{"no-new-privs", func(f *Facts) { f.Process.NoNewPrivs = cred.Known[bool]{} }, Unread},
		{"no-new-privs", func(f *Facts) { f.Process.Permitted = 0 }, Low},
		{"no-new-privs", func(f *Facts) { f.Process.Inheritable = caps.Of(caps.Chown) }, Info},
		{"no-new-privs", func(f *Facts) { f.Process.Permitted, f.Setuid.Value = 0, []string{"/bin/su"} }, Medium},
		{"pid-namespace", func(f *Facts) { f.Namespaces[PIDNS].Inode = f.Namespaces[PIDNS].Host }, Medium},
		{"net-namespace", func(f *Facts) { f.Namespaces[NetNS].Inode = f.Namespaces[NetNS].Host }, High},
		{"net-namespace", func(f *Facts) { f.Namespaces[NetNS].Host = cred.Known[uint64]{} }, Unread},
		{"mnt-namespace", func(f *Facts) { f.Namespaces[MountNS].Inode = f.Namespaces[MountNS].Host }, Critical},
		{"ipc-namespace", func(f *Facts) { f.Namespaces[IPCNS].Inode = f.Namespaces[IPCNS].Host }, Medium},
		{"uts-namespace", func(f *Facts) { f.Namespaces[UTSNS].Inode = f.Namespaces[UTSNS].Host }, Info},
		{"cgroup-namespace", func(f *Facts) { f.Namespaces[CgroupNS].Inode = cred.Known[uint64]{} }, Unread},
		{"time-namespace", func(f *Facts) { f.Namespaces[TimeNS].Inode = cred.Is(uint64(1)) }, OK},
		{"runtime-socket", func(f *Facts) { f.Sockets.Value = dockerSocket }, Critical},
		{"runtime-socket", func(f *Facts) { f.Sockets = cred.Known[[]Socket]{} }, Unread},
		{"devices", func(f *Facts) { f.add(node("/dev/x/sda", 'b', 8, 0)) }, Critical},
		{"devices", func(f *Facts) { f.add(node("/dev/mem", 'c', 1, 1)) }, Low},
		{"devices", func(f *Facts) { f.add(node("/dev/sg0", 'c', 21, 0)) }, Critical},
		{"devices", func(f *Facts) { f.add(node("/dev/kvm", 'c', 10, 232)) }, Medium},
		{"devices", func(f *Facts) { f.add(node("/dev/kmsg", 'c', 1, 11)) }, Medium},
		{"devices", func(f *Facts) { f.add(node("/run/inaccessible", 'b', 0, 0)) }, OK},
		{"devices", func(f *Facts) { f.add(node("/dev/kvm", 'c', 10, 232)); f.Devices.OK = false }, Unread},
		{"devices", func(f *Facts) { f.add(node("/dev/sda", 'b', 8, 0)); f.Devices.OK = false }, Critical},
		{"devices", func(f *Facts) { f.Devices = cred.Known[[]Device]{} }, Unread},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /srv/data") }, Info},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /etc/ssl") }, High},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 ro /etc") }, Medium},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /var/lib/docker/volumes/x/_data") }, OK},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /var") }, High},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /var/spool") }, High},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /variable") }, Info},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /tmp") }, High},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /data ext4 rw /tmp/x") }, Info},
		{"host-directories", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /disk devtmpfs rw /disk") }, High},
		{"devices", func(f *Facts) {
			f.Mounts.Value = dockerMounts(t, "20 1 /mnt/kvm devtmpfs rw /kvm")
			f.add(node("/mnt/kvm", 'c', 10, 232))
		}, Medium},
		{"kernel-filesystems", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 10 /dev/pts devpts rw /") }, OK},
		{"kernel-filesystems", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /pts devpts ro /") }, High},
		{"kernel-filesystems", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 10 /dev/console devpts rw /0") }, OK},
		{"kernel-filesystems", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /queues mqueue rw /") }, Medium},
		{"device-cgroup", func(f *Facts) {
			f.DeviceRules.Value = append(f.DeviceRules.Value, deviceRule{'c', anyNumber, anyNumber, true})
		}, High},
		{"device-cgroup", func(f *Facts) { f.DeviceRules.Value = append(f.DeviceRules.Value, deviceRule{'c', 13, 64, true}) }, High},
		{"device-cgroup", func(f *Facts) { f.DeviceRules.Value = append(f.DeviceRules.Value, deviceRule{'c', 10, 200, true}) }, OK},
		{"device-cgroup", func(f *Facts) { f.DeviceRules.Value = append(f.DeviceRules.Value, deviceRule{'c', 13, 64, false}) }, OK},
		{"host-proc", func(f *Facts) { f.HostProcs = []string{"/proc"} }, Medium}, // the label keeps files out of reach
		{"runtime-socket", func(f *Facts) { f.Sockets.Value = bus }, Critical},
		{"runtime-socket", func(f *Facts) {
			f.Sockets.Value = dockerSocket
			raw(t, f, "20 1 0:50 /docker.sock /run/docker.sock rw - tmpfs tmpfs rw")
		}, Critical},
		{"sysfs", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /s sysfs rw /fs/bpf") }, OK},
		{"host-root", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /host ext4 rw /") }, Critical},
		{"host-root", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /host ext4 ro /") }, High},
		{"proc-sys", func(f *Facts) {
			f.Mounts.Value = dockerMounts(t, "20 1 /p proc rw /", "21 20 /p/kcore tmpfs rw /null",
				"22 20 /p/keys tmpfs rw /null", "23 20 /p/timer_list tmpfs rw /null")
		}, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys/kernel") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys/kernel/core_pattern") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sysrq-trigger") }, High},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 3 /proc/sys/kernel proc rw /sys/kernel") }, Critical},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc ro /sys") }, OK},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 3 /proc/sys/net proc rw /sys/net") }, OK},
		{"proc-sys", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /sys", "21 20 /x cgroup2 ro /") }, OK},
		{"proc-sys", func(f *Facts) { raw(t, f, "20 1 0:50 / /x rw - proc proc rw,hidepid=invisible,subset=pid") }, OK}, // processes alone
		{"proc-masks", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc rw /kcore") }, Medium},
		{"proc-masks", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /x proc ro /") }, Medium},
		{"sysfs", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /s sysfs rw /") }, Critical},
		{"cgroupfs", func(f *Facts) { f.Mounts.Value = dockerMounts(t, "20 1 /c cgroup rw /") }, Medium},
		{"proc-masks", func(f *Facts) {
			f.Mounts.Value = dockerMounts(t, "20 2 /proc proc rw /", "21 20 /proc/sys proc ro /sys", "22 20 /proc/sysrq-trigger proc ro /x")
		}, Medium},
		{"capabilities", func(f *Facts) { f.hold(catalog.DockerDefault | caps.Of(caps.SysPacct)) }, Low},
		{"capabilities", func(f *Facts) { f.hold(catalog.DockerDefault | caps.Of(caps.NetAdmin)) }, Low},
		{"capabilities", func(f *Facts) { f.hold(catalog.DockerDefault | caps.Of(caps.SysModule)) }, Critical},
		{"capabilities", func(f *Facts) { f.hold(catalog.DockerDefault | 1<<50) }, Medium},
	} {
		f := boxed(t)
		c.change(&f)
		after := names(&f)
		if c.want > Info && advice()[c.id].Remedy == "" {
			t.Errorf("%s: no advice", c.id)
		}
		if after[c.id] != c.want {
			t.Errorf("%s: %s, want %s", c.id, after[c.id], c.want)
		}
		for id := range before {
			if id != c.id && after[id] != before[id] && id != "no-new-privs" && !(c.id == "seccomp" && id == "new-user-namespaces") {
				t.Errorf("%s changed %s from %s to %s", c.id, id, before[id], after[id])
			}
		}
		if len(after) != len(before) {
			t.Errorf("%s: %d findings, %d before", c.id, len(after), len(before))
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
		if c.want && f.InChildUserNS() && f.Namespaces[NetNS].Inode == (cred.Known[uint64]{}) {
			worst = ConfinedRoot
		}
		if a.Partial() != c.want || a.AtWorst != worst {
			t.Errorf("%s: %v, %s, at worst %s", c.name, a.Partial(), a.Verdict, a.AtWorst)
		}
	}
}

// TestSummary: the last line says what to do next, which of what could not be read is to
// read it.
func TestSummary(t *testing.T) {
	for want, change := range map[string]func(f *Facts){
		"DEFAULT: no findings of medium severity or higher.": func(*Facts) {},
		"DEFAULT: 2 unknown. Next: run capsh as root on the host, which can read more.": func(f *Facts) {
			f.Label, f.Process.Seccomp = cred.Known[string]{}, cred.Known[cred.Seccomp]{}
		},
		"OVER-PRIVILEGED: 1 medium. Next, to resolve 'pid-namespace': do not share the PID namespace.": func(f *Facts) {
			f.Namespaces[PIDNS].Inode = f.Namespaces[PIDNS].Host
		},
	} {
		f := boxed(t)
		change(&f)
		if a := Assess(&f); a.Summary() != want {
			t.Errorf("%s\nwant %s", a.Summary(), want)
		}
	}
}

// TestFirstNet: where the number of the host's network namespace is not to be
// seen, its settings are.
func TestFirstNet(t *testing.T) {
	for first, want := range map[bool]Severity{true: High, false: OK} {
		f := boxed(t)
		f.Namespaces[NetNS].Host, f.FirstNet = cred.Known[uint64]{}, cred.Is(first)
		if a := Assess(&f); a.severity("net-namespace") != want || a.Partial() {
			t.Errorf("%v: %s", first, a.severity("net-namespace"))
		}
		f.Release = cred.Is("4.4.0")
		if a := Assess(&f); a.severity("net-namespace") != Unread {
			t.Errorf("%v, gVisor: %s", first, a.severity("net-namespace"))
		}
	}
}

// TestReleaseAgent: CAP_SYS_ADMIN makes a writable hierarchy critical where it has a
// release_agent, which version 2 has not.
func TestReleaseAgent(t *testing.T) {
	for mount, want := range map[string]Severity{"20 1 /c cgroup rw /": Critical, "20 1 /c cgroup2 rw /": Medium} {
		f := boxed(t)
		f.hold(caps.Of(caps.SysAdmin))
		f.Mounts.Value = dockerMounts(t, mount)
		if a := Assess(&f); a.severity("cgroupfs") != want {
			t.Errorf("%s: %s, want %s", mount, a.severity("cgroupfs"), want)
		}
	}
}

func TestVerdictWords(t *testing.T) {
	if !slices.IsSorted([]Verdict{Undecided, NotAContainer, Privileged, OverPrivileged, ConfinedRoot, AsDefault, Restricted, NoCapabilities}) {
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
	if !Undecided.AsBadAs(NoCapabilities) || NoCapabilities.AsBadAs(Restricted) || !Privileged.AsBadAs(Privileged) {
		t.Error("worse and better are mixed up")
	}
}

// TestOwnKernel: what gVisor shows of a kernel is its own, whatever may be written
// there; a disk that it is given is not.
func TestOwnKernel(t *testing.T) {
	f := boxed(t)
	f.Release, f.ProcFiles = cred.Is("4.4.0"), cred.Is([]string{"kcore", "keys", sysrq})
	f.Mounts.Value = table(t, "18 17 / overlay rw /", "19 18 /sys sysfs rw /", "22 18 /proc proc rw /", "23 19 /sys/fs/cgroup cgroup rw /")
	f.hold(boundless)
	f.add(node("/dev/fuse", 'c', 10, 229))
	for k := range NamespaceKinds {
		f.Namespaces[k] = Namespace{Inode: cred.Is(uint64(k) + 1)}
	}
	a := Assess(&f)
	for _, id := range []string{"proc-sys", "proc-masks", "sysfs", "cgroupfs", "devices", "user-namespace", "pid-namespace", "mnt-namespace", "cgroup-namespace"} {
		if got := a.severity(id); got != OK {
			t.Errorf("%s: %s", id, got)
		}
	}
	if a.severity("net-namespace") != Unread || a.Verdict != ConfinedRoot {
		t.Errorf("%s, net-namespace %s", a.Verdict, a.severity("net-namespace"))
	}
	f.add(node("/dev/sda", 'b', 8, 0))
	if a := Assess(&f); a.severity("devices") < Medium {
		t.Errorf("with a disk: devices %s", a.severity("devices"))
	}
}
