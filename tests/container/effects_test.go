package container

import (
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// effectCase is a configuration, which of the probe's effects work in it, and all
// findings of at least medium severity.
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
	{"the device cgroup open", docker, []string{"--device-cgroup-rule=a *:* rwm"}, "disk CONSOLE", map[string]string{"device-cgroup": "critical"}},
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
	{"bpf and perfmon, no filter", podman, []string{"--cap-add=BPF", "--cap-add=PERFMON", "--security-opt=seccomp=unconfined"}, "user-namespace bpf profile",
		map[string]string{"capabilities": "critical", "seccomp": "medium"}},
	{"bpf and perfmon, another filter", podman, []string{"--cap-add=BPF,PERFMON", "--security-opt=seccomp=FILTER"}, "user-namespace bpf profile", nil},
	{"perfmon, no filter", podman, []string{"--cap-add=PERFMON", "--security-opt=seccomp=unconfined"}, "user-namespace profile",
		map[string]string{"capabilities": "medium", "seccomp": "medium"}},
	{"I/O ports, no filter", podman, []string{"--cap-add=SYS_RAWIO", "--security-opt=seccomp=unconfined"}, "user-namespace PORTS",
		map[string]string{"capabilities": "PORTSGIVE", "seccomp": "medium"}},
	{"the host's network", docker, []string{"--network=host", "--cap-add=AUDIT_READ"}, "abstract packets audit-log",
		map[string]string{"net-namespace": "high", "capabilities": "medium"}},
	{"the host's network, podman's filter", podman, []string{"--network=host", "--cap-add=AUDIT_READ"}, "user-namespace abstract", map[string]string{"net-namespace": "high"}},
	{"the host's network, a user namespace", podman, []string{"--network=host", "--cap-add=NET_ADMIN,NET_RAW", "--uidmap=0:100000:65536"}, "user-namespace abstract",
		map[string]string{"net-namespace": "medium"}},
	{"the host's shared memory", nil, []string{"--ipc=host"}, "shared-memory", map[string]string{"ipc-namespace": "medium"}},
	{"the host's shared memory, another user", podman, []string{"--ipc=host", "--user=1000", "--cap-drop=ALL"}, "user-namespace", map[string]string{"ipc-namespace": "medium"}},
	{"binfmt_misc, a user who may chown", podman, []string{"--volume=BINFMT:/b", "--user=1000", "--cap-drop=ALL", "--cap-add=CHOWN"}, "user-namespace binfmt",
		map[string]string{"kernel-filesystems": "critical"}},
	{"binfmt_misc, a user namespace with root", podman, []string{"--volume=BINFMT:/b", "--uidmap=0:0:65536"}, "user-namespace binfmt",
		map[string]string{"kernel-filesystems": "critical", "user-namespace": "high"}},
	{"handles", nil, []string{"--cap-add=DAC_READ_SEARCH"}, "handle", map[string]string{"capabilities": "critical"}},
	{"modules", nil, []string{"--cap-add=SYS_MODULE"}, "MODULES", nil},
	{"a device that gives nothing", docker, []string{"--device=/dev/fuse"}, "", map[string]string{"devices": "medium"}},
	{"everyone's device, a user", nil, []string{"--device=TUN:/dev/net/tun", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "tun",
		map[string]string{"devices": "medium"}},
	{"root's device, a user", podman, []string{"--device=/dev/fuse", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "", nil},
	{"a disk", nil, []string{"--device=DISK:/dev/disk"}, "node GIVEN", map[string]string{"devices": "critical"}},
	{"all nodes, no rule", nil, []string{"--volume=/dev:/mnt/dev"}, "terminal", map[string]string{"host-directories": "high", "devices": "medium", "kernel-filesystems": "high"}}, // engines permit tun
	{"settings", nil, []string{"--volume=/proc/sys:/x"}, "core-pattern", map[string]string{"proc-sys": "critical"}},
	{"settings, not uid 0", podman, []string{"--volume=/proc/sys:/x", "--user=1000", "--cap-drop=ALL", "--cap-add=DAC_OVERRIDE", "--security-opt=no-new-privileges"}, "user-namespace", nil},
	{"devices of the host", nil, []string{"--volume=/sys:/s"}, "sysfs AFTERMOVE TRACES", map[string]string{"sysfs": "high", "cgroupfs": "*", "device-cgroup": "*", "kernel-filesystems": "*"}},
	{"the host's name", nil, []string{"--uts=host"}, "", nil},
	{"the host's name, to change", nil, []string{"--uts=host", "--cap-add=SYS_ADMIN"}, "hostname user-namespace bpf profile settings-by-mount", map[string]string{"uts-namespace": "medium", "capabilities": "critical"}},
	{"all files", nil, []string{"--volume=/:/host"}, "AFTERMOVE node-after-move terminal host-write host-shadow binfmt core-pattern process-files sysfs tracefs", map[string]string{"host-root": "critical", "devices": "*", "proc-sys": "*", "sysfs": "*", "cgroupfs": "*", "device-cgroup": "*", "proc-masks": "*", "kernel-filesystems": "*", "host-proc": "*"}},
	{"all files, a user namespace", podman, []string{"--volume=/:/host", "--uidmap=0:100000:65536"}, "user-namespace", map[string]string{"host-root": "medium", "host-proc": "medium", "devices": "*", "runtime-socket": "*"}},
	{"a socket", nil, []string{"--volume=SOCKET:/run/docker.sock"}, "socket", map[string]string{"runtime-socket": "critical"}},
	{"a socket, another user", nil, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000"}, "", nil},
	{"terminals", nil, []string{"--volume=/dev/pts:/mnt/dir"}, "terminal bind-write", map[string]string{"kernel-filesystems": "high"}},
	{"the host's bus", nil, []string{"--volume=BUS:/mnt/dir"}, "manager bind-write", map[string]string{"runtime-socket": "critical", "host-directories": "unknown"}},
	{"the host's bus, a user", nil, []string{"--volume=BUS:/mnt/dir", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "",
		map[string]string{"host-directories": "unknown"}},
	{"a process", nil, []string{"--volume=PROCESS:/mnt/dir"}, "bind-write", map[string]string{"host-proc": "medium"}},
	{"a process, to trace", nil, []string{"--volume=PROCESS:/mnt/dir", "--cap-add=SYS_PTRACE"}, "bind-write process-root",
		map[string]string{"host-proc": "critical", "capabilities": "critical"}},
	{"a directory above others", nil, []string{"--volume=/var/spool:/mnt/dir"}, "bind-write", map[string]string{"host-directories": "high"}},
	{"a directory of the host, a user who may override", podman, []string{"--volume=/etc:/mnt/dir", "--user=1000", "--cap-drop=ALL", "--cap-add=DAC_OVERRIDE"}, "bind-write",
		map[string]string{"host-directories": "high"}},
	{"a directory of the host, to read", nil, []string{"--volume=/etc:/mnt/dir:ro", "--cap-drop=ALL"}, "", map[string]string{"host-directories": "medium"}},
	{"consoles by the device cgroup", docker, []string{"--device-cgroup-rule=c *:* rwm"}, "CONSOLE", map[string]string{"device-cgroup": "high"}},
	{"the device cgroup open, read-only", docker, []string{"--device-cgroup-rule=a *:* rwm", "--read-only"}, "disk CONSOLE", map[string]string{"device-cgroup": "critical"}},
	{"a disk to read, another user", nil, []string{"--device=DISK:/dev/disk:r", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "", nil},
	{"a disk to make nodes of", nil, []string{"--device=DISK:/dev/disk:m"}, "", nil},
	{"no mask", nil, []string{"--security-opt=UNMASK"}, "core-pattern", map[string]string{"proc-sys": "critical", "proc-masks": "medium"}},
	{"no mask, a user", nil, []string{"--security-opt=UNMASK", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, "", nil},
	{"sys_admin", nil, []string{"--cap-add=SYS_ADMIN"}, "hostname user-namespace bpf profile settings-by-mount", map[string]string{"capabilities": "critical"}},
	{"sys_admin, a user without it", docker, []string{"--cap-add=SYS_ADMIN", "--user=1000"}, "user-namespace", nil},
	{"the clock", nil, []string{"--cap-add=SYS_TIME"}, "clock", map[string]string{"capabilities": "medium"}},
	{"the log", nil, []string{"--cap-add=SYSLOG"}, "log-control", map[string]string{"capabilities": "medium"}},
	{"the host's network, to configure", nil, []string{"--network=host", "--cap-drop=ALL", "--cap-add=NET_ADMIN"}, "abstract interfaces",
		map[string]string{"net-namespace": "high", "capabilities": "high"}},
	{"the host's network, a user", nil, []string{"--network=host", "--cap-drop=ALL", "--user=1000", "--security-opt=no-new-privileges"}, "abstract",
		map[string]string{"net-namespace": "high"}},
	{"I/O ports", nil, []string{"--cap-add=SYS_RAWIO"}, "PORTS", map[string]string{"capabilities": "PORTSGIVE"}},
	{"a socket of his group", nil, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000:999", "--cap-drop=ALL"}, "socket", map[string]string{"runtime-socket": "critical"}},
}

// triedFindings are those with --probe, where they differ.
var triedFindings = map[string]map[string]string{
	"debugfs":                         {"kernel-filesystems": "DEBUGSGIVE"},
	"bpf and perfmon, another filter": {"capabilities": "critical"},
}

// TestEffects tries the effects in each configuration and compares them with the findings.
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
	options := []string{"--env=ROOTS=" + replace("ROOTS"), "--env=THEIRS=" + replace("THEIRS"), "--env=SEGMENT=" + replace("SEGMENT"), "--env=DISK=" + replace("DISK")}
	for _, o := range c.options {
		options = append(options, strings.ReplaceAll(replace(o), "UNMASK", e.unmask()))
	}
	if strings.Contains(strings.Join(options, " "), "=:") {
		testenv.Need(t, "the filesystem of "+c.name, false, "the kernel has none")
	}
	r := e.run(t, options, image, "/bin/sh", "-c", "/capsh assess --json; /capsh assess --json --probe; /probe")
	text, rest, _ := strings.Cut(r.Out, "\n")
	second, works, _ := strings.Cut(rest, "\n")
	mknod := map[bool][]string{true: {"AFTERMOVE", "disk-after-move", "GIVEN", "disk"}, false: {"AFTERMOVE", "", "GIVEN", ""}}[e == docker]
	want := strings.Fields(strings.NewReplacer(mknod...).Replace(replace(c.works)))
	if e.name == "podman" && !slices.Contains(c.options, "--uidmap=0:100000:65536") && !slices.Contains(want, "user-namespace") {
		want = append(want, "user-namespace") // its filter permits that
	}
	got := strings.Fields(works)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("works: %q, want %q; %s", got, want, r.Err)
	}
	c.compare(t, "findings", parseAssessed(t, text), c.findings, replace)
	tried := triedFindings[c.name]
	if tried == nil {
		tried = c.findings
	}
	c.compare(t, "with --probe", parseAssessed(t, second), tried, replace)
	if t.Failed() {
		t.Logf("%s", e.run(t, options, image, "/capsh", "assess").Out)
	}
}

// compare compares the findings of at least medium severity; one with an empty word is not
// expected.
func (c *effectCase) compare(t *testing.T, what string, a *assessed, words map[string]string, replace func(string) string) {
	t.Helper()
	want := map[string]string{}
	for id, word := range words {
		if severity := replace(word); severity != "" {
			want[id] = severity
		}
	}
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

// effectPlaces makes what the configurations use: directories of root and of user 4242, a
// process of that user, a socket, mounts of the kernel's filesystems.
func effectPlaces(t *testing.T) (words []string) {
	t.Helper()
	testenv.Root(t)
	dir, err := os.MkdirTemp(os.Getenv(dirVar), "effects-")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
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
	abstract, err := net.Listen("unix", "@"+dir+"/theirs")
	must(t, err)
	t.Cleanup(func() { abstract.Close() })
	filter := dir + "/filter" // one that stops nothing that is tried
	must(t, os.WriteFile(filter, []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}`), 0o644))
	words = []string{"FILTER", filter, "SEGMENT", segment(t), "ROOTS", dir + "/roots", "THEIRS", dir + "/theirs", "SOCKET", dir + "/docker.sock", "DISK", loop(t)}
	words = append(words, hostsOwn(t, dir)...)
	tun := dir + "/tun"
	must(t, unix.Mknod(tun, unix.S_IFCHR, int(unix.Mkdev(10, 200))))
	must(t, os.Chmod(tun, 0o666))
	words = append(words, "TUN", tun)
	debugs, traces := "", ""
	if _, err := os.Stat("/sys/kernel/tracing/trace"); err == nil { // someone mounted it
		traces = "tracefs"
	}
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
	words = append(words, "TRACES", traces, "DEBUGSGIVE", map[string]string{"debugfs": "high"}[debugs], "DEBUGS", debugs)
	modules := "module"
	if _, err := os.Stat("/proc/modules"); err != nil {
		modules = ""
	}
	return append(append(words, ports(t)...), "MODULES", modules)
}

// hostsOwn makes a process of root's, a terminal, and the directory of a service manager's
// socket as it is below /run, a tmpfs.
func hostsOwn(t *testing.T, dir string) (words []string) {
	t.Helper()
	sleep := exec.Command("sleep", "1000")
	sleep.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, sleep.Start())
	t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { terminal.Close() })
	must(t, unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0))
	run := dir + "/run"
	must(t, os.Mkdir(run, 0o755))
	must(t, unix.Mount("tmpfs", run, "tmpfs", 0, ""))
	t.Cleanup(func() { unix.Unmount(run, unix.MNT_DETACH) })
	must(t, os.Mkdir(run+"/dbus", 0o755))
	bus, err := net.Listen("unix", run+"/dbus/system_bus_socket")
	must(t, err)
	t.Cleanup(func() { bus.Close() })
	must(t, os.Chmod(run+"/dbus/system_bus_socket", 0o666))
	console := ""
	if file, err := os.OpenFile("/dev/tty0", os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
		file.Close()
		console = "console"
	}
	return []string{"BUS", run + "/dbus", "PROCESS", "/proc/" + strconv.Itoa(sleep.Process.Pid), "CONSOLE", console}
}

// segment makes shared memory of root's and returns its key.
func segment(t *testing.T) string {
	t.Helper()
	key := os.Getpid()<<8 | 1
	id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
	must(t, err)
	t.Cleanup(func() { unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
	return strconv.Itoa(key)
}

// ports are the words for what iopl(2) gives on this kernel.
func ports(t *testing.T) []string {
	t.Helper()
	if testenv.Run(t, exec.Command(probe(t), "io-ports")).Code != 0 {
		return []string{"PORTSGIVE", "", "PORTS", ""}
	}
	return []string{"PORTSGIVE", "critical", "PORTS", "io-ports"}
}

// loop attaches a loop device to a file, as a disk with data, and returns a node of it.
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
