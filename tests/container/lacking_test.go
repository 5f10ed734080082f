package container

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestLacking: whatever a container lacks of what a launch takes, one message names
// all of it, and with what it printed the launch succeeds. That each of it is needed
// shows where it alone is left out.
func TestLacking(t *testing.T) {
	takes := []string{"SETGID", "SETUID", "SYS_CHROOT", "NET_BIND_SERVICE"}
	launch := []string{"/capset", "--chroot=/", "--user=app", "--keep=net_bind_service", "--", "/busybox", "echo", "started"}
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.appImage(t)
		for without := range 1 << len(takes) {
			given, lacks := []string{"--cap-drop=ALL"}, []string{}
			for i, name := range takes {
				if without>>i&1 == 0 {
					given = append(given, "--cap-add="+name)
				} else {
					lacks = append(lacks, "--cap-add="+name)
				}
			}
			t.Run(strings.Join(lacks, " "), func(t *testing.T) {
				t.Parallel()
				r := e.run(t, given, image, launch...)
				if len(lacks) == 0 {
					started(t, r)
					return
				}
				printed := pasted(r.Err)
				if r.Code != 125 || r.Out != "" || !sameWords(printed, lacks) {
					t.Fatalf("printed %q, want %q: %+v", printed, lacks, r)
				}
				started(t, e.run(t, append(given, printed...), image, launch...))
			})
		}
	})
}

// TestLackingAsUser: of a container that starts as another user, too.
func TestLackingAsUser(t *testing.T) {
	launch := []string{"/capset", "--keep=net_bind_service", "--", "/busybox", "echo", "started"}
	options := []string{"--user=app", "--cap-drop=ALL"}
	eachEngine(t, func(t *testing.T, e *engine) {
		r := e.run(t, options, e.appImage(t), launch...)
		printed := pasted(r.Err)
		if r.Code != 125 || !slices.Equal(printed, []string{"--cap-add=NET_BIND_SERVICE"}) {
			t.Fatalf("printed %q: %+v", printed, r)
		}
		image := e.appImage(t)
		if e == docker { // where it comes by the file
			const file = "setcap cap_net_bind_service=p capset"
			again := e.run(t, append(options, printed...), image, launch...)
			if again.Code != 125 || !strings.Contains(r.Err, file) || !strings.Contains(again.Err, file) || pasted(again.Err) != nil {
				t.Fatalf("%+v\n%+v", r, again)
			}
			image = e.fileImage(t)
		}
		if got := e.run(t, options, image, launch...); got.Code != 125 {
			t.Errorf("without what was printed: %+v", got)
		}
		started(t, e.run(t, append(options, printed...), image, launch...))
	})
}

// TestLackingInBounding: podman makes ambient only what was added by name, so what its
// default bounding set has is printed too.
func TestLackingInBounding(t *testing.T) {
	podman.need(t)
	options, launch := []string{"--user=app"}, []string{"/capset", "--keep=net_bind_service", "--", "/busybox", "echo", "started"}
	image := podman.appImage(t)
	r := podman.run(t, options, image, launch...)
	printed := pasted(r.Err)
	if r.Code != 125 || !slices.Equal(printed, []string{"--cap-add=NET_BIND_SERVICE"}) || strings.Contains(r.Err, "setcap") {
		t.Fatalf("printed %q: %+v", printed, r)
	}
	started(t, podman.run(t, append(options, printed...), image, launch...))
}

// TestLackingByUser: a container started as the user that was asked for needs nothing.
func TestLackingByUser(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		r := e.run(t, []string{"--cap-drop=ALL"}, e.appImage(t), "/capset", "--user=app", "--", "/busybox", "echo", "started")
		_, line, _ := strings.Cut(r.Err, "without --user:\n  "+e.name+" run ")
		line, _, _ = strings.Cut(line, "\n")
		if r.Code != 125 || line != "--user=1000:1001 --group-add=1002" {
			t.Fatalf("%q: %+v", line, r)
		}
		options := append([]string{"--cap-drop=ALL"}, strings.Fields(line)...)
		started(t, e.run(t, options, e.appImage(t), "/capset", "--", "/busybox", "echo", "started"))
	})
}

// pasted are the options of the line for docker or podman run.
func pasted(message string) []string {
	for line := range strings.Lines(message) {
		words := strings.Fields(line)
		if len(words) > 2 && (words[0] == "docker" || words[0] == "podman") && words[1] == "run" {
			return words[2:]
		}
	}
	return nil
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func started(t testing.TB, r testenv.Result) {
	t.Helper()
	if r.Code != 0 || r.Out != "started\n" {
		t.Errorf("%+v", r)
	}
}

// TestOwnStdio: after a change of user the command can open its standard output
// where --own-stdio gave it: a pipe of the engine and a terminal of the container.
func TestOwnStdio(t *testing.T) {
	command := []string{"--user=app", "--own-stdio", "--", "/bin/sh", "-c", "echo started >/dev/stdout"}
	few := []string{"--cap-drop=ALL", "--cap-add=SETUID", "--cap-add=SETGID"}
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.appImage(t)
		r := e.run(t, few, image, append([]string{"/capset"}, command...)...)
		if r.Code != 125 || !slices.Equal(pasted(r.Err), []string{"--cap-add=CHOWN"}) {
			t.Errorf("without CAP_CHOWN: %+v", r)
		}
		for _, terminal := range []string{"--tty=false", "--tty=true"} {
			options := append([]string{terminal}, few...)
			if r := e.run(t, options, image, slices.Concat([]string{"/capset"}, command[:1], command[2:])...); r.Code == 0 {
				t.Errorf("%s: without --own-stdio: %+v", terminal, r)
			}
			r := e.run(t, append(options, "--cap-add=CHOWN"), image, append([]string{"/capset"}, command...)...)
			if r.Code != 0 || strings.TrimSpace(r.Out) != "started" {
				t.Errorf("%s: %+v", terminal, r)
			}
		}
	})
}

// TestIfRoot: one command line serves containers of root, of another user and of one
// that no one knows, as OpenShift has it.
func TestIfRoot(t *testing.T) {
	command := []string{"/capset", "--if-root", "--user=app", "--own-stdio", "--", "/bin/sh", "-c", "echo started >/dev/stdout; /busybox id -u"}
	eachEngine(t, func(t *testing.T, e *engine) {
		for options, uid := range map[string]string{"--user=0": "1000", "--user=app": "1000", "--user=1234567:0": "1234567"} {
			r := e.run(t, []string{options}, e.appImage(t), command...)
			if r.Code != 0 || r.Err != "" || r.Out != "started\n"+uid+"\n" {
				t.Errorf("%s: %+v", options, r)
			}
		}
	})
}
