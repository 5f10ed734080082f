package caps

import "strings"

// DockerDefault is what Docker gives a container that asks for nothing
// (moby daemon/pkg/oci/caps/defaults.go).
const DockerDefault Set = 0xa80425fb

// PodmanDefault is what Podman gives one, from 4.4 on
// (containers/common pkg/config/default.go).
const PodmanDefault Set = 0x800405fb

// Entry is what there is to say of one capability. Texts are plain sentences
// without line breaks; whoever shows them wraps them.
type Entry struct {
	// Since is the first kernel that had it, "2.6.24".
	Since string
	// Brief is what it permits, in at most 60 characters.
	Brief string
	// Permits lists all that it permits; each item completes "may …". Not to
	// be changed.
	Permits []string
	// Use is who rightly asks for it.
	Use string
	// Danger is what someone hostile makes of it, above all in a container.
	Danger string
	// Host says whether a container that has it is still a container.
	Host Host
}

// Host grades what a capability, held in the initial user namespace, gives of
// the host from inside a container.
type Host uint8

// From nothing to all. The conditions between are what the container must have
// been given besides the capability.
const (
	HostNo          Host = iota // the container's walls hold
	HostPart                    // reaches one thing that all share, such as the clock
	HostPaired                  // the host, with a second capability
	HostWithMount               // the host, with one of its directories mounted
	HostWithNetwork             // the host's traffic, with its network namespace
	HostWithPIDs                // the host, with its PID namespace
	HostWithDevice              // the host, with access to one of its devices
	HostDirect                  // the host
)

// String is one word of at most six letters.
func (h Host) String() string {
	switch h {
	case HostNo:
		return "no"
	case HostPart:
		return "part"
	case HostPaired:
		return "pair"
	case HostWithMount:
		return "mount"
	case HostWithNetwork:
		return "net"
	case HostWithPIDs:
		return "pids"
	case HostWithDevice:
		return "device"
	case HostDirect:
		return "direct"
	}
	return "unknown"
}

// Meaning is the grade as a sentence.
func (h Host) Meaning() string {
	switch h {
	case HostNo:
		return "By itself it does not give the host away."
	case HostPart:
		return "It reaches something that the host shares with every container, but does not give the host away."
	case HostPaired:
		return "It gives the host away together with another capability."
	case HostWithMount:
		return "It gives the host away if a directory of the host is mounted."
	case HostWithNetwork:
		return "It gives the host's traffic away if the container shares the host's network."
	case HostWithPIDs:
		return "It gives the host away if the container shares the host's PIDs."
	case HostWithDevice:
		return "It gives the host away if the container may use one of the host's devices."
	case HostDirect:
		return "It gives the host away, with nothing else needed."
	}
	return "Not known."
}

// Entry is the catalogue's entry for c; false for a bit without a name.
func (c Cap) Entry() (Entry, bool) {
	if int(c) >= Named {
		return Entry{}, false
	}
	return catalogue[c], true
}

// DockerDefault reports whether c is in [DockerDefault].
func (c Cap) DockerDefault() bool { return DockerDefault.Has(c) }

// AddWord is c as the --cap-add and --cap-drop options of Docker and Podman
// and the manifests of Kubernetes take it, "NET_RAW".
func (c Cap) AddWord() string { return strings.ToUpper(c.Short()) }

// Suggest lists the capabilities whose name or description contains text, in
// bit order; the case of letters does not matter. All contain the empty text.
func Suggest(text string) []Cap {
	text = strings.ToLower(text)
	var found []Cap
	for i := range catalogue {
		if c := Cap(i); c.mentions(text) {
			found = append(found, c)
		}
	}
	return found
}

// mentions reports whether c's name or description contains text, which is in
// lower case.
func (c Cap) mentions(text string) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	e := &catalogue[c]
	for _, p := range e.Permits {
		if has(p) {
			return true
		}
	}
	return has(c.String()) || has(e.Brief) || has(e.Use) || has(e.Danger)
}
