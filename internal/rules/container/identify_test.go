package container

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// TestIdentify: the strongest evidence first, and who it is by all together.
func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *Facts)
		want   Container
		first  string
	}{
		{"docker", func(f *Facts) {}, Container{catalog.Docker, id1, "", ""}, "PID namespace"},
		{"in a cgroup namespace", func(f *Facts) { f.Cgroup = cred.Is("0::/") }, Container{catalog.Docker, id1, "", ""}, "PID namespace"},
		{"by its mounts alone", func(f *Facts) {
			f.Cgroup = cred.Known[string]{}
			f.Namespaces[PIDNS].Inode = cred.Is(InitialInode(PIDNS))
		}, Container{catalog.Docker, id1, "", ""}, "mounts"},
		{"by a file and a namespace", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[UTSNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
		}, Container{catalog.Docker, "", "", ""}, "/.dockerenv"},
		{"by a file, the PID namespace unknown", func(f *Facts) {
			uncontain(f)
			f.Process.NSPID, f.Namespaces[PIDNS].Inode = nil, cred.Known[uint64]{}
			f.Namespaces[MountNS].Inode = cred.Is(uint64(5))
		}, Container{catalog.Docker, "", "", ""}, "/.dockerenv"},
		{"a file and the mounts alone", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode = cred.Is(uint64(5))
		}, Container{}, ""},
		{"a file on the host", func(f *Facts) { uncontain(f) }, Container{}, ""},
		{"nspawn by its manager", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[IPCNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
			f.Manager, f.DockerEnv = cred.Is("systemd-nspawn"), cred.Is(false)
		}, Container{catalog.Nspawn, "", "", ""}, "manager"},
		{"podman by its file", func(f *Facts) {
			uncontain(f)
			f.Namespaces[MountNS].Inode, f.Namespaces[CgroupNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(6))
			f.DockerEnv = cred.Is(false)
			f.PodmanEnv = cred.Is("engine=\"podman-4.3.1\"\nid=\"" + id2 + "\"\n")
		}, Container{catalog.Podman, id2, "", ""}, "containerenv"},
		{"nothing but namespaces", func(f *Facts) { nobodys(t, f); f.child(100000) }, Container{}, "only new namespaces (user, pid, "},
		{"podman's own namespaces", func(f *Facts) {
			uncontain(f)
			f.child(5511)
			f.DockerEnv, f.Process.Name = cred.Is(false), "podman pause"
		}, Container{catalog.Podman, "", "", ""}, "user namespace"},
		{"the host's, named as podman's", func(f *Facts) {
			uncontain(f)
			f.DockerEnv, f.Process.Name = cred.Is(false), "podman pause"
		}, Container{}, ""},
		{"docker, named as podman's", func(f *Facts) { f.Process.Name = "catatonit" }, Container{catalog.Docker, id1, "", ""}, "PID namespace"},
		{"gVisor under Docker", func(f *Facts) { f.Release = cred.Is("4.19.0-gvisor"); f.Cgroup = cred.Is("0::/") }, Container{catalog.GVisor, "", "", ""}, "PID namespace"},
		{"a pod", func(f *Facts) {
			f.Cgroup = cred.Is("0::/kubepods/pod" + uid + "/" + id2)
			f.Mounts = cred.Is(table(t, "1 0 / ext4 rw /var/lib/containerd/io.containerd.snapshotter.v1.native/snapshots/3", "2 1 /etc/hosts ext4 rw /var/lib/kubelet/pods/"+uid+"/etc-hosts",
				"3 1 /etc/hostname ext4 rw /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/"+id1+"/hostname"))
			f.DockerEnv = cred.Is(false)
		}, Container{catalog.Containerd, id2, uid, ""}, "PID namespace"},
		{"CRI-O, podman's storage and the kubelet's pod", func(f *Facts) {
			f.Cgroup, f.DockerEnv, f.PodmanEnv = cred.Is("0::/"), cred.Is(false), cred.Is("")
			f.Mounts = cred.Is(parse(t, "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/containers/storage/overlay/"+id1+"/diff\n"+
				"2 1 8:1 /var/lib/kubelet/pods/"+uid+"/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"+
				"3 1 0:2 /containers/storage/overlay-containers/"+id2+"/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"))
		}, Container{catalog.CRIO, "", uid, ""}, "PID namespace"},
		{"CRI-O, its pod's file first", func(f *Facts) {
			f.Cgroup, f.DockerEnv, f.PodmanEnv = cred.Is("0::/"), cred.Is(false), cred.Is("")
			f.Mounts = cred.Is(parse(t, "2 1 8:1 /var/lib/kubelet/pods/"+uid+"/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"))
		}, Container{catalog.CRIO, "", uid, ""}, "PID namespace"},
		{"Docker on containerd's snapshots", func(f *Facts) {
			f.Cgroup, f.DockerEnv = cred.Is("0::/"), cred.Is(false)
			f.Mounts = cred.Is(parse(t, "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs\n"+
				"2 1 8:1 /var/lib/docker/containers/"+id1+"/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"))
		}, Container{catalog.Docker, id1, "", ""}, "PID namespace"},
		{"a file on what may be the host's root", func(f *Facts) {
			f.Cgroup, f.PodmanEnv = cred.Is("0::/"), cred.Is("")
			f.Mounts = cred.Is(parse(t, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"))
		}, Container{}, "only new namespaces (pid, "},
		{"a file on a root of its own", func(f *Facts) {
			f.Cgroup = cred.Is("0::/")
			f.Mounts = cred.Is(parse(t, "1 0 8:1 /srv/root / rw - ext4 /dev/sda1 rw\n"))
		}, Container{catalog.Docker, "", "", ""}, "PID namespace"},
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

// TestStrays: what is on a host as if it were a container is named, and makes
// it none.
func TestStrays(t *testing.T) {
	for _, c := range []struct {
		change func(f *Facts)
		want   []string
	}{
		{func(f *Facts) { f.DockerEnv = cred.Is(false) }, nil},
		{func(f *Facts) {}, []string{"/.dockerenv exists"}},
		{func(f *Facts) { f.Env = cred.Is("lxc") }, []string{"variable container is lxc", "/.dockerenv exists"}},
		{func(f *Facts) { f.Namespaces[MountNS].Inode = cred.Is(uint64(5)) }, []string{"/.dockerenv exists", "own mount namespace"}},
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
