package container

import (
	"slices"
	"strings"

	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// Identity is whose container it is.
type Identity struct {
	Container
	// Contained says whether it is one at all.
	Contained cred.Known[bool]
	// Evidence is what says so, the strongest first; of none, what only seems to.
	Evidence []string
}

// Identify says whether a process is in a container, and in which, and nothing of
// how well that is isolated.
func Identify(facts *Facts) Identity {
	f := *facts
	f.visible = f.Mounts.Value.Visible()
	return f.identify()
}

// identify decides by namespaces first and files last: a file anyone can make.
func (f *Facts) identify() Identity {
	var id Identity
	say := func(evidence string) {
		id.Evidence = append(id.Evidence, evidence)
		id.Contained = cred.Is(true)
	}
	pids, mounts := f.shared(PIDNS), f.shared(MountNS)
	if pids.OK && !pids.Value {
		say("own PID namespace")
	}
	if f.InChildUserNS() {
		say("own user namespace")
	}
	if c, ok := FromCgroup(f.Cgroup.Value); ok {
		id.Container = c
		say(c.Runtime + " cgroup")
	}
	if gvisor(f.Release) {
		id.adopt(Container{Runtime: catalog.GVisor})
		say("gVisor kernel, release " + f.Release.Value)
	}
	if c, ok := f.Mounts.Value.identity(); ok {
		id.adopt(c)
		say("mounts from " + c.Runtime + "'s storage")
	}
	switch known := id.Contained; {
	case mounts.OK && !mounts.Value && (known.OK || !f.hostOtherwise()):
		f.identifyByFiles(&id, say, !f.rootMayBeHosts())
	case !mounts.OK:
		// The files may be the host's own, whose root may come from an image:
		// they say whose container it is, not that it is one.
		f.identifyByFiles(&id, say, !f.rootMayBeHosts())
		id.Contained = known
	}
	switch {
	case !id.Contained.OK && pids.OK:
		return Identity{Contained: cred.Is(false), Evidence: f.strays()}
	case id.Contained.Value && id.Runtime == "" && (f.Process.Name == "podman pause" || f.Process.Name == "catatonit"):
		id.adopt(Container{Runtime: catalog.Podman})
		say("the process that keeps the namespaces of rootless podman")
	case id.Contained.Value && id.Runtime == "":
		id.Evidence = []string{"only new namespaces (" + strings.Join(f.newNamespaces(), ", ") + ")"}
	}
	return id
}

// newNamespaces are the kinds of namespaces that are known not to be the host's.
func (f *Facts) newNamespaces() (list []string) {
	for k := range NamespaceKinds {
		if shared := f.shared(k); shared.OK && !shared.Value {
			list = append(list, k.String())
		}
	}
	return list
}

// hostOtherwise reports whether, of the namespaces that every runtime gives a
// container, the process has the host's PIDs and none known as its own but
// that of mounts: so it is for a service with a private /tmp.
func (f *Facts) hostOtherwise() bool {
	for _, k := range [...]NamespaceKind{NetNS, IPCNS, UTSNS, CgroupNS} {
		if shared := f.shared(k); shared.OK && !shared.Value {
			return false
		}
	}
	return f.shared(PIDNS).Value
}

// strays are what a process that is in no container has of one.
func (f *Facts) strays() (list []string) {
	f.identifyByFiles(new(Identity), func(evidence string) { list = append(list, evidence) }, true)
	if mounts := f.shared(MountNS); len(list) > 0 && mounts.OK && !mounts.Value {
		list = append(list, "own mount namespace")
	}
	return list
}

// rootMayBeHosts reports whether the process's root may be the host's.
func (f *Facts) rootMayBeHosts() bool {
	root, ok := f.Mounts.Value.At("/")
	is := f.hostRoot(root)
	return ok && (is.Value || !is.OK)
}

// identifyByFiles looks at what runtimes leave for the programs inside; files in
// its root directory count if marks is set.
func (f *Facts) identifyByFiles(id *Identity, say func(string), marks bool) {
	for _, word := range [...]struct{ value, where string }{
		{f.Manager.Value, "the container manager's file"},
		{f.Env.Value, "variable container"},
	} {
		if word.value != "" {
			id.adopt(Container{Runtime: runtimeOf(word.value)})
			say(word.where + " is " + word.value)
		}
	}
	if f.PodmanEnv.OK && marks {
		id.adopt(Container{Runtime: catalog.Podman, ID: containerEnvID(f.PodmanEnv.Value)})
		say("/run/.containerenv exists")
	}
	if f.DockerEnv.Value && marks {
		id.adopt(Container{Runtime: catalog.Docker})
		say("/.dockerenv exists")
	}
}

// adopt fills in what is not known yet.
func (id *Identity) adopt(c Container) {
	if id.PodUID != "" || c.PodUID != "" {
		// CRI-O keeps its containers where podman does; the ids may be those of
		// the pod's sandbox.
		id.asCRIO()
		c.asCRIO()
	}
	switch {
	case id.Runtime == "", id.Runtime == Unknown, id.Runtime == catalog.Kubernetes && c.Runtime != catalog.GVisor:
		id.Runtime = c.Runtime
	case id.Runtime == catalog.Containerd && c.Runtime == catalog.Docker: // containerd works for it
		id.Runtime = c.Runtime
	}
	if id.ID == "" && id.Runtime == c.Runtime {
		id.ID = c.ID
	}
	if id.PodUID == "" {
		id.PodUID = c.PodUID
	}
}

// asCRIO makes podman's container one of CRI-O's.
func (c *Container) asCRIO() {
	if c.Runtime == catalog.Podman {
		c.Runtime, c.ID = catalog.CRIO, ""
	}
}

// gvisor recognizes gVisor by the release that it reports: up to 2024 always
// 4.4.0, which no distribution ever had without a suffix, then one that says so.
func gvisor(release cred.Known[string]) bool {
	return release.Value == "4.4.0" || strings.HasSuffix(release.Value, "-gvisor")
}

// containerEnvID is the id in the text of podman's file, a line id="…"; it is
// empty there without --privileged.
func containerEnvID(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if id, ok := strings.CutPrefix(line, `id="`); ok && isID(strings.TrimSuffix(id, `"`)) {
			return strings.TrimSuffix(id, `"`)
		}
	}
	return ""
}

