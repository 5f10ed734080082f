package container

import (
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// effectCase is a configuration, what of the probe's effects works in it, and the
// findings of at least medium severity: these, and no others.
type effectCase struct {
	name     string
	only     *engine
	options  []string
	works    string
	findings map[string]string
}

var effectCases = []effectCase{
	{"docker's default", docker, nil, "", nil},
	{"podman's default", podman, nil, "user-namespace", nil},
	{"the device cgroup open", docker, []string{"--device-cgroup-rule=a *:* rwm"}, "disk", map[string]string{"device-cgroup": "critical"}},
	{"the device cgroup open, without mknod", docker, []string{"--device-cgroup-rule=a *:* rwm", "--cap-drop=MKNOD"}, "", nil},
	{"mknod", podman, []string{"--cap-add=MKNOD"}, "user-namespace", nil},
	{"cgroups of the host", docker, []string{"--volume=/sys/fs/cgroup:/cg"}, "disk-after-move", map[string]string{"device-cgroup": "critical", "cgroupfs": "critical"}},
	{"cgroups of the host, without mknod", podman, []string{"--volume=/sys/fs/cgroup:/cg"}, "user-namespace", map[string]string{"cgroupfs": "medium"}},
	{"cgroups of the host, to read", docker, []string{"--volume=/sys/fs/cgroup:/cg:ro"}, "disk-after-move", // the hierarchies below stay writable
		map[string]string{"device-cgroup": "critical", "cgroupfs": "critical"}},
	{"binfmt_misc", nil, []string{"--volume=BINFMT:/b"}, "binfmt", map[string]string{"kernel-filesystems": "critical"}},
	{"binfmt_misc, a user", nil, []string{"--volume=BINFMT:/b", "--user=1000", "--security-opt=no-new-privileges"}, "", nil},
	{"tracefs", nil, []string{"--volume=TRACEFS:/b"}, "tracefs", map[string]string{"kernel-filesystems": "high"}},
	{"debugfs", nil, []string{"--volume=DEBUGFS:/b"}, "DEBUGS", map[string]string{"kernel-filesystems": "high"}},
	{"the host's processes", nil, []string{"--volume=/proc:/hostproc:ro"}, "process-files", map[string]string{"host-proc": "high", "proc-masks": "medium"}},
	{"the host's processes, another user", nil, []string{"--volume=/proc:/hostproc:ro", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "",
		map[string]string{"host-proc": "medium"}},
	{"the host's processes, the same user", nil, []string{"--volume=/proc:/hostproc:ro", "--user=4242:4242", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "process-files",
		map[string]string{"host-proc": "medium"}},
	{"no filter", nil, []string{"--security-opt=seccomp=unconfined"}, "user-namespace", map[string]string{"seccomp": "medium"}},
	{"sys_boot", nil, []string{"--cap-add=SYS_BOOT"}, "", nil},
	{"bpf and perfmon", podman, []string{"--cap-add=BPF,PERFMON"}, "", nil},
	{"bpf and perfmon, no filter", podman, []string{"--cap-add=BPF", "--cap-add=PERFMON", "--security-opt=seccomp=unconfined"}, "user-namespace bpf",
		map[string]string{"capabilities": "critical", "seccomp": "medium"}},
	{"handles", nil, []string{"--cap-add=DAC_READ_SEARCH"}, "handle", map[string]string{"capabilities": "critical"}},
	{"modules", nil, []string{"--cap-add=SYS_MODULE"}, "MODULES", nil},
	{"a device that gives nothing", docker, []string{"--device=/dev/fuse"}, "", map[string]string{"devices": "medium"}},
	{"a disk", nil, []string{"--device=DISK:/dev/disk"}, "node GIVEN", map[string]string{"devices": "critical"}},
	{"all nodes, no rule", nil, []string{"--volume=/dev:/mnt/dev"}, "", map[string]string{"host-directories": "high", "devices": "medium"}}, // engines permit tun
	{"settings", nil, []string{"--volume=/proc/sys:/x"}, "core-pattern", map[string]string{"proc-sys": "critical"}},
	{"settings, not uid 0", podman, []string{"--volume=/proc/sys:/x", "--user=1000", "--cap-drop=ALL", "--cap-add=DAC_OVERRIDE", "--security-opt=no-new-privileges"}, "user-namespace", nil},
	{"devices of the host", nil, []string{"--volume=/sys:/s"}, "sysfs AFTERMOVE", map[string]string{"sysfs": "high", "cgroupfs": "*", "device-cgroup": "*", "kernel-filesystems": "*"}},
	{"the host's name", nil, []string{"--uts=host"}, "", nil},
	{"the host's name, to change", nil, []string{"--uts=host", "--cap-add=SYS_ADMIN"}, "hostname user-namespace bpf", map[string]string{"uts-namespace": "medium", "capabilities": "critical"}},
	{"all files", nil, []string{"--volume=/:/host"}, "AFTERMOVE host-write host-shadow binfmt core-pattern process-files sysfs tracefs", map[string]string{"host-root": "critical", "devices": "*", "proc-sys": "*", "sysfs": "*", "cgroupfs": "*", "device-cgroup": "*", "proc-masks": "*", "kernel-filesystems": "*", "host-proc": "*"}},
	{"all files, a user namespace", podman, []string{"--volume=/:/host", "--uidmap=0:100000:65536"}, "user-namespace", map[string]string{"host-root": "medium", "host-proc": "medium", "devices": "*", "runtime-socket": "*"}},
	{"a socket", nil, []string{"--volume=SOCKET:/run/docker.sock"}, "socket", map[string]string{"runtime-socket": "critical"}},
	{"a socket, another user", nil, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000"}, "", nil},
	{"a socket of his group", nil, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000:999", "--cap-drop=ALL"}, "socket", map[string]string{"runtime-socket": "critical"}},
}

// TestEffects tries in each configuration what is said to work, and holds the
// findings against it.
func TestEffects(t *testing.T) {
	words := effectPlaces(t)
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "effects", nil, slices.Concat([]file{program(t, "capsh"), load(t, "probe", probe(t))}, busybox(t))...)
		for _, c := range effectCases {
			if c.only != nil && c.only != e {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.try(t, e, image, words)
			})
		}
	})
}

func (c *effectCase) try(t *testing.T, e *engine, image string, words []string) {
	replace := strings.NewReplacer(words...).Replace
	options := []string{"--env=ROOTS=" + replace("ROOTS"), "--env=THEIRS=" + replace("THEIRS")}
	for _, o := range c.options {
		options = append(options, replace(o))
	}
	if strings.Contains(strings.Join(options, " "), "=:") {
		testenv.Need(t, "the filesystem of "+c.name, false, "the kernel has none")
	}
	r := e.run(t, options, image, "/bin/sh", "-c", "/capsh assess --json; /capsh assess --json --probe; /probe")
	text, rest, _ := strings.Cut(r.Out, "\n")
	second, works, _ := strings.Cut(rest, "\n")
	mknod := map[bool][]string{true: {"AFTERMOVE", "disk-after-move", "GIVEN", "disk"}, false: {"AFTERMOVE", "", "GIVEN", ""}}[e == docker]
	want := strings.Fields(strings.NewReplacer(mknod...).Replace(replace(c.works)))
	if e == podman && !slices.Contains(c.options, "--uidmap=0:100000:65536") && !slices.Contains(want, "user-namespace") {
		want = append(want, "user-namespace") // its filter permits that
	}
	got := strings.Fields(works)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("works: %q, want %q; %s", got, want, r.Err)
	}
	c.hold(t, "findings", parseAssessed(t, text), c.findings)
	tried := maps.Clone(c.findings)
	if c.works == "DEBUGS" && replace(c.works) == "" {
		delete(tried, "kernel-filesystems") // the kernel is locked down
	}
	c.hold(t, "with --probe", parseAssessed(t, second), tried)
	if t.Failed() {
		t.Logf("%s", e.run(t, options, image, "/capsh", "assess").Out)
	}
}

