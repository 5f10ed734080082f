package container

import (
	"strings"
	"testing"

	"capsh/internal/rules/catalog"
)

// table makes mountinfo lines from "id parent point type options root".
func table(t testing.TB, lines ...string) Mounts {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		f := strings.Fields(line)
		dev, source, super := "0:"+f[0], f[3], "rw"
		if f[3] == "ext4" { // all of one disk
			dev, source = "8:1", "/dev/sda1"
		}
		if f[5] == "/null" { // of the /dev of dockerMounts
			dev = "0:10"
		}
		if f[3] == "overlay" {
			super += ",lowerdir=/x,upperdir=/var/lib/docker/overlay2/" + id2 + "/diff,workdir=/y"
		}
		b.WriteString(f[0] + " " + f[1] + " " + dev + " " + f[5] + " " + f[2] + " " + f[4] + " shared:1 - " + f[3] + " " + source + " " + super + "\n")
	}
	list, ok := ParseMounts(b.String())
	if !ok {
		t.Fatalf("no mount table: %q", b.String())
	}
	return list
}

func TestParseMounts(t *testing.T) {
	list, ok := ParseMounts("36 35 98:0 /mnt1/a\\040b /mnt\\0122 rw,noatime master:1 - ext3 /dev/ro\\134ot rw,errors=continue\n" +
		"37 36 0:5 / / ro - proc proc rw\n38 36 0:6 / /x rw - tmpfs  ro,size=1\n")
	want := []Mount{
		{36, 35, "98:0", "/mnt1/a b", "/mnt\n2", false, false, "ext3", `/dev/ro\ot`, "rw,errors=continue"},
		{37, 36, "0:5", "/", "/", true, false, "proc", "proc", "rw"},
		{38, 36, "0:6", "/", "/x", true, false, "tmpfs", "", "ro,size=1"},
	}
	if !ok || len(list.List) != len(want) {
		t.Fatalf("%v, %+v", ok, list)
	}
	for i := range want {
		if list.List[i] != want[i] {
			t.Errorf("%+v, want %+v", list.List[i], want[i])
		}
	}
	for _, bad := range []string{"x", "36 35 98:0 / / rw", "36 x 98:0 / / rw - a b c\n", "36 35 98:0 / rw - a b c\n", "36 35 98:0 / / rw - a b\n", "36 35 98:0 / x rw - a b c\n"} {
		if _, ok := ParseMounts(bad); ok {
			t.Errorf("%q is a mount table", bad)
		}
	}
	if list, ok := ParseMounts(""); !ok || len(list.List) != 0 {
		t.Error("an empty table is one")
	}
}

// TestAt: the mount that a path is in is the one on top, not the longest or last.
func TestAt(t *testing.T) {
	m := table(t,
		"1 0 / ext4 rw /",
		"2 1 /proc proc rw /",
		"3 2 /proc/sys proc ro /sys",
		"4 2 /proc/kcore tmpfs rw /null",
		"5 1 /a tmpfs rw /",
		"6 5 /a/b ext4 rw /x",
		"7 5 /a tmpfs ro /", // hides 5 and 6
		"8 1 /host ext4 rw /",
		"9 8 /host/proc proc rw /",
	)
	for path, want := range map[string]int{
		"/": 1, "/etc/passwd": 1, "/proc": 2, "/proc/1/status": 2, "/proc/sys/kernel": 3, "/proc/kcore": 4, "/proc/kcores": 2,
		"/a": 7, "/a/b": 7, "/a/b/c": 7, "/ab": 1, "/host/proc/sys": 9, "/host": 8,
	} {
		if got, ok := m.At(path); !ok || got.ID != want {
			t.Errorf("%s is in mount %d, want %d", path, got.ID, want)
		}
	}
	var ids []int
	for _, v := range m.Visible() {
		ids = append(ids, v.ID)
	}
	if len(ids) != 7 {
		t.Errorf("visible: %v", ids)
	}
}

// TestAtStacked: mounts over the root, and a root that is no mount.
func TestAtStacked(t *testing.T) {
	m := table(t, "1 0 / rootfs rw /", "2 1 / ext4 rw /", "3 2 /proc proc rw /")
	if got, _ := m.At("/etc"); got.ID != 2 {
		t.Errorf("/etc is in %d", got.ID)
	}
	if got, _ := m.At("/proc/sys"); got.ID != 3 {
		t.Errorf("/proc/sys is in %d", got.ID)
	}
	chroot := table(t, "5 4 /proc proc rw /")
	if _, ok := chroot.At("/etc"); ok {
		t.Error("/etc is in a mount")
	}
	if got, ok := chroot.At("/proc/sys"); !ok || got.ID != 5 {
		t.Errorf("/proc/sys is in %d", got.ID)
	}
	loop := table(t, "1 2 / ext4 rw /", "2 1 / ext4 rw /", "3 3 /a ext4 rw /")
	if _, ok := loop.At("/a"); !ok {
		t.Error("a table with a loop ends")
	}
}

func TestFromStorage(t *testing.T) {
	for path, want := range map[string]Container{
		"/var/lib/docker/containers/" + id1 + "/hostname":                                    {catalog.Docker, id1, "", ""},
		"/containers/storage/overlay-containers/" + id1 + "/userdata/hosts":                  {catalog.Podman, id1, "", ""},
		"/var/lib/kubelet/pods/" + uid + "/etc-hosts":                                        {catalog.Kubernetes, "", uid, ""},
		"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/" + id1 + "/resolv.conf":    {catalog.Containerd, "", "", ""},
		"/\nrw,lowerdir=/x,upperdir=/var/lib/docker/overlay2/abc/diff,workdir=/y":            {catalog.Docker, "", "", ""},
		"/\nrw,lowerdir=/x,upperdir=/var/lib/containers/storage/overlay/abc/diff,workdir=/y": {catalog.Podman, "", "", ""},
		"/var/lib/lxc/web/rootfs": {catalog.LXC, "web", "", ""},
		"/":                       {},
		"/home/docker/containers": {},
		"/srv/pods/" + uid:        {},
	} {
		if got, ok := fromStorage(path); got != want || ok != (want != Container{}) {
			t.Errorf("%q: %+v, %v", path, got, ok)
		}
	}
}

func FuzzMounts(f *testing.F) {
	f.Add("36 35 98:0 / /mnt rw - ext3 /dev/root rw\n37 36 0:5 / /mnt/a ro - proc proc rw\n", "/mnt/a/b")
	f.Add("1 1 0:0 / / rw - a b c\n1 1 0:0 / / rw - a b c\n", "/")
	f.Fuzz(func(t *testing.T, text, path string) {
		if list, ok := ParseMounts(text); ok && strings.HasPrefix(path, "/") {
			list.At(path)
			list.Visible()
			list.identity()
		}
		FromCgroup(text)
	})
}
