package container

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// An ordinary user of the host with subordinate ids.
const (
	rootlessUID = 5511
	subIDs      = "300000"
)

// rootless is podman as that user, who exists in the mount namespace of these tests
// alone.
var rootless = sync.OnceValue(func() *engine {
	return &engine{name: "podman", images: map[string]bool{}}
})

// asUser are the words that run a command as the user.
func asUser(t testing.TB) []string {
	home := filepath.Join(os.Getenv(dirVar), "home")
	id := strconv.Itoa(rootlessUID)
	return []string{testenv.Tool(t, "setpriv"), "--reuid=" + id, "--regid=" + id, "--clear-groups",
		"env", "-C", home, "HOME=" + home, "XDG_RUNTIME_DIR=" + home + "/run"}
}

// needRootless makes the user and podman for it.
func needRootless(t testing.TB) *engine {
	t.Helper()
	testenv.Root(t)
	for _, tool := range []string{"podman", "runc", "newuidmap"} {
		testenv.Tool(t, tool)
	}
	e := rootless()
	if e.client != nil {
		return e
	}
	home := filepath.Join(os.Getenv(dirVar), "home")
	must(t, os.MkdirAll(home+"/run", 0o700))
	for _, dir := range []string{home, home + "/run"} {
		must(t, os.Chown(dir, rootlessUID, rootlessUID))
	}
	must(t, os.Chmod("/dev/shm", 0o777|os.ModeSticky)) // where podman keeps its locks
	id := strconv.Itoa(rootlessUID)
	for name, line := range map[string]string{
		"passwd": "rootless:x:" + id + ":" + id + "::" + home + ":/bin/sh", "group": "rootless:x:" + id + ":",
		"subuid": "rootless:" + subIDs + ":65536", "subgid": "rootless:" + subIDs + ":65536",
	} {
		text, err := os.ReadFile("/etc/" + name)
		must(t, err)
		path := filepath.Join(os.Getenv(dirVar), name)
		must(t, os.WriteFile(path, append(text, line+"\n"...), 0o644))
		must(t, unix.Mount(path, "/etc/"+name, "", unix.MS_BIND, ""))
	}
	e.client = append(asUser(t), testenv.Tool(t, "podman"), "--root="+home+"/root", "--runroot="+home+"/run/podman",
		"--storage-driver=vfs", "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none")
	return e
}

// rootlessCases are containers of the user, and their verdicts.
var rootlessCases = []struct {
	name    string
	options []string
	verdict string
}{
	{"default", nil, "default"},
	{"keep-id", []string{"--userns=keep-id"}, "default"},
	{"nomap", []string{"--userns=nomap"}, "default"},
	{"a user", []string{"--user=1000", "--security-opt=no-new-privileges"}, "no-capabilities"},
	{"privileged", []string{"--privileged"}, "confined-root"},
	{"a toolbox", []string{"--privileged", "--pid=host", "--userns=keep-id", "--volume=/:/run/host"}, "confined-root"},
	{"the host's settings", []string{"--volume=/proc/sys:/x"}, "default"},
}

// TestRootless: the same is said of a container of an ordinary user inside, outside as
// that user and outside as root; and ps knows that it is one.
func TestRootless(t *testing.T) {
	e := needRootless(t)
	image := e.image(t, "rootless", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
	for _, c := range rootlessCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			box := e.start(t, c.options, image, "/bin/sh", "-c", "/capsh assess --json; echo ready; while :; do /busybox sleep 1000; done")
			threeViews(t, box.waitFor(t, "ready"), box.pid, c.verdict)
		})
	}
}

// threeViews compares what is said inside with what the user and root say outside.
func threeViews(t *testing.T, inside string, pid int, verdict string) {
	t.Helper()
	capsh, id := testenv.Build(t, "capsh"), strconv.Itoa(pid)
	views := map[string]string{"inside": inside}
	for who, before := range map[string][]string{"the user": asUser(t), "root": {"env"}} {
		r := testenv.Run(t, exec.Command(before[0], append(before[1:], capsh, "assess", "--json", id)...))
		views[who] = r.Out
		list := testenv.Run(t, exec.Command(before[0], append(before[1:], capsh, "ps", "--json", id)...))
		var p struct{ Contained *bool }
		if err := json.Unmarshal([]byte(list.Out), &p); err != nil || p.Contained == nil || !*p.Contained {
			t.Errorf("ps by %s: %s%s", who, list.Out, list.Err)
		}
	}
	for who, text := range views {
		a := parseAssessed(t, text)
		if a.Verdict != verdict {
			t.Errorf("%s: %s, want %s", who, a.Verdict, verdict)
			t.Log(text)
		}
		if got := a.found(t)["user-namespace"]; got != "ok" {
			t.Errorf("%s: user-namespace %s", who, got)
		}
	}
}

