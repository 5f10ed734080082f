package container

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// keep shows what the engine keeps where it does by default, which is where its names of
// containers are looked for.
func (e *engine) keep(t *testing.T) {
	t.Helper()
	from, to := filepath.Join(os.Getenv(dirVar), "podman", "root"), "/var/lib/containers/storage"
	if e == docker {
		from, to = filepath.Join(os.Getenv(dirVar), "docker", "data"), "/var/lib/docker"
	}
	if _, err := os.Stat(to); err != nil {
		must(t, os.MkdirAll(to, 0o711))
		t.Cleanup(func() { os.Remove(to) })
	}
	must(t, unix.Mount(from, to, "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(to, unix.MNT_DETACH)) })
}

// TestAllContainers: each container has one row, with the name that the engine gave it,
// and is rated by its process that is isolated worst.
func TestAllContainers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "all", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
		sleep := []string{"/busybox", "sleep", "1000"}
		plain := e.start(t, nil, image, sleep...)
		open := e.start(t, []string{"--cap-add=SYS_ADMIN"}, image, sleep...)
		e.keep(t)
		capsh := testenv.Build(t, "capsh")

		rows := func(args ...string) map[string]string {
			t.Helper()
			r := testenv.Run(t, exec.Command(capsh, append([]string{"assess", "--all-containers"}, args...)...))
			if r.Code != 0 || r.Err != "" {
				t.Fatalf("%+v", r)
			}
			found := map[string]string{}
			for line := range strings.Lines(r.Out) {
				var a struct {
					Verdict   string
					Container struct{ Name, Runtime, ID string }
				}
				if len(args) == 0 {
					words := strings.Fields(line)
					a.Container.ID, a.Container.Name, a.Container.Runtime, a.Verdict = words[0], words[1], words[2], words[4]
				} else if err := json.Unmarshal([]byte(line), &a); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				if a.Container.Runtime == e.name {
					if found[a.Container.Name] != "" {
						t.Errorf("%s has two rows:\n%s", a.Container.Name, r.Out)
					}
					found[a.Container.Name] = a.Verdict
				}
			}
			return found
		}
		for _, args := range [][]string{nil, {"--json"}} {
			if got := rows(args...); got[plain.name] != "default" || got[open.name] != "over-privileged" || len(got) != 2 {
				t.Errorf("%q: %v", args, got)
			}
		}
		r := testenv.Run(t, exec.Command(capsh, "ps", "-n", "--container="+plain.name, "--columns=name,container"))
		if want := "busybox  " + e.name + ":" + plain.name + "\n"; r.Out != want || r.Code != 0 {
			t.Errorf("ps: %+v, want %q", r, want)
		}
		r = testenv.Run(t, exec.Command(capsh, "assess", "--all-containers", "--fail-on=over-privileged"))
		if r.Code != 1 || r.Err != "" {
			t.Errorf("--fail-on: %+v", r)
		}
		// Of two processes that differ only in the group, both are assessed.
		socket := filepath.Join(t.TempDir(), "docker.sock")
		listener, err := net.Listen("unix", socket)
		must(t, err)
		defer listener.Close()
		must(t, os.Chown(socket, 0, 4321))
		must(t, os.Chmod(socket, 0o660))
		group := e.start(t, []string{"--cap-drop=ALL", "--user=1000:1000", "--volume=" + socket + ":/run/docker.sock"}, image, sleep...)
		if got := rows()[group.name]; got != "no-capabilities" {
			t.Errorf("a socket of another group: %s", got)
		}
		e.do(t, "exec", "-d", "--user=1000:4321", group.name, "/busybox", "sleep", "1000")
		if got := rows()[group.name]; got != "over-privileged" {
			t.Errorf("with a process of the socket's group: %s", got)
		}
		if e == docker {
			return // its --privileged takes a host that has every capability
		}
		e.do(t, "exec", "-d", "--privileged", plain.name, "/busybox", "sleep", "1000")
		if got := rows(); got[plain.name] != "privileged" {
			t.Errorf("with a privileged process: %v", got)
		}
	})
}
