package container

import (
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// The web server of an unmodified program, bound to port 80.
var httpd = []string{"/busybox", "httpd", "-f", "-p", "80", "-h", "/www"}

// serve is capset with options and the server behind it.
func serve(options ...string) []string {
	return slices.Concat([]string{"/capset"}, options, []string{"--"}, httpd)
}

// page is what the server gives.
var page = file{name: "www/index.html", data: []byte("served\n")}

// appImage has capset, the server and accounts.
func (e *engine) appImage(t testing.TB) string {
	return e.image(t, "app", nil, slices.Concat([]file{program(t, "capset"), page}, busybox(t), accounts())...)
}

// bareImage has no accounts and no shell, but an entry point.
func (e *engine) bareImage(t testing.TB) string {
	entry := `ENTRYPOINT ["/capset", "--user=1000:1000", "--cap-add=net_bind_service", "--"]`
	return e.image(t, "bare", []string{entry}, program(t, "capset"), busybox(t)[0], page)
}

// bindService is cap_net_bind_service as v2 of the xattr: permitted, neither
// inheritable nor effective (include/uapi/linux/capability.h).
var bindService = []byte{0, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// fileImage has a capset that carries a capability of its own.
func (e *engine) fileImage(t testing.TB) string {
	capset := program(t, "capset")
	capset.caps = bindService
	return e.image(t, "file", nil, slices.Concat([]file{capset, page}, busybox(t), accounts())...)
}

const only = "0000000000000400" // cap_net_bind_service

// As root or as a user, in every way that leaves it the capability, capset
// starts the server with that and nothing else, and the server is bound to
// port 80.
func TestServe(t *testing.T) {
	root := []string{"--user=app", "--keep=net_bind_service"}
	few := []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", "--cap-add=SETUID", "--cap-add=SETGID", "--cap-add=SETPCAP"}
	fewer := few[:4]
	one := []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", "--user=app"}
	noNew := "--security-opt=no-new-privileges"
	for _, test := range []struct {
		name    string
		only    *engine
		image   func(*engine, testing.TB) string
		options []string
		command []string
	}{
		{"default", nil, (*engine).appImage, nil, serve(root...)},
		{"few capabilities", nil, (*engine).appImage, few, serve(root...)},
		{"without setpcap", nil, (*engine).appImage, fewer, serve(root...)},
		{"no new privileges", nil, (*engine).appImage, []string{noNew}, serve(root...)},
		{"few, read-only, no new privileges", nil, (*engine).appImage, append([]string{"--read-only", noNew}, few...), serve(root...)},
		{"no seccomp", nil, (*engine).appImage, []string{"--security-opt=seccomp=unconfined"}, serve(root...)},
		{"locked", nil, (*engine).appImage, few, serve(append(root, "--lock")...)},
		{"Docker's words", nil, (*engine).appImage, nil, serve("--user=app", "--from=docker", "--cap-drop=all", "--cap-add=NET_BIND_SERVICE")},
		{"from scratch by entry point", nil, (*engine).bareImage, few, httpd},
		{"privileged", podman, (*engine).appImage, []string{"--privileged"}, serve(root...)},
		{"user namespace", podman, (*engine).appImage, []string{"--uidmap=0:100000:65536"}, serve(root...)},
		{"few in a user namespace", podman, (*engine).appImage, append([]string{"--uidmap=0:100000:65536"}, few...), serve(root...)},
		// Already a user: podman gives the capability as ambient.
		{"one capability as a user", podman, (*engine).appImage, one, serve("--keep=net_bind_service")},
		{"the same user again", podman, (*engine).appImage, one, serve("--user=app", "--groups=keep", "--keep=net_bind_service")},
		// From Docker it comes by the file.
		{"file", nil, (*engine).fileImage, one, serve("--keep=net_bind_service")},
		{"file as root", nil, (*engine).fileImage, few, serve(root...)},
		{"file, no new privileges", podman, (*engine).fileImage, append([]string{noNew}, one...), serve("--keep=net_bind_service")},
	} {
		eachEngine(t, func(t *testing.T, e *engine) {
			if test.only != nil && test.only != e {
				return
			}
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				c := e.start(t, test.options, test.image(e, t), test.command...)
				serves(t, c)
				s := c.status(t)
				for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
					if s[set] != only && !(set == "CapBnd" && test.name == "without setpcap") {
						t.Errorf("%s: %s, want %s", set, s[set], only)
					}
				}
				uid := "1000"
				if slices.Contains(test.options, "--uidmap=0:100000:65536") {
					uid = "101000"
				}
				if ids := s.Fields("Uid"); s["NoNewPrivs"] != "1" || s["Name"] != "busybox" ||
					slices.ContainsFunc(ids, func(id string) bool { return id != uid }) {
					t.Errorf("Uid %v, NoNewPrivs %s, Name %s", ids, s["NoNewPrivs"], s["Name"])
				}
			})
		})
	}
}

