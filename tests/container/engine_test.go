package container

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// engine is podman or Docker.
type engine struct {
	name   string
	client []string // with its global options

	mu     sync.Mutex
	images map[string]bool
}

var (
	podman = &engine{name: "podman", images: map[string]bool{}}
	docker = &engine{name: "docker", images: map[string]bool{}}
)

// unmask is the security option that leaves /proc as it is.
func (e *engine) unmask() string {
	if e == docker {
		return "systempaths=unconfined"
	}
	return "unmask=ALL"
}

// eachEngine runs a test with both engines.
func eachEngine(t *testing.T, test func(t *testing.T, e *engine)) {
	for _, e := range []*engine{podman, docker} {
		t.Run(e.name, func(t *testing.T) {
			e.need(t)
			test(t, e)
		})
	}
}

// need makes the engine ready.
func (e *engine) need(t testing.TB) {
	t.Helper()
	testenv.Root(t)
	testenv.Tool(t, "runc")
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return
	}
	if e == docker {
		socket := startDocker(t)
		e.client = []string{testenv.Tool(t, "docker"), "-H", socket}
		return
	}
	dir := filepath.Join(os.Getenv(dirVar), "podman")
	for _, open := range []string{dir, dir + "/root", dir + "/root/vfs", dir + "/root/vfs/dir"} {
		must(t, os.MkdirAll(open, 0o711)) // for root in a user namespace
	}
	e.client = []string{testenv.Tool(t, "podman"), "--root=" + dir + "/root", "--runroot=" + dir + "/run",
		"--storage-driver=vfs", "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"}
}

// daemon is the Docker engine that was started.
var daemon *exec.Cmd

