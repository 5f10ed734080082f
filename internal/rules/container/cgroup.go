// Package container says how tightly a container holds its processes: what the
// machine shows of one becomes findings, and these a verdict. It is pure; linux/sandbox
// reads what it judges.
package container

import (
	"strings"

	"capsh/internal/rules/catalog"
)

// Container is what a cgroup's path tells of the container that made it.
type Container struct {
	// Runtime is who made it: one of the Runtime constants.
	Runtime string
	// ID is the whole id, or the name that LXC and systemd-nspawn know the
	// container by: any bytes but a newline and a slash. It is empty where only
	// the pod is known.
	ID string
	// PodUID is the uid of the Kubernetes pod, with dashes; empty for none.
	PodUID string
	// Name is what its runtime calls it, by the runtime's own files; empty where that is
	// unknown. No cgroup shows it.
	Name string
}

// Unknown is the runtime of a container that has an id as OCI runtimes make them,
// and nothing that names the runtime.
const Unknown = "unknown"

// Short is the id as people use it: the first 12 digits of a long one.
func (c Container) Short() string {
	if isID(c.ID) {
		return c.ID[:12]
	}
	return c.ID
}

// FromCgroup looks for a container in the text of /proc/PID/cgroup
// (cgroups(7)); false where no line has one's shape, as in a cgroup namespace
// of its own. Of containers inside each other it is the innermost.
func FromCgroup(text string) (Container, bool) {
	for line := range strings.SplitSeq(text, "\n") {
		// hierarchy-ID:controller-list:cgroup-path; the path may have colons.
		if _, rest, ok := strings.Cut(line, ":"); ok {
			if _, path, ok := strings.Cut(rest, ":"); ok {
				if c, ok := fromPath(path); ok {
					return c, true
				}
			}
		}
	}
	return Container{}, false
}

// fromPath looks at one cgroup's path, from the outermost part inwards.
func fromPath(path string) (found Container, ok bool) {
	parts := strings.Split(path, "/")
	pod := ""
	for i, part := range parts {
		if uid := podUID(part); uid != "" {
			pod = uid
			found, ok = Container{Runtime: catalog.Kubernetes, PodUID: pod}, true
			continue
		}
		parent := ""
		if i > 0 {
			parent = parts[i-1]
		}
		if c, is := fromPart(parent, part); is {
			if c.Runtime == Unknown && pod != "" {
				c.Runtime = catalog.Kubernetes
			}
			if c.PodUID == "" {
				c.PodUID = pod
			}
			found, ok = c, true
		}
	}
	return found, ok
}

// fromPart looks at one part of a path and the one before it.
func fromPart(parent, part string) (Container, bool) {
	// A systemd driver's scope, and its form where cgroupfs got it:
	// kubepods-pod1.slice:cri-containerd:ID.
	if scope, ok := strings.CutSuffix(part, ".scope"); ok {
		return fromScope(scope)
	}
	if slice, rest, ok := strings.Cut(part, ".slice:"); ok {
		if driver, id, ok := strings.Cut(rest, ":"); ok && isID(id) {
			return Container{Runtime: driverRuntime(driver), ID: id, PodUID: podUID(slice + ".slice")}, true
		}
	}
	if name, ok := strings.CutPrefix(part, "lxc.payload."); ok && name != "" {
		return Container{Runtime: catalog.LXC, ID: name}, true
	}
	if name, ok := strings.CutPrefix(part, "systemd-nspawn@"); ok {
		if name, ok := strings.CutSuffix(name, ".service"); ok && name != "" {
			return Container{Runtime: catalog.Nspawn, ID: unescapeUnit(name)}, true
		}
	}
	if id, ok := strings.CutPrefix(part, "libpod-"); ok && isID(id) {
		return Container{Runtime: catalog.Podman, ID: id}, true
	}
	switch {
	case part == "":
	case parent == "lxc.payload", parent == "lxc":
		return Container{Runtime: catalog.LXC, ID: part}, true
	case isID(part):
		return Container{Runtime: folderRuntime(parent), ID: part}, true
	}
	return Container{}, false
}

// fromScope looks at a scope's name: docker-ID, cri-containerd-ID, machine-NAME.
// The monitors beside a container (libpod-conmon-ID) are none.
func fromScope(scope string) (Container, bool) {
	if name, ok := strings.CutPrefix(scope, "machine-"); ok {
		return fromMachine(unescapeUnit(name))
	}
	i := strings.LastIndexByte(scope, '-')
	if i < 0 || !isID(scope[i+1:]) {
		return Container{}, false
	}
	driver := scope[:i]
	if driver == "conmon" || strings.HasSuffix(driver, "-conmon") {
		return Container{}, false
	}
	return Container{Runtime: driverRuntime(driver), ID: scope[i+1:]}, true
}

// fromMachine looks at the name of a scope that systemd-machined made, for
// containers and virtual machines alike; libvirt puts its driver before.
func fromMachine(name string) (Container, bool) {
	driver, rest, _ := strings.Cut(name, "-")
	_, numbered, ok := strings.Cut(rest, "-") // lxc-12-NAME
	switch {
	case name == "", driver == "qemu" && ok:
		return Container{}, false
	case driver == "lxc" && ok:
		return Container{Runtime: catalog.Libvirt, ID: numbered}, true
	}
	return Container{Runtime: catalog.Nspawn, ID: name}, true
}

// driverRuntime is the runtime of what stands before the id in a scope's name.
func driverRuntime(driver string) string {
	switch driver {
	case "docker":
		return catalog.Docker
	case "libpod", "libpod-payload":
		return catalog.Podman
	case "cri-containerd", "nerdctl", "containerd":
		return catalog.Containerd
	case "crio":
		return catalog.CRIO
	}
	return Unknown
}

// folderRuntime is the runtime of the cgroup in which an id stands. containerd's
// folder is that of its own namespace, which for others than Docker, Kubernetes
// and its command line is free.
func folderRuntime(folder string) string {
	switch folder {
	case "docker", "buildkit":
		return catalog.Docker
	case "libpod_parent":
		return catalog.Podman
	case "k8s.io", "default", "containerd":
		return catalog.Containerd
	}
	return Unknown
}

// podUID is the uid of a pod's cgroup, pod1-2-3 or kubepods-burstable-pod1_2_3.slice;
// empty if it is none.
func podUID(part string) string {
	if slice, ok := strings.CutSuffix(part, ".slice"); ok && strings.Contains(slice, "kubepods") {
		_, uid, _ := strings.Cut(slice, "-pod")
		part = "pod" + strings.ReplaceAll(uid, "_", "-")
	}
	uid, ok := strings.CutPrefix(part, "pod")
	// A UUID; of a static pod the 32 digits of a hash.
	if !ok || !isHex(strings.ReplaceAll(uid, "-", ""), 32) {
		return ""
	}
	return uid
}

// isID reports whether s is an id as the OCI runtimes make them: 64 hex digits.
func isID(s string) bool { return isHex(s, 64) }

// isHex reports whether s is n lower-case hex digits.
func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// unescapeUnit undoes systemd's escapes in a unit's name: \x2d is a dash
// (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
func unescapeUnit(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if c := s[i:min(i+4, len(s))]; len(c) == 4 && c[:2] == `\x` && isHex(c[2:], 2) {
			b = append(b, digit(c[2])<<4|digit(c[3]))
			i += 3
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// digit is the value of a lower-case hex digit.
func digit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
