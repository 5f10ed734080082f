package container

import (
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// TestLoosened: a restriction less than the runtime raises by itself, or something of the
// host's given, is more than the default, whatever is held.
func TestLoosened(t *testing.T) {
	share := func(k NamespaceKind) func(f *Facts) {
		return func(f *Facts) { f.Namespaces[k].Inode = f.Namespaces[k].Host }
	}
	mount := func(lines ...string) func(f *Facts) {
		return func(f *Facts) { f.Mounts.Value = dockerMounts(t, lines...) }
	}
	as := func(cgroup string, change func(f *Facts)) func(f *Facts) {
		return func(f *Facts) {
			nobodys(t, f)
			f.Cgroup = cred.Is("0::" + cgroup)
			change(f)
		}
	}
	const (
		podmans = "/machine.slice/libpod-" + id1 + ".scope"
		pods    = "/kubepods/pod" + uid + "/cri-containerd-" + id2 + ".scope"
		lxcs    = "/lxc.payload.web"
		nspawns = "/machine.slice/machine-web.scope"
	)
	open := func(f *Facts) { f.Process.Seccomp = cred.Is(cred.SeccompOff) }
	cgroups := func(parent, root string) func(f *Facts) {
		return func(f *Facts) { raw(t, f, "20 "+parent+" 0:50 "+root+" /sys/fs/cgroup rw - cgroup2 cgroup rw") }
	}
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   bool
	}{
		{"nothing", func(f *Facts) {}, false},
		{"queues", share(IPCNS), true},
		{"names", share(UTSNS), false},
		{"cgroups", share(CgroupNS), true},
		{"cgroups, version 1", func(f *Facts) {
			share(CgroupNS)(f)
			f.Cgroup = cred.Is("5:pids:/docker/" + id1 + "\n0::/\n")
		}, false},
		{"clocks", share(TimeNS), false},
		{"users", share(UserNS), false},
		{"system calls", open, true},
		{"system calls, podman", as(podmans, open), true},
		{"system calls, a pod", as(pods, open), false},
		{"system calls, LXC", as(lxcs, open), true},
		{"system calls, nobody's", as("/", open), false},
		{"queues, nspawn", as(nspawns, share(IPCNS)), true},
		{"queues, nobody's", as("/", share(IPCNS)), false},
		{"the label", func(f *Facts) { f.Label = cred.Is("unconfined") }, false},
		{"setuid files", func(f *Facts) { f.Process.Permitted, f.Setuid.Value = 0, []string{"/bin/su"} }, false},
		{"a device", func(f *Facts) { f.add(node("/dev/net/tun", 'c', 10, 200)) }, true},
		{"a device, nspawn", as(nspawns, func(f *Facts) { f.add(node("/dev/net/tun", 'c', 10, 200)) }), false},
		{"/etc to read", mount("20 1 /e ext4 ro /etc"), true},
		{"/srv", mount("20 1 /e ext4 rw /srv/data"), false},
		{"/usr to read", mount("20 1 /e ext4 ro /usr/share"), false},
		{"/usr", mount("20 1 /e ext4 rw /usr/share"), true},
		{"the engine's init", mount("20 1 /sbin/docker-init ext4 ro /usr/bin/docker-init"), false},
		{"the time zone", mount("20 1 /etc/localtime ext4 ro /etc/localtime"), false},
		{"files of /proc", mount("20 1 /k proc ro /kcore"), true},
		{"its cgroups to write", cgroups("9", "/system.slice/docker-"+id1+".scope"), true},
		{"its cgroups to write, podman", as(podmans, cgroups("1", podmans)), false},
		{"its cgroups to write, podman's systemd", as(podmans+"/init.scope", cgroups("1", podmans)), false},
		{"its cgroups to write, podman, inside", func(f *Facts) {
			as(podmans, cgroups("1", "/"))(f)
			f.Cgroup, f.PodmanEnv = cred.Is("0::/init.scope\n"), cred.Is("")
		}, false},
		{"all cgroups to write, podman", as(podmans, cgroups("1", "/")), true},
		{"all cgroups to write, podman, inside", func(f *Facts) {
			as(podmans, cgroups("1", "/../.."))(f)
			f.Cgroup, f.PodmanEnv = cred.Is("0::/\n"), cred.Is("")
		}, true},
		{"cgroups to write, podman", as(podmans, func(f *Facts) { raw(t, f, "20 1 0:50 / /cg rw - cgroup cgroup rw") }), true},
	} {
		for _, child := range []bool{false, true} {
			f := boxed(t)
			f.hold(caps.Of(caps.Chown))
			c.change(&f)
			if child {
				f.child(100000)
			}
			want := map[[2]bool]Verdict{
				{false, false}: Restricted, {false, true}: Restricted, {true, false}: OverPrivileged, {true, true}: ConfinedRoot,
			}[[2]bool{c.want, child}]
			a := Assess(&f)
			lowered := child && want == ConfinedRoot && a.Verdict == Restricted && a.worst() < Medium // a file of root's does not obey it
			if a.Verdict != want && !lowered {
				t.Errorf("%s, in a user namespace %v, %s: %s, want %s", c.name, child, a.Runtime, a.Verdict, want)
				for _, x := range a.Findings {
					t.Logf("\t%s %s: %s", x.Severity, x.ID, x.Evidence)
				}
			}
		}
	}
}

