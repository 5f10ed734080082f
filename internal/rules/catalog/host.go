package catalog

// Host grades what a capability, in the initial user namespace, gives of the
// host from inside a container.
type Host uint8

// From nothing to all. The conditions between are what the container must have
// been given besides the capability.
const (
	HostNo          Host = iota // the container stays isolated
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
		return "It does not allow escape to the host."
	case HostPart:
		return "It reaches something that the host shares with every container, but does not allow escape to the host."
	case HostPaired:
		return "It allows escape to the host together with another capability."
	case HostWithMount:
		return "It allows escape to the host if a directory of the host is mounted."
	case HostWithNetwork:
		return "It gives access to the host's traffic if the container shares the host's network."
	case HostWithPIDs:
		return "It allows escape to the host if the container shares the host's PIDs."
	case HostWithDevice:
		return "It allows escape to the host if the container may use one of the host's devices."
	case HostDirect:
		return "It allows escape to the host by itself."
	}
	return "Not known."
}
