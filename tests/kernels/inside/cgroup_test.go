//go:build guest

package inside

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// dockers are Docker's default capabilities, with which nodes of devices are made.
var dockers = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// unknownRules is what is known of the device cgroup of version 2 without trying.
const unknownRules = "it is unknown whether the device cgroup permits disks"

// escapes has both reports, and then tries to read the first disk by a node of its own:
// as it is, and after a move to the root of the hierarchy that /cg shows.
const escapes = `
PATH=/bin
capsh assess --json
capsh assess --json --probe
number=$(busybox awk '$4 == "vda" { print $1, $2 }' /proc/partitions)
disk() { busybox mknod /$1 b $number && busybox head -c 1 /$1 >/out && echo "$1"; }
disk stay
echo $$ >/cg/cgroup.procs && disk moved
busybox test -e /cg/release_agent && echo agent
echo end`

// cgroup2 are containers with cgroups of version 2 alone, and what they can do.
var cgroup2 = []struct {
	name string
	// delegate is the option nsdelegate, as systemd mounts the hierarchy.
	delegate bool
	change   func(config map[string]any)
	more     []string // capabilities beside Docker's
	// can is what the script has to say.
	can string
	// assess and probe are the starts of the evidence of device-cgroup.
	assess, probe string
	severities    map[string]string // of assess
}{
	{name: "closed", can: "", assess: unknownRules, probe: "a node of a disk of the host could not be opened"},
	{name: "open", change: openDevices, can: "stay", assess: unknownRules, probe: "a node of a disk of the host was made and opened"},
	{name: "host's cgroups", change: hostCgroups, can: "moved",
		assess: "the process can move itself out of its device cgroup", probe: "the process can move itself out of its device cgroup",
		severities: map[string]string{"cgroupfs": "critical", "device-cgroup": "critical"}},
	{name: "host's cgroups, delegated", delegate: true, change: hostCgroups, can: "",
		assess: unknownRules, probe: "a node of a disk of the host could not be opened", severities: map[string]string{"cgroupfs": "medium"}},
	{name: "host's cgroups and namespace, delegated", delegate: true, change: hostNamespace, can: "moved",
		assess: "the process can move itself out of its device cgroup", probe: "the process can move itself out of its device cgroup",
		severities: map[string]string{"cgroupfs": "critical", "device-cgroup": "critical"}},
	{name: "own cgroups, with sys_admin", change: ownCgroups, more: []string{"CAP_SYS_ADMIN"}, can: "", assess: unknownRules,
		probe: "a node of a disk of the host could not be opened", severities: map[string]string{"cgroupfs": "medium"}},
}

func openDevices(config map[string]any) {
	config["linux"].(map[string]any)["resources"] = map[string]any{"devices": []any{map[string]any{"allow": true, "access": "rwm"}}}
}

func bind(config map[string]any, m map[string]any) {
	config["mounts"] = append(config["mounts"].([]any), m)
}

func hostCgroups(config map[string]any) {
	bind(config, map[string]any{"destination": "/cg", "source": "/sys/fs/cgroup", "type": "bind", "options": []string{"rbind", "rw"}})
}

func hostNamespace(config map[string]any) {
	hostCgroups(config)
	linux := config["linux"].(map[string]any)
	linux["namespaces"] = slices.DeleteFunc(linux["namespaces"].([]any), func(n any) bool { return n.(map[string]any)["type"] == "cgroup" })
}

func ownCgroups(config map[string]any) {
	bind(config, map[string]any{"destination": "/cg", "source": "cgroup", "type": "cgroup", "options": []string{"rw"}})
}

// TestCgroup2: what assess says of cgroups of version 2 alone is what can be done, and
// --probe finds out what cannot be read.
func TestCgroup2(t *testing.T) {
	if list, err := os.ReadFile("/proc/self/cgroup"); err != nil || strings.Count(string(list), "\n") != 1 {
		t.Fatalf("cgroups of version 1: %s, %v", list, err)
	}
	for _, c := range cgroup2 {
		t.Run(c.name, func(t *testing.T) {
			option := "remount"
			if c.delegate {
				option += ",nsdelegate"
			}
			must(t, exec.Command("mount", "-o", option, "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup").Run())
			got := container{name: "cgroup2", change: c.change}.run(t, slices.Concat(dockers, c.more), "/bin/busybox", "sh", "-c", escapes)
			reports := json.NewDecoder(strings.NewReader(got.Out))
			for _, want := range []string{c.assess, c.probe} {
				var a assessed
				if err := reports.Decode(&a); err != nil {
					t.Fatalf("status %d, %q, %q: %v", got.Code, got.Out, got.Err, err)
				}
				severities := map[string]string{}
				for _, f := range a.Findings {
					severities[f.ID] = f.Severity
					if f.ID == "device-cgroup" && !strings.HasPrefix(f.Evidence, want) {
						t.Errorf("device-cgroup: %s, %q, want %q", f.Severity, f.Evidence, want)
					}
				}
				for id, want := range c.severities {
					if severities[id] != want {
						t.Errorf("%s: %s, want %s", id, severities[id], want)
					}
				}
				if want == c.probe && (severities["device-cgroup"] == "critical") != (c.can != "") {
					t.Errorf("it can %q, but device-cgroup is %s", c.can, severities["device-cgroup"])
				}
			}
			if can, ok := strings.CutSuffix(got.Out[reports.InputOffset():], "end\n"); !ok || strings.TrimSpace(can) != c.can {
				t.Errorf("it can %q, want %q: status %d, %s", can, c.can, got.Code, got.Err)
			}
		})
	}
}