// TestMeaning: what stands behind the word hides no finding.
func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		change func(f *Facts)
		want   string
	}{
		{func(f *Facts) {}, "the capabilities that the runtime gives by default."},
		{func(f *Facts) { f.Label = cred.Is("unconfined") }, "the capabilities that the runtime gives by default; 1 medium finding."},
		{func(f *Facts) {
			f.Label, f.Setuid.Value = cred.Is("unconfined"), []string{"/bin/su"}
			f.Process.Permitted, f.Process.Bounding = 0, caps.Of(caps.Chown)
		}, "fewer capabilities than the runtime gives by default; 2 medium findings."},
		{func(f *Facts) { f.hold(0) }, "it has no capability and can get none."},
	} {
		f := boxed(t)
		c.change(&f)
		if a := Assess(&f); a.Meaning() != c.want {
			t.Errorf("%s: %s\nwant %s", a.Verdict, a.Meaning(), c.want)
		}
	}
}

// TestTmpfs: from inside, age tells a tmpfs that may be the host's.
func TestTmpfs(t *testing.T) {
	const start = int64(1e18)
	for _, c := range []struct {
		name   string
		lines  []string
		born   map[string]int64
		change func(f *Facts)
		want   Severity
	}{
		{"made with the container", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/x": start - 1e8}, nil, OK},
		{"made later", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/x": start + 1e12}, nil, OK},
		{"made before", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/x": start - 1e10}, nil, Unread},
		{"made before, in a pod", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/x": start - 1e10},
			func(f *Facts) { f.Cgroup = cred.Is("0::/kubepods/pod" + uid + "/" + id2) }, Info},
		{"no age is known", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, nil, nil, Info},
		{"no age of the container's is known", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw"}, map[string]int64{"/x": start}, nil, Info},
		{"before, and a directory besides", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw", "21 1 8:1 /srv/x /y rw - ext4 /dev/sda1 rw"},
			map[string]int64{"/dev": start, "/x": 0}, nil, Unread},
		{"before, and a graver directory besides", []string{"20 1 0:40 / /x rw - tmpfs tmpfs rw", "21 1 8:1 /etc /y rw - ext4 /dev/sda1 rw"},
			map[string]int64{"/dev": start, "/x": 0}, nil, High},
		{"an engine's shared memory", []string{"20 10 0:40 / /dev/shm rw - tmpfs shm rw"}, map[string]int64{"/dev": start, "/dev/shm": 0}, nil, OK},
		{"other shared memory", []string{"20 10 0:40 / /dev/shm rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/dev/shm": 0}, nil, Unread},
		{"the host's shared memory", []string{"20 10 0:40 / /dev/shm rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/dev/shm": 0},
			func(f *Facts) { f.Namespaces[IPCNS].Inode = f.Namespaces[IPCNS].Host }, OK},
		{"in the devices' directory", []string{"20 10 0:40 / /dev/x rw - tmpfs tmpfs rw"}, map[string]int64{"/dev": start, "/dev/x": 0}, nil, Unread},
		{"below the host's root", []string{"20 1 8:1 / /host rw - ext4 /dev/sda1 rw", "21 20 0:40 / /host/run rw - tmpfs tmpfs rw"},
			map[string]int64{"/dev": start, "/host/run": 0}, nil, OK},
		{"a lid", []string{"20 2 0:40 / /proc/acpi ro - tmpfs tmpfs ro"}, map[string]int64{"/dev": start, "/proc/acpi": 0}, nil, OK},
		{"the directory of cgroups", []string{"20 1 0:40 / /cg rw - tmpfs cgroup rw", "21 20 0:41 / /cg/pids ro - cgroup cgroup rw,pids"},
			map[string]int64{"/dev": start, "/cg": 0}, nil, OK},
		{"the directory of cgroups, the host's mounts known", []string{"20 1 0:60 / /cg rw - tmpfs cgroup rw", "21 20 0:61 / /cg/pids ro - cgroup cgroup rw,pids"}, nil,
			func(f *Facts) {
				f.HostMounts = cred.Is(parse(t, host+"9 1 0:60 / /sys/fs/cgroup rw - tmpfs cgroup rw\n"))
			}, OK},
		{"shared memory, the host's mounts known", []string{"20 1 0:60 / /x rw - tmpfs tmpfs rw"}, nil,
			func(f *Facts) {
				f.HostMounts = cred.Is(parse(t, host+"9 1 0:60 / /dev/shm rw - tmpfs tmpfs rw\n"))
			}, Medium},
	} {
		f := boxed(t)
		raw(t, &f, c.lines...)
		f.Born = c.born
		if c.change != nil {
			c.change(&f)
		}
		a := Assess(&f)
		if got := a.severity("host-directories"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if a.Partial() != (c.want == Unread) {
			t.Errorf("%s: partial %v", c.name, a.Partial())
		}
	}
}

// TestGivenToNobody: the host's files are in reach of those who are nobody there.
func TestGivenToNobody(t *testing.T) {
	user := func(f *Facts) {
		f.hold(0)
		f.Process.UID, f.Process.NoNewPrivs = cred.Same(1000), cred.Is(true)
	}
	for _, c := range []struct {
		line   string
		change func(f *Facts)
		id     string
		want   Severity
	}{
		{"20 1 8:1 / /host rw - ext4 /dev/sda1 rw", user, "host-root", Medium},
		{"20 1 8:1 / /host rw - ext4 /dev/sda1 rw", func(f *Facts) { f.child(100000) }, "host-root", Medium},
		{"20 1 8:1 / /host ro - ext4 /dev/sda1 rw", func(f *Facts) {}, "host-root", High},
		{"20 1 8:1 /etc /e ro - ext4 /dev/sda1 rw", user, "host-directories", Medium},
		{"20 1 8:1 /etc /e rw - ext4 /dev/sda1 rw", user, "host-directories", Medium},
		{"20 1 8:1 /etc /e rw - ext4 /dev/sda1 rw", func(f *Facts) { f.child(100000) }, "host-directories", Medium},
	} {
		f := boxed(t)
		raw(t, &f, c.line)
		c.change(&f)
		a := Assess(&f)
		if got := a.severity(c.id); got != c.want || !a.Verdict.AsBadAs(ConfinedRoot) || strings.Contains(a.Meaning(), "by default.") {
			t.Errorf("%s: %s, want %s; %s", c.line, got, c.want, a.Verdict)
		}
	}
}

// TestRootUnmapped: a user namespace without the host's uid 0 does not take its rights from
// a process that is that user, as unshare(1) leaves one.
func TestRootUnmapped(t *testing.T) {
	f := boxed(t)
	f.child(100000)
	f.Process.UID = cred.Same(0)
	raw(t, &f, "20 1 0:50 /sys /x rw - proc proc rw")
	if a := Assess(&f); a.severity("proc-sys") != Critical {
		t.Error(a.severity("proc-sys"))
	}
}

// TestFilterOfBounding: engines make the filter for the bounding set, whatever a user has.
func TestFilterOfBounding(t *testing.T) {
	f := boxed(t)
	f.hold(0)
	f.Process.UID, f.Process.Bounding = cred.Same(1000), catalog.DockerDefault
	for _, want := range []Severity{OK, Low} {
		if a := Assess(&f); a.severity("new-user-namespaces") != want {
			t.Errorf("%s, want %s", a.severity("new-user-namespaces"), want)
		}
		f.Process.Bounding |= caps.Of(caps.SysAdmin)
	}
}

// TestDevicesAfterMove: that a device cannot be opened yet says little of who can leave the
// device cgroup.
func TestDevicesAfterMove(t *testing.T) {
	f := boxed(t)
	f.Devices.Value = append(f.Devices.Value, node("/mnt/sda", 'b', 8, 0))
	f.Opened = map[string]bool{"/mnt/sda": false}
	for _, want := range []Severity{Info, Critical} {
		if a := Assess(&f); a.severity("devices") != want {
			t.Errorf("%s, want %s", a.severity("devices"), want)
		}
		f.Cgroup = cred.Is("3:devices:/docker/" + id1 + "\n")
		raw(t, &f, "20 1 0:51 / /cg rw - cgroup cgroup rw,devices")
	}
}

// TestHostProcess: the directory of one process gives less than a whole procfs, until it can
// be traced.
func TestHostProcess(t *testing.T) {
	for _, c := range []struct {
		root string
		set  caps.Set
		want Severity
	}{
		{"/", catalog.DockerDefault, High}, {"/1", catalog.DockerDefault, Medium}, {"/1/task", catalog.DockerDefault, High},
		{"/1", catalog.DockerDefault | caps.Of(caps.SysPtrace), Critical},
	} {
		f := boxed(t)
		f.hold(c.set)
		f.Label, f.HostProcs = cred.Is(""), []string{"/p"}
		raw(t, &f, "20 1 0:50 "+c.root+" /p ro - proc proc rw")
		if a := Assess(&f); a.severity("host-proc") != c.want {
			t.Errorf("%s: %s, want %s", c.root, a.severity("host-proc"), c.want)
		}
	}
}
