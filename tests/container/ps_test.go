package container

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// Inside a cgroup namespace of its own, where the paths of cgroups show nothing, ps
// still says whose container its processes are in.
func TestPsInside(t *testing.T) {
	testenv.Root(t)
	podman.need(t)
	image := podman.image(t, "ps", nil, slices.Concat([]file{program(t, "capsh")}, busybox(t))...)
	r := podman.run(t, []string{"--cgroupns=private"}, image, "/capsh", "ps", "--container=podman", "--json")
	var p struct {
		PID       int
		Contained *bool
		Container *struct{ Runtime, ID string }
	}
	if err := json.Unmarshal([]byte(r.Out), &p); err != nil || r.Code != 0 {
		t.Fatalf("%v: %+v", err, r)
	}
	if p.PID != 1 || p.Contained == nil || !*p.Contained || p.Container == nil || p.Container.Runtime != "podman" || len(p.Container.ID) != 64 {
		t.Errorf("%s", r.Out)
	}
	// A container that exists is not taken for one that does not.
	for option, want := range map[string]string{
		"podman":  "capsh: ps: no process in container podman has cap_sys_admin\n",
		"podmann": "capsh: ps: no process is in a container podmann\n",
	} {
		r := podman.run(t, []string{"--cgroupns=private"}, image, "/capsh", "ps", "--cap=sys_admin", "--container="+option)
		if message, _, _ := strings.Cut(r.Err, "  "); r.Code != 1 || message != want {
			t.Errorf("%s: %+v", option, r)
		}
	}
}
