package container

import (
	"fmt"
	"strings"
	"testing"

	"capsh/internal/rules/cred"
)

// raw adds lines of a mountinfo file to a container's mounts.
func raw(t testing.TB, f *Facts, lines ...string) {
	t.Helper()
	text := ""
	for _, m := range f.Mounts.Value.List {
		options := "rw"
		if m.ReadOnly {
			options = "ro"
		}
		text += fmt.Sprintln(m.ID, m.Parent, m.Dev, m.Root, m.Point, options, "-", m.Type, m.Source, m.Super)
	}
	f.Mounts.Value = parse(t, text+strings.Join(lines, "\n")+"\n")
}

func parse(t testing.TB, text string) Mounts {
	t.Helper()
	m, ok := ParseMounts(text)
	if !ok {
		t.Fatalf("no mount table: %q", text)
	}
	return m
}

// host is the mount table of a host's init, with a home and a /run of
// their own.
const host = `1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 8:2 / /home rw - ext4 /dev/sda2 rw
3 1 0:25 / /run rw - tmpfs tmpfs rw
4 1 0:30 / /var/lib/docker/containers/` + id1 + `/mounts/shm rw - tmpfs shm rw
`

// TestMachineRoot: it is known by where the runtime's files are, or by the
// host's own mount table; that a filesystem is another's is not to be seen.
func TestMachineRoot(t *testing.T) {
	own := func(f *Facts, line string) { f.Mounts.Value = parse(t, line) }
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   Severity
	}{
		{"no mount", func(f *Facts) {}, OK},
		{"the disk of the runtime's files", func(f *Facts) { raw(t, f, "20 1 8:1 / /host rw - ext4 /dev/sda1 rw") }, Critical},
		{"another disk", func(f *Facts) { raw(t, f, "20 1 8:2 / /host rw - ext4 /dev/sda2 rw") }, Unread},
		{"a directory", func(f *Facts) { raw(t, f, "20 1 8:2 /srv /host rw - ext4 /dev/sda2 rw") }, OK},
		{"ZFS", func(f *Facts) { raw(t, f, "20 1 0:40 / /host rw - zfs rpool/ROOT/debian rw") }, Unread},
		{"Btrfs", func(f *Facts) {
			raw(t, f, "20 1 0:40 /@ /host rw - btrfs /dev/sda2 rw,subvolid=256,subvol=/@")
		}, Unread},
		{"Btrfs, a subvolume named as no other", func(f *Facts) {
			raw(t, f, "20 1 0:40 /root /host rw - btrfs /dev/sda2 rw,subvolid=256,subvol=/root")
		}, Unread},
		{"Btrfs of which the subvolume is not told", func(f *Facts) { raw(t, f, "20 1 0:40 /@ /host rw - btrfs /dev/sda2 rw") }, Unread},
		{"Btrfs, a directory", func(f *Facts) {
			raw(t, f, "20 1 0:40 /@/srv/x /host rw - btrfs /dev/sda2 rw,subvolid=256,subvol=/@")
		}, OK},
		{"NFS", func(f *Facts) { raw(t, f, "20 1 0:40 / /host rw - nfs4 far:/ rw") }, Unread},
		{"a tmpfs", func(f *Facts) { raw(t, f, "20 1 0:40 / /host rw - tmpfs tmpfs rw") }, OK},
		{"its own root may be it", func(f *Facts) { own(f, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n") }, Unread},
		{"its own root is it", func(f *Facts) {
			own(f, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
			f.Namespaces[MountNS].Inode = f.Namespaces[MountNS].Host
		}, Critical},
		{"its own root is it, in a user namespace", func(f *Facts) {
			own(f, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
			f.Namespaces[MountNS].Inode = f.Namespaces[MountNS].Host
			f.child(100000)
		}, Medium},
		{"its own root is a directory", func(f *Facts) { own(f, "1 0 8:1 /var/lib/machines/a / rw - ext4 /dev/sda1 rw\n") }, OK},
		{"Docker's ZFS", func(f *Facts) { own(f, "1 0 0:40 / / rw - zfs pool/docker/"+id1+" rw\n") }, OK},
		{"Docker's Btrfs", func(f *Facts) {
			root := "/@/var/lib/docker/btrfs/subvolumes/" + id1
			own(f, "1 0 0:40 "+root+" / rw - btrfs /dev/sda2 rw,subvolid=300,subvol="+root+"\n")
		}, OK},
		{"BuildKit's overlay", func(f *Facts) {
			own(f, "1 0 0:40 / / rw - overlay overlay rw,upperdir=/var/lib/buildkit/runc-overlayfs/snapshots/snapshots/7/fs\n")
		}, OK},
		{"fuse-overlayfs", func(f *Facts) { own(f, "1 0 0:40 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw\n") }, OK},
		{"a live system's overlay", func(f *Facts) { own(f, "1 0 0:40 / / rw - overlay overlay rw,upperdir=/cow/upper\n") }, Unread},
		{"gVisor", func(f *Facts) {
			own(f, "1 0 0:1 / / rw - 9p none rw\n2 1 0:2 / /etc/hosts rw - 9p none rw\n")
			f.Release = cred.Is("4.4.0")
		}, OK},
		{"the host's, by its table", func(f *Facts) {
			f.HostMounts = cred.Is(parse(t, host))
			own(f, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
		}, Critical},
		{"another disk, by the host's table", func(f *Facts) {
			f.HostMounts = cred.Is(parse(t, host))
			raw(t, f, "20 1 8:2 / /host rw - ext4 /dev/sda2 rw")
		}, OK},
	} {
		f := boxed(t)
		c.change(&f)
		if a := Assess(&f); a.severity("host-root") != c.want {
			t.Errorf("%s: %s, want %s", c.name, a.severity("host-root"), c.want)
		}
	}
}

// TestMachineFolders: a name tells nothing, and what the host calls a directory is
// told where it is known.
func TestMachineFolders(t *testing.T) {
	known := func(lines ...string) func(f *Facts) {
		return func(f *Facts) {
			f.HostMounts = cred.Is(parse(t, host))
			raw(t, f, lines...)
		}
	}
	inside := func(lines ...string) func(f *Facts) { return func(f *Facts) { raw(t, f, lines...) } }
	for _, c := range []struct {
		change   func(f *Facts)
		want     Severity
		evidence string
	}{
		{inside("20 1 8:1 /srv/volumes/x /v rw - ext4 /dev/sda1 rw"), Info, "1 mount: /srv/volumes/x at /v"},
		{inside("20 1 8:1 /srv/my-containers/d /v rw - ext4 /dev/sda1 rw"), Info, "1 mount: /srv/my-containers/d at /v"},
		{inside("20 1 8:1 /etc/volumes/x /v rw - ext4 /dev/sda1 rw"), High, "1 mount: /etc/volumes/x at /v"},
		{inside("20 1 8:1 /etc /run/secrets rw - ext4 /dev/sda1 rw"), High, "1 mount: /etc at /run/secrets"},
		{inside("20 1 8:1 /etc /etc/hostname rw - ext4 /dev/sda1 rw"), High, "1 mount: /etc at /etc/hostname"},
		{inside("20 11 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw"), High, "1 mount: /etc/hosts at /etc/hosts"},
		{inside("20 1 8:1 /etc /usr rw - ext4 /dev/sda1 rw"), High, "1 mount: /etc at /usr"},
		{inside("20 1 8:2 /var/lib/kubelet/pods/x /v rw - ext4 /dev/sda2 rw"), High, "1 mount: /var/lib/kubelet/pods/x at /v"},
		{inside("20 1 8:2 /var/lib/x/lxd/storage-pools /d rw - ext4 /dev/sda2 rw"), High, "1 mount: /var/lib/x/lxd/storage-pools at /d"},
		{inside("20 1 8:2 /var/lib/io.containerd.snapshotter.v1.overlayfs/snapshots /d rw - ext4 /dev/sda2 rw"), High,
			"1 mount: /var/lib/io.containerd.snapshotter.v1.overlayfs/snapshots at /d"},
		{inside("20 1 8:2 /var/lib/docker/containers/" + id1 + " /d rw - ext4 /dev/sda2 rw"), High, "1 mount: /var/lib/docker/containers/" + id1 + " at /d"},
		{inside("20 1 8:2 /var/lib/docker/overlay2/" + id1 + "/merged /d rw - ext4 /dev/sda2 rw"), High,
			"1 mount: /var/lib/docker/overlay2/" + id1 + "/merged at /d"},
		{inside("20 1 8:2 / /data rw - ext4 /dev/sda2 rw"), High, "1 mount: all of /dev/sda2 at /data"},
		{inside("20 10 0:6 / /dev rw - devtmpfs udev rw"), High, "1 mount: all of devtmpfs at /dev"},
		{inside("20 1 0:40 /@/etc /x rw - btrfs /dev/sda2 rw,subvolid=256,subvol=/@"), High, "1 mount: /etc at /x"},
		{inside("20 1 0:40 / /x rw - nfs4 far:/ rw"), Info, "1 mount: all of nfs4 at /x"},
		{inside("20 1 0:40 /c /x rw - virtiofs host rw"), Info, "1 mount: /c at /x"},
		{inside("20 1 0:40 /systemd /x rw - tmpfs tmpfs rw"), Unread, "1 mount: /systemd of a tmpfs at /x"},
		{known("20 1 0:25 /systemd /x rw - tmpfs tmpfs rw"), High, "1 mount: /run/systemd at /x"},
		{known("20 1 0:25 / /x rw - tmpfs tmpfs rw"), High, "1 mount: /run at /x"},
		{known("20 1 8:2 /a /x rw - ext4 /dev/sda2 rw"), High, "1 mount: /home/a at /x"},
		{known("20 1 8:1 /etc /x ro - ext4 /dev/sda1 rw"), Medium, "1 mount: /etc at /x"},

		{known("20 1 0:30 / /dev/shm rw - tmpfs shm rw"), OK, ""},
		{known("20 1 0:40 / /scratch rw - tmpfs tmpfs rw"), OK, ""},
		{inside("20 1 0:40 / /scratch rw - tmpfs tmpfs rw"), Info, "none, unless a tmpfs is the host's: /scratch"},
		{inside("20 8 0:40 / /sys/firmware ro - tmpfs tmpfs rw"), OK, ""},
		{inside("20 1 8:2 /var/lib/kubelet/pods/" + uid + "/volumes/kubernetes.io~empty-dir/a /v rw - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 8:2 /elsewhere/docker/volumes/a/_data/b /v rw - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 8:2 /var/lib/containers/storage/volumes/a/_data /v rw - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 0:25 /containers/storage/overlay-containers/" + id2 + "/userdata/run/secrets /run/secrets rw - tmpfs tmpfs rw"), OK, ""},
		{inside("20 1 8:2 /elsewhere/containers/" + id1 + "/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 8:2 /var/lib/docker/buildkit/executor/resolv.conf /etc/resolv.conf ro - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 8:2 /var/lib/nerdctl/1/containers/default/" + id1 + "/hostname /etc/hostname rw - ext4 /dev/sda2 rw"), OK, ""},
		{inside("20 1 0:25 /containerd/io.containerd.grpc.v1.cri/sandboxes/" + id1 + "/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw"), OK, ""},
		{inside("20 2 0:50 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw"), OK, ""},
		{inside("20 1 0:50 / /v rw - overlay overlay rw,upperdir=/data/overlay-containers/" + id1 + "/userdata/overlay/1/upper"), OK, ""},
	} {
		f := boxed(t)
		c.change(&f)
		a := Assess(&f)
		for _, finding := range a.Findings {
			if finding.ID == "host-directories" && (finding.Severity != c.want || c.want > OK && finding.Evidence != c.evidence) {
				t.Errorf("%s: %s; want %s: %s", finding.Severity, finding.Evidence, c.want, c.evidence)
			}
		}
	}
}
