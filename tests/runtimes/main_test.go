// Package runtimes runs both programs in containers of runtimes other than podman
// and Docker (which tests/container has): gVisor, LXC, systemd-nspawn, bubblewrap and
// containerd by ctr. The judges are libcap's capsh and /proc there, and what can be
// written.
package runtimes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testenv.CleanBuilt()
	os.Exit(code)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rootFS is a directory with busybox, both programs and libcap's capsh, which is
// there as /bin/libcap.
func rootFS(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // for root in a user namespace
		must(t, os.Chmod(d, 0o755))
	}
	for _, sub := range []string{"bin", "usr", "etc", "proc", "sys", "dev", "tmp", "run", "root"} {
		must(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "etc/group"), []byte("root:x:0:\nuser:x:1000:\n"), 0o644))
	copyFile(t, testenv.Tool(t, "busybox"), filepath.Join(dir, "bin/busybox"))
	for _, applet := range []string{"sh", "cat", "find", "head", "sleep"} {
		must(t, os.Symlink("busybox", filepath.Join(dir, "bin", applet)))
	}
	for _, program := range []string{"capsh", "capset"} {
		copyFile(t, testenv.Build(t, program), filepath.Join(dir, "bin", program))
	}
	libcap := testenv.Tool(t, "/usr/sbin/capsh")
	copyFile(t, libcap, filepath.Join(dir, "bin/libcap"))
	out, err := exec.Command(testenv.Tool(t, "ldd"), libcap).Output()
	must(t, err)
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			copyFile(t, word, filepath.Join(dir, word))
		}
	}
	return dir
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, text, 0o755))
}

// box runs commands, each in a container of its own.
type box struct {
	t *testing.T
	// command is the runtime's command line that starts argv in a new container.
	command func(argv []string) []string
}

func (b *box) run(argv ...string) testenv.Result {
	b.t.Helper()
	line := b.command(argv)
	return testenv.Run(b.t, exec.Command(line[0], line[1:]...))
}

// do is run for what must not fail.
func (b *box) do(argv ...string) string {
	b.t.Helper()
	got := b.run(argv...)
	if got.Code != 0 {
		b.t.Fatalf("%v: status %d, %q, %q", argv, got.Code, got.Out, got.Err)
	}
	return got.Out
}

// names of containers must differ.
var containers int

func newName() string {
	containers++
	return fmt.Sprintf("capsh-%d-%d", os.Getpid(), containers)
}

func gVisor(t *testing.T, root string) *box {
	runsc, state := testenv.Tool(t, "runsc"), t.TempDir()
	return &box{t, func(argv []string) []string {
		return append([]string{runsc, "--root=" + state, "--network=none", "--ignore-cgroups", "do", "--root=" + root}, argv...)
	}}
}

// lxc has the restrictions that Debian's templates have.
func lxc(t *testing.T, root string) *box {
	const common = "/usr/share/lxc/config/common.conf"
	tool, dir := testenv.Tool(t, "lxc-execute"), t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "config"),
		[]byte("lxc.include = "+common+"\nlxc.rootfs.path = dir:"+root+"\nlxc.net.0.type = empty\n"), 0o644))
	return &box{t, func(argv []string) []string {
		return append([]string{tool, "--name=" + newName(), "--lxcpath=" + dir, "--rcfile=" + dir + "/config", "--"}, argv...)
	}}
}

func nspawn(t *testing.T, root string) *box {
	tool := testenv.Tool(t, "systemd-nspawn")
	return &box{t, func(argv []string) []string {
		return append([]string{tool, "--quiet", "--register=no", "--keep-unit", "--pipe", "--machine=" + newName(), "--directory=" + root}, argv...)
	}}
}

func bubblewrap(t *testing.T, root string) *box {
	tool := testenv.Tool(t, "bwrap")
	return &box{t, func(argv []string) []string {
		return append([]string{tool, "--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "--die-with-parent"}, argv...)
	}}
}

// ownRoot is bubblewrap with a root that it makes, as with what Flatpak starts.
func ownRoot(t *testing.T, root string) *box {
	line := []string{testenv.Tool(t, "bwrap")}
	list, err := os.ReadDir(root)
	must(t, err)
	for _, e := range list {
		line = append(line, "--bind", filepath.Join(root, e.Name()), "/"+e.Name())
	}
	line = append(line, "--proc", "/proc", "--dev", "/dev", "--unshare-all", "--die-with-parent")
	return &box{t, func(argv []string) []string { return append(line[:len(line):len(line)], argv...) }}
}

// podman shares the host's PIDs with its containers; those of tests/container can't,
// since that has PIDs of its own. Its state that all stores share is hidden from it.
func podman(t *testing.T, root string) *box {
	const hide = `mkdir -p /run/libpod && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run/libpod && exec "$@"`
	dir := t.TempDir()
	line := []string{"unshare", "--mount", "--propagation=private", "sh", "-c", hide, "sh", testenv.Tool(t, "podman"),
		"--root=" + dir + "/root", "--runroot=" + dir + "/run", "--storage-driver=vfs", "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none",
		"run", "--rm", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000", "--passwd=false", "--pid=host", "--rootfs", root}
	return &box{t, func(argv []string) []string { return append(line[:len(line):len(line)], argv...) }}
}

// containerd starts a daemon that has all it writes in one directory.
func containerd(t *testing.T, root string, options ...string) *box {
	ctr, daemon := testenv.Tool(t, "ctr"), testenv.Tool(t, "containerd")
	dir := t.TempDir()
	config := fmt.Sprintf(`version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "%[1]s/socket"
[ttrpc]
address = "%[1]s/ttrpc"
`, dir)
	must(t, os.WriteFile(dir+"/config", []byte(config), 0o644))
	log, err := os.Create(dir + "/log")
	must(t, err)
	defer log.Close()
	cmd := exec.Command(daemon, "--config", dir+"/config")
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
	})
	client := []string{ctr, "--address", dir + "/socket"}
	for range 600 {
		if exec.Command(ctr, append(client[1:], "version")...).Run() == nil {
			break
		}
		time.Sleep(50 * time.Millisecond) // it reports nothing
	}
	return &box{t, func(argv []string) []string {
		line := append(append(client[:len(client):len(client)], "run", "--rm", "--rootfs"), options...)
		return append(append(line, root, newName()), argv...)
	}}
}