// identity looks at where the root and the files that every runtime makes come
// from. Other mounts may be those of other containers, as their host sees them.
func (t Mounts) identity() (c Container, ok bool) {
	for _, m := range t.List {
		switch m.Point {
		case "/":
			// bubblewrap.c, main: it makes the root at /newroot of a tmpfs.
			if m.Type == "tmpfs" && m.Root == "/newroot" {
				return Container{Runtime: catalog.Bubblewrap}, true
			}
		case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/dev/termination-log":
		default:
			continue
		}
		found, is := fromStorage(m.Root + "\n" + m.Super)
		if !is {
			continue
		}
		id := Identity{Container: c}
		id.adopt(found)
		c, ok = id.Container, true
	}
	return c, ok
}

// fromStorage looks at the path of a file that a runtime keeps for a container,
// or at an overlay's directories.
func fromStorage(path string) (Container, bool) {
	c, _, ok := perContainer(path)
	switch {
	case ok:
		return c, true
	case strings.Contains(path, "/docker/overlay2/"):
		return Container{Runtime: catalog.Docker}, true
	case strings.Contains(path, "/containers/storage/"):
		return Container{Runtime: catalog.Podman}, true
	}
	return Container{}, false
}

// perContainer looks for a part of a path that runtimes name by the container, or for
// a directory of containerd's; below is what follows. The directory in which a runtime
// keeps all may be any.
func perContainer(path string) (c Container, below []string, ok bool) {
	parts := splitPath(path)
	for i := 2; i < len(parts); i++ {
		part, parent, above := parts[i], parts[i-1], parts[i-2]
		switch {
		case above == "kubelet" && parent == "pods" && podUID("pod"+part) != "":
			c = Container{Runtime: catalog.Kubernetes, PodUID: part}
		case above == "lib" && parent == "lxc":
			c = Container{Runtime: catalog.LXC, ID: part}
		case !isID(part):
		case parent == "containers": // /var/lib/docker/containers
			c = Container{Runtime: catalog.Docker, ID: part}
		case strings.HasSuffix(parent, "-containers"): // overlay-containers, vfs-containers
			c = Container{Runtime: catalog.Podman, ID: part}
		case parent == "overlay2":
			c = Container{Runtime: catalog.Docker}
		case parent == "overlay":
			c = Container{Runtime: catalog.Podman}
		case slices.Contains(parts[:i], "nerdctl"):
			c = Container{Runtime: catalog.Containerd, ID: part}
		case slices.ContainsFunc(parts[:i], func(p string) bool { return strings.HasPrefix(p, "io.containerd.") }):
			c = Container{Runtime: catalog.Containerd} // the id may be that of the pod's sandbox
		}
		if c.Runtime != "" {
			return c, parts[i+1:], true
		}
	}
	return Container{Runtime: catalog.Containerd}, nil, strings.Contains(path, "/io.containerd.")
}

// splitPath is the parts of a path, or of several in lines, after two empty ones: what
// is above the first.
func splitPath(path string) []string {
	return append([]string{"", ""}, strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\n' })...)
}