// hold compares the findings of at least medium severity.
func (c *effectCase) hold(t *testing.T, what string, a *assessed, want map[string]string) {
	t.Helper()
	found := map[string]string{}
	for id, severity := range a.found(t) {
		if want[id] == "*" {
			severity = "*"
		}
		if slices.Contains([]string{"medium", "high", "critical", "unknown", "*"}, severity) {
			found[id] = severity
		}
	}
	if !maps.Equal(found, want) {
		t.Errorf("%s: %v, want %v", what, found, want)
	}
}

// probe builds the program that tries.
var probe = func() func(t testing.TB) string {
	var once sync.Once
	var failed []byte
	return func(t testing.TB) string {
		path := filepath.Join(os.Getenv(dirVar), "probe")
		once.Do(func() {
			cmd := exec.Command("go", "build", "-o", path, "./probe")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				failed = append(out, err.Error()...)
			}
		})
		if failed != nil {
			t.Fatalf("go build ./probe: %s", failed)
		}
		return path
	}
}()

// effectPlaces makes what the configurations speak of: directories of root and of user
// 4242, a process of his, a socket, mounts of the kernel's filesystems.
func effectPlaces(t *testing.T) (words []string) {
	t.Helper()
	testenv.Root(t)
	dir := filepath.Join(os.Getenv(dirVar), "effects")
	must(t, os.Mkdir(dir, 0o755))
	for _, name := range []string{"roots", "theirs"} {
		must(t, os.Mkdir(dir+"/"+name, 0o700))
	}
	must(t, os.Chown(dir+"/theirs", 4242, 4242))
	sleep := exec.Command("sleep", "1000")
	sleep.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}, Pdeathsig: syscall.SIGKILL}
	must(t, sleep.Start())
	t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
	l, err := net.Listen("unix", dir+"/docker.sock")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	must(t, os.Chmod(dir+"/docker.sock", 0o660))
	must(t, os.Chown(dir+"/docker.sock", 0, 999))
	words = []string{"ROOTS", dir + "/roots", "THEIRS", dir + "/theirs", "SOCKET", dir + "/docker.sock", "DISK", loop(t)}
	debugs := ""
	for word, kind := range map[string]string{"BINFMT": "binfmt_misc", "TRACEFS": "tracefs", "DEBUGFS": "debugfs"} {
		path := dir + "/" + kind
		must(t, os.Mkdir(path, 0o755))
		if err := syscall.Mount(kind, path, kind, 0, ""); err != nil {
			path = ""
		} else {
			t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
			if file, err := os.OpenFile(path+"/clear_warn_once", os.O_WRONLY, 0); kind == "debugfs" && err == nil {
				file.Close()
				debugs = "debugfs" // the kernel is not locked down
			}
		}
		words = append(words, word, path)
	}
	words = append(words, "DEBUGS", debugs)
	modules := "module"
	if _, err := os.Stat("/proc/modules"); err != nil {
		modules = ""
	}
	return append(words, "MODULES", modules)
}

// loop attaches a loop device to a file, so that there is a disk with data, and returns
// a node of it.
func loop(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(os.Getenv(dirVar), "loop-")
	must(t, err)
	file, path := filepath.Join(dir, "data"), filepath.Join(dir, "disk")
	must(t, os.WriteFile(file, make([]byte, 1<<20), 0o600))
	data, err := os.OpenFile(file, os.O_RDWR, 0)
	must(t, err)
	defer data.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	testenv.Need(t, "loop devices", err == nil, "there is no /dev/loop-control")
	defer control.Close()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	must(t, err)
	must(t, unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(7, uint32(number)))))
	disk, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer disk.Close()
	must(t, unix.IoctlSetInt(int(disk.Fd()), unix.LOOP_SET_FD, int(data.Fd())))
	t.Cleanup(func() {
		if disk, err := os.Open(path); err == nil {
			unix.IoctlSetInt(int(disk.Fd()), unix.LOOP_CLR_FD, 0)
			disk.Close()
		}
	})
	return path
}