// serves gets the page from port 80 in the container's network namespace.
func serves(t testing.TB, c *container) {
	t.Helper()
	var got string
	var err error
	for range 400 {
		if got, err = get(c.pid); err == nil && strings.HasSuffix(got, "\nserved\n") {
			return
		}
		if _, gone := os.Stat("/proc/" + strconv.Itoa(c.pid)); gone != nil {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	out, errs := c.logs(t)
	t.Fatalf("%s: no page from port 80: %q, %v\n%s%s", c.engine.name, got, err, out, errs)
}

// get asks from within the network namespace of a process. The thread that is in
// it ends with the goroutine.
func get(pid int) (text string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		text, err = getHere(pid)
	}()
	<-done
	return text, err
}

func getHere(pid int) (string, error) {
	ns, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/net")
	if err != nil {
		return "", err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return "", err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

// TestRefusals: without the capability nothing is bound to port 80, so the test can fail;
// and where capset refuses, it starts nothing.
func TestRefusals(t *testing.T) {
	noNew := "--security-opt=no-new-privileges"
	one := []string{"--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE"}
	asUser := append([]string{"--user=app", noNew}, one...)
	touch := []string{"--", "/busybox", "echo", "started"}
	with := func(options ...string) []string { return slices.Concat([]string{"/capset"}, options, touch) }
	for _, test := range []struct {
		name    string
		only    *engine
		image   func(*engine, testing.TB) string
		options []string
		command []string
		code    int
		words   []string // of stderr
	}{
		{"no capability, no port", nil, (*engine).appImage, nil, serve("--user=app"), 1, []string{"ermission denied"}},
		{"not given to the container", nil, (*engine).appImage, []string{"--cap-drop=ALL"},
			with("--keep=net_bind_service"), 125, []string{"capset: ", "net_bind_service"}},
		{"sys_admin is not Docker's", nil, (*engine).appImage, nil, with("--user=app", "--keep=sys_admin"), 125, []string{"capset: ", "sys_admin"}},
		{"a user in Docker has nothing", docker, (*engine).appImage, asUser, with("--keep=net_bind_service"), 125, []string{"capset: ", "net_bind_service"}},
		// Docker's user has nothing before the execve, and under no_new_privs the
		// file adds nothing; Kubernetes differs, see TestKubernetes.
		{"file, no new privileges", docker, (*engine).fileImage, asUser, with("--keep=net_bind_service"), 125, []string{"capset: ", "net_bind_service"}},
		{"no right to change the user", nil, (*engine).appImage, one, with("--user=app"), 125, []string{"capset: "}},
		{"no right as a user", nil, (*engine).appImage, asUser, with("--user=root"), 125, []string{"capset: "}},
		{"no such user", nil, (*engine).appImage, nil, with("--user=nobody"), 125, []string{"capset: ", "nobody"}},
		{"no account file", nil, (*engine).bareAsIs, nil, with("--user=app"), 125, []string{"capset: ", "/etc/passwd"}},
		{"a number without a group", nil, (*engine).bareAsIs, nil, with("--user=1000"), 125, []string{"capset: ", "1000"}},
		{"no such command", nil, (*engine).appImage, nil, []string{"/capset", "--", "/none"}, 127, []string{"capset: ", "/none"}},
		{"not to be run", nil, (*engine).appImage, nil, []string{"/capset", "--", "/etc/passwd"}, 126, []string{"capset: ", "/etc/passwd"}},
		{"the command's own status", nil, (*engine).appImage, nil, []string{"/capset", "--", "/bin/sh", "-c", "exit 7"}, 7, nil},
	} {
		eachEngine(t, func(t *testing.T, e *engine) {
			if test.only != nil && test.only != e {
				return
			}
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				r := e.run(t, test.options, test.image(e, t), test.command...)
				if r.Code != test.code {
					t.Errorf("exit status %d, want %d", r.Code, test.code)
				}
				if r.Out != "" {
					t.Errorf("something was started: %q", r.Out)
				}
				for _, word := range test.words {
					if !strings.Contains(r.Err, word) {
						t.Errorf("stderr lacks %q", word)
					}
				}
				if t.Failed() {
					t.Logf("%+v", r)
				}
			})
		})
	}
}

// bareAsIs is like bareImage, without an entry point.
func (e *engine) bareAsIs(t testing.TB) string {
	return e.image(t, "bare-as-is", nil, program(t, "capset"), busybox(t)[0])
}

// With all that the engine gives and nothing asked for, the command has no
// capability, and uid 0 does not bring it one back. The bounding set stays where
// there is no right to shrink it: capset says so, and with no_new_privs nothing
// comes from there.
func TestNothingIsKept(t *testing.T) {
	eachWay(t, func(t *testing.T, e *engine, w setting) {
		script := "/busybox cat /proc/self/status"
		before := testenv.SplitStatus(e.run(t, w.options, e.appImage(t), "/bin/sh", "-c", script).Out)
		r := e.run(t, w.options, e.appImage(t), "/capset", "--verbose", "--", "/bin/sh", "-c", script)
		s := testenv.SplitStatus(r.Out)
		const none = "0000000000000000"
		bounding := none
		if mayNot(before) {
			bounding = before["CapBnd"]
			if !strings.Contains(r.Err, "capset: note: the bounding set still has ") {
				t.Errorf("no word of the bounding set: %q", r.Err)
			}
		}
		if s["CapBnd"] != bounding {
			t.Errorf("CapBnd: %s, want %s", s["CapBnd"], bounding)
		}
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
			if s[set] != none {
				t.Errorf("%s: %s", set, s[set])
			}
		}
		if s["NoNewPrivs"] != "1" || s["Uid"] != before["Uid"] || s["Gid"] != before["Gid"] || s["Groups"] != before["Groups"] || r.Code != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// mayNot reports a bounding set that isn't empty and no right to shrink it.
func mayNot(s testenv.Status) bool {
	const setpcap = 8
	effective, _ := strconv.ParseUint(s["CapEff"], 16, 64)
	bounding, _ := strconv.ParseUint(s["CapBnd"], 16, 64)
	return bounding != 0 && effective>>setpcap&1 == 0
}

// The command is PID 1 in capset's place: it gets the engine's SIGTERM, and its
// status is the container's.
func TestTerminate(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		script := `trap 'exit 143' TERM; echo "PID $$"; echo ready; while :; do /busybox sleep 1000 & wait; done`
		c := e.start(t, nil, e.appImage(t), "/capset", "--user=app", "--", "/bin/sh", "-c", script)
		if out := c.waitFor(t, "ready"); out != "PID 1\n" {
			t.Errorf("%q", out)
		}
		c.do(t, "stop", "--time=60", c.name) // killed after that: 137
		if state := c.inspect(t).State; state.Running || state.ExitCode != 143 {
			t.Errorf("%+v", state)
		}
	})
}
