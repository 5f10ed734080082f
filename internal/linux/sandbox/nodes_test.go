package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/files"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
)

// rootFolder makes a directory with all that names say: sockets end in .sock,
// devices in .dev, which are /dev/kmsg, directories in a slash.
func rootFolder(t *testing.T, names ...string) place {
	t.Helper()
	testenv.Root(t)
	root := t.TempDir()
	for _, name := range names {
		path := root + name
		must := func(err error) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		switch filepath.Ext(name) {
		case ".sock":
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			must(err)
			t.Cleanup(func() { unix.Close(fd) })
			must(unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
			must(unix.Chmod(path, 0o660))
			must(unix.Chown(path, 0, 999))
		case ".dev":
			must(unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11))))
		}
	}
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return place{files.Lookup{Dir: fd, Chroot: true}}
}

// mountTable are mounts of a kind at each place.
func mountTable(t *testing.T, kind string, points ...string) cred.Known[container.Mounts] {
	t.Helper()
	text := "1 0 0:1 / / rw - ext4 /dev/sda1 rw\n"
	for i, point := range points {
		text += strconv.Itoa(i+2) + " 1 0:2 / " + point + " rw - " + kind + " x rw\n"
	}
	m, ok := container.ParseMounts(text)
	if !ok {
		t.Fatal(text)
	}
	return cred.Is(m)
}

// TestNodes: sockets and devices are found where they usually are and in what is
// mounted, and nowhere else.
func TestNodes(t *testing.T) {
	l := rootFolder(t, "/run/docker.sock", "/x/podman/podman.sock", "/x/other.sock", "/y/docker.sock", "/far/docker.sock",
		"/dev/a/b/c.dev", "/dev/shm/d.dev", "/top.dev", "/x/e.dev", "/z.dev", "/y/f.dev")
	f := container.Facts{Mounts: mountTable(t, "tmpfs", "/x", "/dev/shm")}
	l.nodes(&f, false)
	var sockets, devices []string
	for _, s := range f.Sockets.Value {
		sockets = append(sockets, s.Path)
		if want := (container.Access{Mode: 0o660, GID: 999}); !s.Access.OK || s.Access.Value != want {
			t.Errorf("%s: %+v", s.Path, s.Access)
		}
	}
	for _, d := range f.Devices.Value {
		devices = append(devices, d.Path)
		if d.Block || d.Major != 1 || d.Minor != 11 || d.Access.Value.Mode != 0o600 {
			t.Errorf("%+v", d)
		}
	}
	slices.Sort(devices)
	if want := "/run/docker.sock /x/podman/podman.sock"; strings.Join(sockets, " ") != want || !f.Sockets.OK {
		t.Errorf("%q, %v, want %s", sockets, f.Sockets.OK, want)
	}
	if want := "/dev/a/b/c.dev /top.dev /z.dev"; strings.Join(devices, " ") != want || !f.Devices.OK {
		t.Errorf("%q, %v, want %s", devices, f.Devices.OK, want)
	}

	f = container.Facts{Mounts: mountTable(t, "nfs", "/far")}
	if l.nodes(&f, false); len(f.Sockets.Value) != 1 {
		t.Errorf("another host is asked: %+v", f.Sockets)
	}
	f = container.Facts{Mounts: mountTable(t, "devtmpfs", "/y", "/z.dev")}
	if l.nodes(&f, false); len(f.Devices.Value) != 5 { // y/f, z and those of before
		t.Errorf("%+v", f.Devices)
	}
}

// TestNodesBounds: what is not looked at is not known.
func TestNodesBounds(t *testing.T) {
	l := rootFolder(t, "/dev/"+strings.Repeat("d/", maxDepth+1)+"x.dev")
	var f container.Facts
	if l.nodes(&f, false); f.Devices.OK || !f.Sockets.OK {
		t.Errorf("too deep: %+v", f.Devices)
	}
	l = rootFolder(t, "/m/")
	points := make([]string, maxNodes/10)
	for i := range points {
		points[i] = "/m/" + strconv.Itoa(i)
		if err := unix.Mkdirat(l.Dir, points[i][1:], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l2 := rootFolder(t, "/dev/many/")
	for i := range maxNodes + 100 {
		if err := unix.Mknodat(l2.Dir, "dev/many/"+strconv.Itoa(i), unix.S_IFREG|0o600, 0); err != nil {
			t.Fatal(err)
		}
	}
	if l2.nodes(&f, false); f.Devices.OK {
		t.Error("no end of files is looked at")
	}
	looked := 0
	err := l2.each("/dev/many", 10, func(string) bool { return false }, func(string, *unix.Stat_t) { looked++ })
	if err != unix.E2BIG || looked != 10 {
		t.Errorf("%d files looked at, %v", looked, err)
	}
	f = container.Facts{Mounts: mountTable(t, "tmpfs", points...)}
	if l.nodes(&f, false); f.Devices.OK || f.Sockets.OK {
		t.Error("no end of mounts is looked at")
	}
}
