package container

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// assessed is what capsh assess --json says.
type assessed struct {
	Version   int
	PID       int
	Name      string
	Verdict   string
	Partial   bool
	Contained *bool
	Container *struct {
		Runtime, ID *string
		PodUID      *string `json:"pod_uid"`
	}
	Evidence []string
	Default  struct {
		Runtime, Mask, SeenIn, Source, Note string
		Capabilities                        []string
	}
	Reach    []string
	Findings []struct {
		ID, Severity, Evidence, Meaning string
		Capabilities                    []struct{ Name, Host, Brief string }
	}
}

// found are the severities of the findings by id, and none twice.
func (a *assessed) found(t testing.TB) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, f := range a.Findings {
		if m[f.ID] != "" {
			t.Errorf("two findings %s", f.ID)
		}
		if f.Evidence == "" {
			t.Errorf("%s without evidence", f.ID)
		}
		m[f.ID] = f.Severity
	}
	return m
}

func parseAssessed(t testing.TB, text string) *assessed {
	t.Helper()
	var a assessed
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Version != 1 {
		t.Fatalf("%v: %q", err, text)
	}
	return &a
}

// assessCase is a configuration of a container, and what assess must report of it.
type assessCase struct {
	name    string
	only    *engine
	options []string
	verdict string
	// findings are those that are checked.
	findings map[string]string
}

