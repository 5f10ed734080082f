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

// grade is a word of at most six letters and its meaning as a sentence.
type grade struct{ word, meaning string }

// of is the grade of a number.
func of(grades []grade, n int) grade {
	if n >= len(grades) {
		return grade{"unknown", "Not known."}
	}
	return grades[n]
}

var hostGrades = []grade{
	{"no", "It does not allow escape to the host."},
	{"part", "It reaches something that the host shares with every container, but does not allow escape to the host."},
	{"pair", "It allows escape to the host together with another capability."},
	{"mount", "It allows escape to the host if a directory of the host is mounted."},
	{"net", "It gives access to the host's traffic if the container shares the host's network."},
	{"pids", "It allows escape to the host if the container shares the host's PIDs."},
	{"device", "It allows escape to the host if the container may use one of the host's devices."},
	{"direct", "It allows escape to the host by itself."},
}

// String is one word of at most six letters.
func (h Host) String() string { return of(hostGrades, int(h)).word }

// Meaning is the grade as a sentence.
func (h Host) Meaning() string { return of(hostGrades, int(h)).meaning }
