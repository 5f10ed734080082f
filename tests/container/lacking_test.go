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
