package container

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

const manual = "../../man/capset.1"

// asks is what the program behind the examples asks of itself: capsh stands for
// it.
var asks = []string{"--is-uid=1000", "--has-a=cap_net_bind_service", "--has-p=cap_net_bind_service", "--has-no-new-privs"}

// app is a program that is called so.
func app(t testing.TB) file {
	f := program(t, "capsh")
	f.name = "app"
	return f
}

// TestManualDockerfile runs an image as the Dockerfile of the manual has it.
func TestManualDockerfile(t *testing.T) {
	var changes []string
	for line := range strings.Lines(strings.ReplaceAll(testenv.ManualBlock(t, manual, "FROM scratch"), "\\\n", "")) {
		if strings.HasPrefix(line, "ENTRYPOINT") {
			changes = append(changes, strings.TrimSpace(line))
		}
	}
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "manual", changes, program(t, "capset"), app(t))
		if r := e.run(t, nil, image, asks...); r.Code != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestReadmeEntrypoints runs each entrypoint of the README with the options of docker run
// below it.
func TestReadmeEntrypoints(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	must(t, err)
	wants := [][]string{
		{"--is-uid=1000", "--has-a=cap_ipc_lock", "--has-p=cap_ipc_lock", "--dropped=cap_chown", "--has-no-new-privs"},
		{"--is-uid=1000", "--has-a=cap_ipc_lock", "--has-p=cap_ipc_lock", "--has-no-new-privs"},
	}
	parts := strings.Split(strings.ReplaceAll(string(text), "\\\n", ""), "\nENTRYPOINT ")[1:]
	if len(parts) != len(wants) {
		t.Fatalf("%d entrypoints", len(parts))
	}
	eachEngine(t, func(t *testing.T, e *engine) {
		for i, part := range parts {
			entrypoint, rest, _ := strings.Cut(part, "\n")
			_, rest, _ = strings.Cut(rest, "\ndocker run ")
			options, _, _ := strings.Cut(rest, " app\n")
			image := e.image(t, fmt.Sprint("readme", i), []string{"ENTRYPOINT " + entrypoint}, program(t, "capset"), app(t))
			if r := e.run(t, strings.Fields(options), image, wants[i]...); r.Code != 0 {
				t.Errorf("%s, %s: %+v", entrypoint, options, r)
			}
		}
	})
}

// TestManualKubernetes runs the command of the manual's pod as Kubernetes would.
func TestManualKubernetes(t *testing.T) {
	testenv.Root(t)
	_, after, _ := strings.Cut(testenv.ManualBlock(t, manual, "kind: Pod"), "command: ")
	list, _, _ := strings.Cut(after, "\n")
	var command []string
	must(t, json.Unmarshal([]byte(list), &command))
	if r := runOnce(t, testenv.Tool(t, "runc"), true, slices.Concat(command, asks)); r.Code != 0 {
		t.Errorf("%v: %+v", command, r)
	}
}

// TestManualMovers: what the manual has beside the options of docker run gives the
// same, in a container of the engine's default options. Of podman the set to start
// from is its own.
func TestManualMovers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		base := map[bool]string{true: "--from=docker", false: "--from=podman"}[e == docker]
		image := e.image(t, "movers", nil, append(append(busybox(t), accounts()...), program(t, "capset"))...)
		for _, row := range []struct{ theirs, ours, shows string }{
			{"--cap-add=SYS_TIME --cap-drop=CHOWN", base + " --cap-add=SYS_TIME --cap-drop=CHOWN", "grep Cap[PEB] /proc/self/status"},
			{"--user=app --group-add=7", "--user=app --groups=init,+7", "id"},
			{"--user=app:9 --workdir=/etc", "--user=app:9 --chdir=/etc", "sh -c id;pwd"},
			{"--user=1234", "--user=1234:0", "id"},
			{"--ulimit=nofile=64:128", "--rlimit=nofile=64:128", "grep files /proc/self/limits"},
			{"--security-opt=no-new-privileges", "", "grep NoNewPrivs /proc/self/status"},
		} {
			show := append([]string{"/busybox"}, strings.SplitN(row.shows, " ", 3)...)
			with := append([]string{"--cap-add=SYS_TIME"}, strings.Fields(row.theirs)...)
			want := e.run(t, with, image, show...)
			launch := append(append([]string{"/capset", "-q"}, strings.Fields(row.ours)...), "--")
			got := e.run(t, []string{"--cap-add=SYS_TIME"}, image, append(launch, show...)...)
			if want.Code != 0 || got.Code != 0 || got.Out != want.Out {
				t.Errorf("docker run %s: %+v\ncapset %s: %+v", row.theirs, want, row.ours, got)
			}
		}
	})
}

// TestManualEntrypoint runs the entrypoint script of the manual, which is the README's:
// as root it gives the volume to the user, and another user stays.
func TestManualEntrypoint(t *testing.T) {
	text := testenv.ManualBlock(t, manual, "#!/bin/sh -e")
	if readme, err := os.ReadFile("../../README.md"); err != nil || !strings.Contains(string(readme), "```sh\n"+text+"```") {
		t.Errorf("the README has another script, or none (%v)", err)
	}
	script := file{name: "entrypoint", data: []byte(text)}
	files := append(append(busybox(t), accounts()...), script)
	for _, name := range []string{"id", "chown", "ls"} {
		files = append(files, file{name: "bin/" + name, link: "busybox"})
	}
	capset := program(t, "capset")
	capset.name = "bin/capset"
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "entrypoint", nil, append(files, capset)...)
		for _, row := range []struct{ user, ids, owner string }{
			{"root", "1000:1001", "1000 1001"},
			{"1234:0", "1234:0", "0 0"},
		} {
			options := []string{"--user=" + row.user, "--tmpfs=/data", "--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=SETUID", "--cap-add=SETGID"}
			r := e.run(t, options, image, "/entrypoint", "sh", "-c", "echo $(id -u):$(id -g); ls -ldn /data")
			ids, listed, _ := strings.Cut(r.Out, "\n")
			if fields := strings.Fields(listed); r.Code != 0 || ids != row.ids || len(fields) < 4 || strings.Join(fields[2:4], " ") != row.owner {
				t.Errorf("%s: %+v", row.user, r)
			}
		}
	})
}

// TestManualContainer: the test of a container from the host passes for one without the
// capability alone, and not for one that does not exist.
func TestManualContainer(t *testing.T) {
	test := testenv.ManualBlock(t, "../../man/capsh.1", "pids=$(capsh ps")
	test = strings.ReplaceAll(test, "capsh ", testenv.Build(t, "capsh")+" ")
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "checked", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
		sleep := []string{"/busybox", "sleep", "1000"}
		for container, status := range map[string]int{
			e.start(t, nil, image, sleep...).id(t):                             0,
			e.start(t, []string{"--cap-add=SYS_ADMIN"}, image, sleep...).id(t): 1,
			"no-such": 1,
		} {
			if r := testenv.Run(t, exec.Command("sh", "-c", strings.ReplaceAll(test, "=web", "="+container))); r.Code != status {
				t.Errorf("%s: %+v", container, r)
			}
		}
	})
}
