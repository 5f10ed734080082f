//go:build guest

package inside

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/testenv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// container is what makes one: a bundle for runc. The default one is what "runc
// spec" writes, the privileged one lacks what docker run --privileged lacks.
type container struct {
	name       string
	privileged bool
	change     func(config map[string]any)
}

// must fails the test.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bundle makes a root directory with busybox and ours, and the configuration with
// the given capabilities.
func (c container) bundle(t *testing.T, has []string, argv ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{
		"busybox": testenv.Tool(t, "busybox"), "capsh": testenv.Build(t, "capsh"), "capset": testenv.Build(t, "capset"),
	} {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.MkdirAll(filepath.Join(dir, "rootfs/bin"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "rootfs/bin", name), text, 0o755))
	}
	if got := testenv.Run(t, exec.Command(testenv.Tool(t, "runc"), "spec", "--bundle", dir)); got.Code != 0 {
		t.Fatalf("runc spec: %s", got.Err)
	}
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	must(t, err)
	var config map[string]any
	must(t, json.Unmarshal(text, &config))
	process, linux := config["process"].(map[string]any), config["linux"].(map[string]any)
	process["args"], process["terminal"] = argv, false
	process["capabilities"] = map[string][]string{"bounding": has, "effective": has, "permitted": has}
	delete(process, "rlimits")
	config["root"] = map[string]any{"path": "rootfs", "readonly": false}
	if c.privileged {
		process["noNewPrivileges"] = false
		delete(linux, "maskedPaths")
		delete(linux, "readonlyPaths")
		linux["resources"] = map[string]any{"devices": []any{map[string]any{"allow": true, "access": "rwm"}}}
		for _, m := range config["mounts"].([]any) { // sysfs and cgroup are read-only in the default
			mount := m.(map[string]any)
			if options, ok := mount["options"].([]any); ok {
				mount["options"] = slices.DeleteFunc(options, func(o any) bool { return o == "ro" })
			}
		}
	}
	if c.change != nil {
		c.change(config)
	}
	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o644))
	return dir
}

// run runs the bundle to its end.
func (c container) run(t *testing.T, has []string, argv ...string) testenv.Result {
	t.Helper()
	return testenv.Run(t, exec.Command("runc", "run", "--bundle", c.bundle(t, has, argv...), "capsh-"+c.name))
}

// assessed is what is read here of a report of capsh assess.
type assessed struct {
	Verdict   string
	Contained *bool
	Reach     []string
	Findings  []struct{ ID, Severity, Evidence string }
}

// TestContainers: a container with all of the kernel's capabilities is shown and
// judged as what it is, and what is said to be writable can be written.
func TestContainers(t *testing.T) {
	last, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(last)))
	must(t, err)
	var all []string
	for i := range n + 1 {
		all = append(all, strings.ToUpper(caps.Cap(i).String()))
	}
	if len(all) < 41 {
		t.Fatalf("%d capabilities", len(all))
	}
	for _, c := range []container{{name: "default"}, {name: "privileged", privileged: true}} {
		t.Run(c.name, func(t *testing.T) {
			shown := c.run(t, all, "/bin/capsh", "show", "--json")
			if shown.Code != 0 {
				t.Fatalf("runc: status %d, %s", shown.Code, shown.Err)
			}
			report := testenv.ParseReport(t, []byte(shown.Out))
			for name, set := range map[string][]string{
				"bounding": report.Capabilities.Bounding, "effective": report.Capabilities.Effective, "permitted": report.Capabilities.Permitted,
			} {
				if !slices.Equal(set, all) {
					t.Errorf("%s: %v", name, set)
				}
			}
			var a assessed
			must(t, json.Unmarshal([]byte(c.run(t, all, "/bin/capsh", "assess", "--json").Out), &a))
			found, writable := map[string]string{}, map[string]bool{}
			for _, f := range a.Findings {
				found[f.ID], writable[f.ID] = f.Severity, strings.HasPrefix(f.Evidence, "writable: ")
				t.Logf("%s: %s: %s", f.ID, f.Severity, f.Evidence)
			}
			t.Logf("verdict %s", a.Verdict)
			if a.Contained == nil || !*a.Contained || found["capabilities"] != "critical" {
				t.Errorf("contained %v, %v", a.Contained, found)
			}
			if a.Verdict != "privileged" { // with all capabilities and no filter, the masks alone make no difference
				t.Errorf("the verdict is %s", a.Verdict)
			}
			c.tryEvidence(t, all, writable)
		})
	}
}

// tryEvidence writes the setting of the kernel that is said to be writable, with
// what it holds, or fails to where it is said not to be.
func (c container) tryEvidence(t *testing.T, all []string, writable map[string]bool) {
	for id, file := range map[string]string{"proc-sys": "/proc/sys/kernel/panic", "sysfs": "/sys/kernel/mm/ksm/run"} {
		if _, err := os.Stat(file); err != nil {
			t.Logf("%s: %v", id, err)
			continue
		}
		const script = `value=$(/bin/busybox cat "$0") && echo "$value" >"$0"`
		got := c.run(t, all, "/bin/busybox", "sh", "-c", script, file)
		if (got.Code == 0) != writable[id] {
			t.Errorf("%s: writable is %t, but writing %s ended with %d, %s", id, writable[id], file, got.Code, got.Err)
		}
	}
}
