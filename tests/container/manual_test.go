package container

import (
	"encoding/json"
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
