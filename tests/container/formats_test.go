package container

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// asked is what capsh show --format=docker says for root or for user 1000.
func asked(t *testing.T, user bool, need string) (options []string, warning string) {
	t.Helper()
	words := []string{testenv.Build(t, "capsh"), "show", "--format=docker", "--need=" + need}
	if user {
		words = append([]string{testenv.Tool(t, "setpriv"), "--reuid=1000", "--regid=1001", "--groups=7"}, words...)
	}
	r := testenv.Run(t, exec.Command(words[0], words[1:]...))
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	return strings.Fields(r.Out), r.Err
}

// A container with the options that capsh gives for Docker holds exactly what
// was asked for, or, where that cannot be, what the warning says.
func TestFormatDocker(t *testing.T) {
	testenv.Root(t)
	const two, none = "0000000000000420", "0000000000000000" // kill, net_bind_service
	status := []string{"/busybox", "cat", "/proc/self/status"}
	eachEngine(t, func(t *testing.T, e *engine) {
		for _, test := range []struct {
			name, need          string
			user                bool
			bounding, effective string
		}{
			{"root", "kill,net_bind_service", false, two, two},
			{"nothing", "none", false, none, none},
			{"a user", "kill,net_bind_service", true, two, map[*engine]string{docker: none, podman: two}[e]},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				options, warning := asked(t, test.user, test.need)
				s := testenv.SplitStatus(e.run(t, options, e.appImage(t), status...).Out)
				if s["CapBnd"] != test.bounding || s["CapEff"] != test.effective || s["CapPrm"] != test.effective || s["NoNewPrivs"] != "1" {
					t.Errorf("%q: %v", options, s)
				}
				if test.user != (warning != "") {
					t.Errorf("warning %q", warning)
				}
				if test.user && (s.Fields("Uid")[0] != "1000" || s.Fields("Gid")[0] != "1001" || !slices.Contains(s.Fields("Groups"), "7")) {
					t.Errorf("%v", s)
				}
			})
		}
	})
}

// What the warning says to do instead does it.
func TestFormatDockerInstead(t *testing.T) {
	testenv.Root(t)
	options, warning := asked(t, true, "kill,net_bind_service")
	before, command, ok := strings.Cut(strings.TrimSpace(warning), " and begin the command with: capset ")
	_, add, added := strings.Cut(before, "instead leave out --user, add ")
	if !ok || !added {
		t.Fatalf("%q", warning)
	}
	options = slices.DeleteFunc(options, func(o string) bool { return strings.HasPrefix(o, "--user=") })
	for _, name := range strings.Fields(strings.ReplaceAll(strings.ReplaceAll(add, " and ", " "), ",", " ")) {
		options = append(options, "--cap-add="+name)
	}
	words := strings.Fields(strings.TrimSuffix(command, "COMMAND"))
	eachEngine(t, func(t *testing.T, e *engine) {
		r := e.run(t, options, e.appImage(t), slices.Concat([]string{"/capset"}, words, []string{"/busybox", "cat", "/proc/self/status"})...)
		s := testenv.SplitStatus(r.Out)
		for _, set := range []string{"CapBnd", "CapPrm", "CapEff", "CapAmb"} {
			if s[set] != "0000000000000420" {
				t.Errorf("%s: %q; %+v", set, s[set], r)
			}
		}
		if s["Uid"] != "1000\t1000\t1000\t1000" || s["NoNewPrivs"] != "1" {
			t.Errorf("%+v", r)
		}
	})
}
