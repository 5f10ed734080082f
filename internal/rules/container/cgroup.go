// Package container says how well a container is isolated: facts about a process become
// findings, and these a verdict. It is pure; linux/sandbox reads the facts.
package container

import (
	"cmp"
	"strconv"
	"strings"

	"capsh/internal/rules/catalog"
)

// Container is a container as its runtime knows it.
type Container struct {
	// Runtime is one of catalog's, or Unknown.
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
// of its own. Of nested containers it is the innermost.
func FromCgroup(text string) (Container, bool) {
	for line := range strings.SplitSeq(text, "\n") {
		// hierarchy-ID:controller-list:cgroup-path; the path may have colons.
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
			if c, ok := fromPath(parts[2]); ok {
				return c, true
			}
		}
	}
	return Container{}, false
}

// fromPath looks at one cgroup's path, from the outermost part inwards.
func fromPath(path string) (found Container, ok bool) {
	parts := strings.Split(path, "/")
	parent, pod := "", ""
	for _, part := range parts {
		if uid := podUID(part); uid != "" {
			pod = uid
			found, ok = Container{Runtime: catalog.Kubernetes, PodUID: pod}, true
		} else if c, is := fromPart(parent, part); is {
			if c.Runtime == Unknown && pod != "" {
				c.Runtime = catalog.Kubernetes
			}
			c.PodUID = cmp.Or(c.PodUID, pod)
			found, ok = c, true
		}
		parent = part
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
			return Container{Runtime: runtimeOf(driver), ID: id, PodUID: podUID(slice + ".slice")}, true
		}
	}
	if name, ok := strings.CutPrefix(part, "lxc.payload."); ok && name != "" {
		return Container{Runtime: catalog.LXC, ID: name}, true
	}
	if name, ok := strings.CutPrefix(part, "systemd-nspawn@"); ok {
		if name, ok := strings.CutSuffix(name, ".service"); ok && name != "" {
			return Container{Runtime: catalog.Nspawn, ID: unescape(name, `\x`, 16, 2)}, true
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
		return Container{Runtime: runtimeOf(parent), ID: part}, true
	}
	return Container{}, false
}

// fromScope looks at a scope's name: docker-ID, cri-containerd-ID, machine-NAME.
// The monitors beside a container (libpod-conmon-ID) are none.
func fromScope(scope string) (Container, bool) {
	if name, ok := strings.CutPrefix(scope, "machine-"); ok {
		return fromMachine(unescape(name, `\x`, 16, 2))
	}
	i := strings.LastIndexByte(scope, '-')
	if i < 0 || !isID(scope[i+1:]) {
		return Container{}, false
	}
	driver := scope[:i]
	if driver == "conmon" || strings.HasSuffix(driver, "-conmon") {
		return Container{}, false
	}
	return Container{Runtime: runtimeOf(driver), ID: scope[i+1:]}, true
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

// runtimeOf is the runtime that a word stands for: before the id in a scope's name, as
// the cgroup in which an id stands, or as container managers name themselves (systemd's
// container interface). containerd uses its namespace for the cgroup: those of
// Kubernetes and its command line are known, others are free.
func runtimeOf(word string) string {
	switch word {
	case "docker", "buildkit":
		return catalog.Docker
	case "podman", "libpod", "libpod-payload", "libpod_parent", "oci": // oci: with --systemd
		return catalog.Podman
	case "containerd", "cri-containerd", "nerdctl", "k8s.io", "default":
		return catalog.Containerd
	case "crio":
		return catalog.CRIO
	case "lxc", "lxc-libvirt":
		return catalog.LXC
	case "systemd-nspawn":
		return catalog.Nspawn
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

// unescape undoes escapes of bytes: \040 in mountinfo (mangle_path, fs/seq_file.c) and
// \x2d in a unit's name (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
func unescape(s, prefix string, base, digits int) string {
	var b strings.Builder
	for s != "" {
		before, after, ok := strings.Cut(s, prefix)
		b.WriteString(before)
		if !ok {
			break
		}
		n, err := strconv.ParseUint(after[:min(digits, len(after))], base, 8)
		if err != nil || len(after) < digits {
			b.WriteString(prefix)
			s = after
			continue
		}
		b.WriteByte(byte(n))
		s = after[digits:]
	}
	return b.String()
}
