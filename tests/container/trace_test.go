package container

import (
	"fmt"
	"strings"
	"testing"

	"capsh/internal/linux/watch"
	"capsh/internal/testenv"
)

// TestTrace: in which containers capsh trace works, and what it says in the others. The
// file belongs to another user, so that chown needs its capability.
func TestTrace(t *testing.T) {
	testenv.Root(t)
	w, err := watch.Start(watch.Target{Threads: []int{0}, FromExec: true}, nil)
	testenv.Need(t, "a kernel that can be watched", err == nil, fmt.Sprint(err))
	_, _ = w.Stop()
	const noAdmin = "capsh: trace: fsopen tracefs: operation not permitted (needs CAP_SYS_ADMIN)\n"
	cases := []struct {
		name    string
		options []string
		only    *engine
		code    int
		out     string // a part of it
		err     string // all of it
	}{
		{"default", nil, nil, 125, "", noAdmin},
		// Docker 20.10 has no name for it.
		{"perfmon", []string{"--cap-add=PERFMON"}, podman, 125, "", noAdmin},
		{"perfmon, no seccomp", []string{"--cap-add=PERFMON", "--security-opt=seccomp=unconfined"}, podman, 125, "", noAdmin},
		{"sys_admin", []string{"--cap-add=SYS_ADMIN"}, nil, 0, "the kernel hides its symbols (needs CAP_SYSLOG", ""},
		{"sys_admin and syslog", []string{"--cap-add=SYS_ADMIN", "--cap-add=SYSLOG"}, nil, 0, "(setattr_prepare)", ""},
		{"sys_admin, no seccomp", []string{"--cap-add=SYS_ADMIN", "--cap-add=SYSLOG", "--security-opt=seccomp=unconfined"}, nil, 0, "(setattr_prepare)", ""},
		{"privileged", []string{"--privileged"}, nil, 0, "(setattr_prepare)", ""},
		{"user namespace", []string{"--privileged", "--uidmap=0:100000:65536"}, podman, 125, "",
			"capsh: trace: fsconfig tracefs: operation not permitted (needs CAP_SYS_ADMIN in the initial user namespace)\n"},
	}
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "trace", nil, append(busybox(t), program(t, "capsh"), file{name: "bin/chown", link: "busybox"})...)
		for _, c := range cases {
			if c.only != nil && c.only != e {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				if c.name == "privileged" && e == docker {
					allNeeded(t)
				}
				r := e.run(t, c.options, image, "/capsh", "trace", "--", "/bin/chown", "12:34", "/www")
				if r.Code != c.code || r.Err != c.err || !strings.Contains(r.Out, c.out) {
					t.Errorf("status %d, stderr %q, stdout\n%s", r.Code, r.Err, r.Out)
				}
				if c.code == 0 && (!strings.Contains(r.Out, "cap_chown") || strings.Contains(r.Out, "cap_sys_admin")) {
					t.Errorf("not the need alone:\n%s", r.Out)
				}
			})
		}
	})
}