// startDocker starts an engine with all that it has in one directory, and waits
// until it answers.
func startDocker(t testing.TB) (socket string) {
	t.Helper()
	dir := filepath.Join(os.Getenv(dirVar), "docker")
	must(t, os.Mkdir(dir, 0o700))
	socket = "unix://" + dir + "/socket"
	log, err := os.Create(dir + "/log")
	must(t, err)
	defer log.Close()
	daemon = exec.Command(testenv.Tool(t, "dockerd"), "-H", socket, "--data-root="+dir+"/data", "--exec-root="+dir+"/exec",
		"--pidfile="+dir+"/pid", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs",
		"--oom-score-adjust=0")
	daemon.Stdout, daemon.Stderr = log, log
	must(t, daemon.Start())
	client := testenv.Tool(t, "docker")
	for range 600 {
		if exec.Command(client, "-H", socket, "version").Run() == nil {
			return socket
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("dockerd does not answer:\n%s", text)
	return ""
}

func stopDocker() {
	if daemon != nil {
		daemon.Process.Signal(unix.SIGTERM)
		daemon.Wait()
	}
}

// command is the client with arguments.
func (e *engine) command(args ...string) *exec.Cmd {
	return exec.Command(e.client[0], append(e.client[1:len(e.client):len(e.client)], args...)...)
}

// do runs the client, which must not fail, and returns its stdout.
func (e *engine) do(t testing.TB, args ...string) string {
	t.Helper()
	r := testenv.Run(t, e.command(args...))
	if r.Code != 0 {
		t.Fatalf("%s %q: exit status %d\n%s", e.name, args, r.Code, r.Err)
	}
	return r.Out
}

// names makes the names of containers.
var names atomic.Int64

// runArgs are the arguments that run a container. There need be neither a bridge
// nor the right to raise limits here; the port limit is the kernel's, which Docker
// would lift.
func (e *engine) runArgs(options []string, image string, command []string) (args []string, name string) {
	name = fmt.Sprintf("test-%d", names.Add(1))
	args = []string{"run", "--name=" + name, limit("nofile", unix.RLIMIT_NOFILE), limit("nproc", unix.RLIMIT_NPROC)}
	if !slices.Contains(options, "--network=host") {
		args = append(args, "--network=none", "--sysctl=net.ipv4.ip_unprivileged_port_start=1024")
	}
	if e == podman {
		args = append(args, "--passwd=false") // it would make up names
	}
	args = append(append(args, options...), image)
	return append(args, command...), name
}

// limit gives a container the hard limit that there is.
func limit(name string, resource int) string {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		panic(err)
	}
	hard := strconv.FormatInt(int64(l.Max), 10) // -1 is no limit
	return "--ulimit=" + name + "=" + hard + ":" + hard
}

// run runs a container to its end.
func (e *engine) run(t testing.TB, options []string, image string, command ...string) testenv.Result {
	t.Helper()
	args, name := e.runArgs(append([]string{"--rm"}, options...), image, command)
	r := testenv.Run(t, e.command(args...))
	if r.Code == 125 && !strings.HasPrefix(r.Err, "cap") {
		t.Fatalf("%s does not run %s: %s", e.name, name, r.Err)
	}
	return r
}

// container is one that runs.
type container struct {
	*engine
	name string
	pid  int // of its first process, as seen from here
}

// start starts a container that stays.
func (e *engine) start(t testing.TB, options []string, image string, command ...string) *container {
	t.Helper()
	args, name := e.runArgs(append([]string{"-d"}, options...), image, command)
	e.do(t, args...)
	c := &container{e, name, 0}
	t.Cleanup(func() { c.remove(t) })
	c.pid = c.inspect(t).State.Pid
	return c
}

// remove ends the container at once. What cleans up behind a container of podman
// may still keep a mount busy then.
func (c *container) remove(t testing.TB) {
	t.Helper()
	testenv.Run(t, c.command("kill", c.name)) // it may have ended
	var r testenv.Result
	for range 40 {
		if r = testenv.Run(t, c.command("rm", "-f", c.name)); r.Code == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s rm: %s", c.engine.name, r.Err)
}

// logs are what the container has written, stdout and stderr.
func (c *container) logs(t testing.TB) (out, errs string) {
	t.Helper()
	r := testenv.Run(t, c.command("logs", c.name))
	return r.Out, r.Err
}

// waitFor waits until the container has written a line to stdout; it returns
// what stands before it.
func (c *container) waitFor(t testing.TB, line string) string {
	t.Helper()
	for range 400 {
		out, _ := c.logs(t)
		if before, _, ok := strings.Cut(out, line+"\n"); ok {
			return before
		}
		time.Sleep(25 * time.Millisecond)
	}
	out, errs := c.logs(t)
	t.Fatalf("%s: no line %q from the container:\n%s%s", c.engine.name, line, out, errs)
	return ""
}

// inspected is what the engines say of a container; EffectiveCaps and
// BoundingCaps are podman's.
type inspected struct {
	State struct {
		Pid, ExitCode int
		Running       bool
	}
	EffectiveCaps, BoundingCaps []string
	HostConfig                  struct {
		CapAdd, CapDrop []string
		Privileged      bool
	}
}

func (c *container) inspect(t testing.TB) inspected {
	t.Helper()
	text := c.do(t, "inspect", "--type=container", c.name)
	var list []inspected
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
		t.Fatalf("inspect: %v\n%s", err, text)
	}
	return list[0]
}

// status is that of the first process, read from outside.
func (c *container) status(t testing.TB) testenv.Status {
	t.Helper()
	s, err := testenv.ReadStatus("/proc/" + strconv.Itoa(c.pid) + "/status")
	must(t, err)
	return s
}

// image makes an image unless it is there.
func (e *engine) image(t testing.TB, name string, changes []string, files ...file) string {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.images[name] {
		args := []string{"import"}
		for _, change := range changes {
			args = append(args, "--change", change)
		}
		cmd := e.command(append(args, "-", name)...)
		cmd.Stdin = bytes.NewReader(archive(t, files))
		if r := testenv.Run(t, cmd); r.Code != 0 {
			t.Fatalf("%s import: %s", e.name, r.Err)
		}
		e.images[name] = true
	}
	return name
}