var assessCases = []assessCase{
	{"default", nil, nil, "default", map[string]string{
		"capabilities": "ok", "seccomp": "ok", "proc-masks": "ok", "proc-sys": "ok", "sysfs": "ok",
		"host-root": "ok", "runtime-socket": "ok", "devices": "ok", "host-directories": "ok",
		"user-namespace": "low", "pid-namespace": "ok", "net-namespace": "ok", "mnt-namespace": "ok",
		"ipc-namespace": "ok", "uts-namespace": "ok",
	}},
	{"drop all", nil, []string{"--cap-drop=ALL"}, "no-capabilities", map[string]string{"capabilities": "ok"}},
	{"drop all, add one", nil, []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE"}, "restricted", map[string]string{"capabilities": "ok"}},
	{"no new privileges", nil, []string{"--security-opt=no-new-privileges"}, "default", map[string]string{"no-new-privs": "ok"}},
	{"a user without new privileges", podman, []string{"--security-opt=no-new-privileges", "--user=1000"}, "no-capabilities", map[string]string{"no-new-privs": "ok"}},
	{"a user", podman, []string{"--user=1000"}, "default", map[string]string{"no-new-privs": "low"}},
	{"one more", nil, []string{"--cap-add=SYS_ADMIN"}, "over-privileged", map[string]string{"capabilities": "critical", "seccomp": "ok"}},
	{"one harmless more", podman, []string{"--cap-add=SYS_PACCT"}, "over-privileged", map[string]string{"capabilities": "low"}},
	{"no seccomp", nil, []string{"--security-opt=seccomp=unconfined"}, "over-privileged", map[string]string{"seccomp": "medium"}},
	{"the host's network", nil, []string{"--network=host"}, "over-privileged", map[string]string{"net-namespace": "high"}},
	{"a directory", nil, []string{"--volume=/var/lib:/data"}, "over-privileged", map[string]string{"host-directories": "high", "host-root": "ok"}},
	{"a directory in a volume's name", nil, []string{"--volume=/etc:/run/secrets"}, "over-privileged", map[string]string{"host-directories": "high"}},
	{"a directory named as volumes are", podman, []string{"--volume=VOLUMES:/v"}, "default", map[string]string{"host-directories": "info"}},
	{"a volume", nil, []string{"--volume=named:/v"}, "default", map[string]string{"host-root": "ok"}},
	{"a directory to read", podman, []string{"--volume=/etc:/data:ro"}, "over-privileged", map[string]string{"host-directories": "medium"}},
	{"programs to read", podman, []string{"--volume=/usr/bin:/data:ro"}, "default", map[string]string{"host-directories": "info"}},
	{"the settings", nil, []string{"--volume=/proc/sys:/x"}, "over-privileged", map[string]string{"proc-sys": "critical", "proc-masks": "ok"}},
	{"some settings", podman, []string{"--volume=/proc/sys/kernel:/k"}, "over-privileged", map[string]string{"proc-sys": "critical"}},
	{"the settings to read", podman, []string{"--volume=/proc/sys:/x:ro"}, "default", map[string]string{"proc-sys": "ok"}},
	{"all files", nil, []string{"--volume=/:/host"}, "over-privileged", map[string]string{"host-root": "critical"}},
	{"all files, a user with nothing", nil, []string{"--volume=/:/host", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"},
		"over-privileged", map[string]string{"host-root": "medium"}},
	{"cgroups", podman, []string{"--volume=/sys/fs/cgroup:/cg"}, "over-privileged", map[string]string{"cgroupfs": "medium", "host-directories": "ok"}},
	{"a socket", nil, []string{"--volume=SOCKET:/var/run/docker.sock"}, "over-privileged", map[string]string{"runtime-socket": "critical"}},
	{"a user's socket", nil, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000", "--group-add=999", "--cap-drop=ALL", "--security-opt=no-new-privileges"},
		"over-privileged", map[string]string{"runtime-socket": "critical"}},
	{"everyone's socket", podman, []string{"--volume=PUBLIC:/run/docker.sock", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"},
		"over-privileged", map[string]string{"runtime-socket": "critical"}},
	{"another's socket", podman, []string{"--volume=SOCKET:/run/docker.sock", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"},
		"no-capabilities", map[string]string{"runtime-socket": "low"}},
	{"a listed socket", podman, []string{"--volume=LISTED:/run/docker.sock", "--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"},
		"no-capabilities", map[string]string{"runtime-socket": "unknown"}},
	{"a socket elsewhere", podman, []string{"--volume=SOCKET:/tmp/x"}, "over-privileged", map[string]string{"runtime-socket": "critical"}},
	{"a tmpfs with a socket", nil, []string{"--volume=TMPFS:/hostrun"}, "over-privileged", map[string]string{"runtime-socket": "critical"}},
	{"a tmpfs older than it", nil, []string{"--volume=EMPTY:/x"}, "default", map[string]string{"host-directories": "unknown"}},
	{"a tmpfs of its own", nil, []string{"--tmpfs=/scratch"}, "default", map[string]string{"runtime-socket": "ok", "host-directories": "ok"}},
	{"read-only", nil, []string{"--read-only"}, "default", map[string]string{
		"runtime-socket": "ok", "devices": "ok", "host-root": "ok", "host-directories": "ok",
	}},
	{"an init", docker, []string{"--init"}, "default", map[string]string{"host-directories": "info"}},
	{"a device", podman, []string{"--device=DISK:/dev/disk"}, "over-privileged", map[string]string{"devices": "critical"}},
	{"a device in a directory", nil, []string{"--device=DISK:/dev/x/y/loop0"}, "over-privileged", map[string]string{"devices": "critical"}},
	{"a device elsewhere", nil, []string{"--volume=DISK:/mnt/disk"}, "default", map[string]string{"devices": "info"}},
	{"a device in the root directory", podman, []string{"--device=DISK:/disk"}, "over-privileged", map[string]string{"devices": "critical"}},
	{"a directory of devices", nil, []string{"--volume=/dev:/mnt/dev"}, "over-privileged", map[string]string{"devices": "medium", "host-directories": "high"}},
	{"a small device", nil, []string{"--device=/dev/net/tun"}, "over-privileged", map[string]string{"devices": "medium"}},
	{"the kernel's log", nil, []string{"--device=/dev/kmsg"}, "over-privileged", map[string]string{"devices": "medium"}},
	{"the host's IPC", nil, []string{"--ipc=host"}, "over-privileged", map[string]string{"ipc-namespace": "medium", "host-directories": "ok"}},
	{"the host's names", nil, []string{"--uts=host"}, "default", map[string]string{"uts-namespace": "info"}},
	{"privileged", nil, []string{"--privileged"}, "privileged", map[string]string{
		"capabilities": "critical", "seccomp": "medium", "proc-masks": "medium", "proc-sys": "critical", "sysfs": "high",
		"devices": "critical", "device-cgroup": "critical", "pid-namespace": "ok",
	}},
	{"all but in name", nil, []string{"--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined", "--security-opt=UNMASK"}, "privileged", map[string]string{
		"capabilities": "critical", "seccomp": "medium", "proc-masks": "medium",
	}},
	{"user namespace", podman, []string{"--uidmap=0:100000:65536"}, "default", map[string]string{"user-namespace": "ok"}},
	{"user namespace with root", podman, []string{"--uidmap=0:0:65536"}, "over-privileged", map[string]string{"user-namespace": "high"}},
	{"privileged in a user namespace", podman, []string{"--uidmap=0:100000:65536", "--privileged"}, "confined-root", map[string]string{
		"capabilities": "low", "user-namespace": "ok",
	}},
}

// TestAssess: capsh assess reports inside and outside what the container was started with.
func TestAssess(t *testing.T) {
	places := append(places(t), "DISK", loop(t))
	eachEngine(t, func(t *testing.T, e *engine) {
		for _, c := range assessCases {
			if c.only != nil && c.only != e {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				if c.name == "privileged" && e == docker {
					allNeeded(t)
				}
				assessContainer(t, e, c, places)
			})
		}
	})
}

func assessContainer(t *testing.T, e *engine, test assessCase, places []string) {
	var options []string
	for _, o := range test.options {
		options = append(options, strings.NewReplacer(append(places, "UNMASK", e.unmask())...).Replace(o))
	}
	image := e.image(t, "assess", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
	script := "/capsh assess --json; /capsh assess; echo ready; while :; do /busybox sleep 1000; done"
	c := e.start(t, options, image, "/bin/sh", "-c", script)
	own, text, _ := strings.Cut(c.waitFor(t, "ready"), "\n")
	inside := parseAssessed(t, own)
	r := testenv.Run(t, exec.Command(testenv.Build(t, "capsh"), "assess", "--json", strconv.Itoa(c.pid)))
	if r.Code != 0 || r.Err != "" {
		t.Fatalf("outside: %+v", r)
	}
	outside := parseAssessed(t, r.Out)
	partial, start := slices.Contains(slices.Collect(maps.Values(test.findings)), "unknown"), "verdict    "+test.verdict
	if partial {
		start += ", as far as could be read"
	}
	for where, a := range map[string]*assessed{"inside": inside, "outside": outside} {
		if a.Verdict != test.verdict {
			t.Errorf("%s: %s, want %s", where, a.Verdict, test.verdict)
		}
		got := a.found(t)
		if a.Partial != partial && (where == "inside" || !slices.Contains(slices.Collect(maps.Values(got)), "unknown")) {
			t.Errorf("%s: partial %v", where, a.Partial)
		}
		for id, want := range test.findings {
			// Outside, what root of fewer capabilities may not see is unknown.
			if got[id] != want && !(where == "outside" && got[id] == "unknown") {
				t.Errorf("%s: %s is %s, want %s", where, id, got[id], want)
			}
		}
		if a.Container == nil || a.Container.Runtime == nil || *a.Container.Runtime != e.name {
			t.Errorf("%s: container %+v", where, a.Container)
		} else if id := a.Container.ID; id == nil || *id != c.id(t) {
			t.Errorf("%s: id %v, want %s", where, id, c.id(t))
		}
	}
	if text = strings.ReplaceAll(text, "\n           ", " "); !strings.HasPrefix(text, start+": ") {
		t.Errorf("text: %s", text)
	}
	if t.Failed() {
		t.Logf("inside:\n%s\noutside: %s", text, r.Out)
	}
}

// TestAssessManualExample: the command in the manual refuses a container that is less
// isolated than by default, and no other.
func TestAssessManualExample(t *testing.T) {
	podman.need(t)
	page, err := os.ReadFile("../../man/capsh.1")
	must(t, err)
	const start = "\ncapsh assess --fail-on="
	_, command, found := strings.Cut(string(page), start)
	if !found {
		t.Fatalf("the manual has no line %q", start)
	}
	command, _, _ = strings.Cut(start[1:]+command, "\n")
	image := podman.image(t, "assess", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
	for _, c := range []struct {
		options []string
		refuses bool
	}{
		{nil, false},
		{[]string{"--read-only", "--tmpfs=/scratch"}, false},
		{[]string{"--uidmap=0:100000:65536"}, false},
		{[]string{"--user=1000", "--cap-drop=ALL", "--security-opt=no-new-privileges"}, false},
		{[]string{"--security-opt=seccomp=unconfined"}, true},
		{[]string{"--ipc=host"}, true},
		{[]string{"--uts=host"}, false},
		{[]string{"--volume=/etc:/e:ro"}, true},
		{[]string{"--device=/dev/net/tun"}, true},
		{[]string{"--volume=/:/host", "--uidmap=0:100000:65536"}, true},
		{[]string{"--volume=/:/host", "--user=1000", "--cap-drop=ALL"}, true},
		{[]string{"--cap-add=SYS_PACCT", "--uidmap=0:100000:65536"}, true},
	} {
		want := 0
		if c.refuses {
			want = 1
		}
		if r := podman.run(t, append(c.options, "--env=PATH=/"), image, "/bin/sh", "-c", command); r.Code != want || r.Err != "" {
			t.Errorf("%q: %+v", c.options, r)
		}
	}
}

// TestAssessUnread: what a reader is not permitted to see is not reported as in order.
func TestAssessUnread(t *testing.T) {
	podman.need(t)
	image := podman.image(t, "assess", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
	c := podman.start(t, []string{"--device=/dev/loop0"}, image, "/bin/sh", "-c", "echo ready; while :; do /busybox sleep 1000; done")
	c.waitFor(t, "ready")
	user := []string{"--reuid=65534", "--regid=65534", "--clear-groups", testenv.Build(t, "capsh"), "assess"}
	for word, want := range map[string]int{"over-privileged": 1, "default": 1, "privileged": 0} {
		r := testenv.Run(t, exec.Command(testenv.Tool(t, "setpriv"), append(user, "--fail-on="+word, strconv.Itoa(c.pid))...))
		if r.Code != want || r.Err != "" || !strings.HasPrefix(r.Out, "verdict    default, as far as could be read: ") {
			t.Errorf("%s: %+v", word, r)
		}
	}
}

// id is the whole id that the engine gave the container.
func (c *container) id(t testing.TB) string {
	return strings.TrimSpace(c.do(t, "inspect", "--type=container", "--format={{.Id}}", c.name))
}

// places makes sockets named as Docker's, and returns what each word of the
// cases stands for: SOCKET of root and group 999, PUBLIC for everyone, LISTED
// by an access control list for user 1000, TMPFS for a filesystem with one; EMPTY for
// one without, and VOLUMES for a directory.
func places(t *testing.T) (list []string) {
	t.Helper()
	testenv.Root(t)
	volumes := filepath.Join(os.Getenv(dirVar), "volumes", "x")
	must(t, os.MkdirAll(volumes, 0o755))
	empty := filepath.Join(os.Getenv(dirVar), "empty")
	must(t, os.MkdirAll(empty, 0o755))
	must(t, unix.Mount("tmpfs", empty, "tmpfs", 0, ""))
	t.Cleanup(func() { unix.Unmount(empty, unix.MNT_DETACH) })
	list = append(list, "VOLUMES", volumes, "EMPTY", empty)
	for word, mode := range map[string]uint32{"SOCKET": 0o660, "PUBLIC": 0o666, "LISTED": 0o600, "TMPFS": 0o660} {
		dir := filepath.Join(os.Getenv(dirVar), word)
		must(t, os.Mkdir(dir, 0o755))
		if word == "TMPFS" {
			must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
			t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
		}
		path := dir + "/docker.sock"
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { unix.Close(fd); os.RemoveAll(dir) })
		must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
		must(t, unix.Chmod(path, mode))
		must(t, unix.Chown(path, 0, 999))
		if word == "LISTED" {
			must(t, unix.Setxattr(path, "system.posix_acl_access", accessList(1000), 0))
		}
		if word == "TMPFS" {
			path = dir
		}
		list = append(list, word, path)
	}
	time.Sleep(2 * time.Second) // what is older by a second is not the container's own
	return list
}

// accessList lets a user read and write, besides the owner
// (include/uapi/linux/posix_acl_xattr.h).
func accessList(uid uint32) []byte {
	const user, named, group, mask, other, none = 0x01, 0x02, 0x04, 0x10, 0x20, 1<<32 - 1
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{user, 6, none}, {named, 6, uid}, {group, 0, none}, {mask, 6, none}, {other, 0, none}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}