// TestUserNamespaceTools: so it is in what other programs make of a user namespace.
func TestUserNamespaceTools(t *testing.T) {
	needRootless(t)
	capsh := testenv.Build(t, "capsh")
	bwrap := testenv.Tool(t, "bwrap")
	for name, words := range map[string][]string{
		"bwrap":   {bwrap, "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc"},
		"unshare": append(rootless().client[len(asUser(t)):], "unshare"),
	} {
		t.Run(name, func(t *testing.T) {
			words := append(append(asUser(t), words...), "sh", "-c", capsh+" assess --json; "+capsh+" show; cat")
			cmd := exec.Command(words[0], words[1:]...)
			stdin, err := cmd.StdinPipe()
			must(t, err)
			var out strings.Builder
			cmd.Stdout = &out
			must(t, cmd.Start())
			stdin.Close()
			must(t, cmd.Wait())
			text, shown, _ := strings.Cut(out.String(), "\n")
			a := parseAssessed(t, text)
			if got := a.found(t)["user-namespace"]; got != "ok" || a.Verdict == "over-privileged" || a.Verdict == "privileged" {
				t.Errorf("%s, user-namespace %s", a.Verdict, got)
			}
			if strings.Contains(shown, "owned by uid 0") {
				t.Errorf("%s", shown)
			}
		})
	}
}

// TestRootlessPause: the process that keeps the user's namespaces is podman's.
func TestRootlessPause(t *testing.T) {
	needRootless(t).do(t, "unshare", "true")
	pid, err := os.ReadFile(filepath.Join(os.Getenv(dirVar), "home/run/libpod/tmp/pause.pid"))
	must(t, err)
	r := testenv.Run(t, exec.Command(testenv.Build(t, "capsh"), "ps", "--json", strings.TrimSpace(string(pid))))
	var p struct{ Container struct{ Runtime string } }
	if err := json.Unmarshal([]byte(r.Out), &p); err != nil || p.Container.Runtime != "podman" {
		t.Errorf("%v: %s%s", err, r.Out, r.Err)
	}
}

// rootlessEffects are configurations of the user's containers: HOME is a directory of the
// user's, ROOTS one of root's.
var rootlessEffects = []effectCase{
	{"default", nil, nil, "", nil},
	{"the host's network", nil, []string{"--network=host"}, "abstract", map[string]string{"net-namespace": "medium"}},
	{"all files", nil, []string{"--volume=/:/host"}, "", map[string]string{"host-root": "medium", "host-proc": "medium", "devices": "*", "runtime-socket": "*"}},
	{"settings", nil, []string{"--volume=/proc/sys:/x"}, "", nil},
	{"devices of the host", nil, []string{"--volume=/sys:/s"}, "", nil},
	{"terminals", nil, []string{"--volume=/dev/pts:/mnt/dir"}, "", nil},
	{"a directory of root's", nil, []string{"--volume=/etc:/mnt/dir"}, "", map[string]string{"host-directories": "medium"}},
	{"a directory of the user's", nil, []string{"--volume=HOME:/mnt/dir"}, "bind-write", nil},
	{"everyone's device", nil, []string{"--device=TUN:/dev/net/tun"}, "tun", map[string]string{"devices": "medium"}},
	{"no filter", nil, []string{"--security-opt=seccomp=unconfined"}, "", map[string]string{"seccomp": "medium"}},
	{"all capabilities", nil, []string{"--cap-add=ALL"}, "hostname", nil},
	{"privileged", nil, []string{"--privileged"}, "hostname", map[string]string{"seccomp": "medium"}},
	{"the user's account inside", nil, []string{"--userns=keep-id", "--volume=HOME:/mnt/dir"}, "bind-write", nil},
	{"the socket of root's runtime", nil, []string{"--volume=SOCKET:/run/docker.sock"}, "", nil},
}

// TestRootlessEffects is [TestEffects] for an ordinary user's containers.
func TestRootlessEffects(t *testing.T) {
	e := needRootless(t)
	words := append(effectPlaces(t), "HOME", filepath.Join(os.Getenv(dirVar), "home/run"))
	image := e.image(t, "rootless-effects", nil, slices.Concat([]file{program(t, "capsh"), load(t, "probe", probe(t))}, busybox(t))...)
	for _, c := range rootlessEffects {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t, e, image, words)
		})
	}
}
