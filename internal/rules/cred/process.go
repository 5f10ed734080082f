package cred

// Process is one thread as a procfs shows it, with what identifies it. The thread
// is the leader unless another was asked for.
type Process struct {
	PID, TID, PPID int
	// Name is the thread's comm, with the kernel's escapes undone: bytes that
	// another process chose, to be escaped before they are shown.
	Name string
	// RunState is the letter of the State line: R, S, D, T, Z, X, I.
	RunState byte
	// NSPID are the thread's ids in each nested PID namespace, outermost
	// (the reader's) first.
	NSPID   []int
	Threads int
	// KernelThread is unknown in a copied procfs from before Linux 6.4 without a stat
	// file, unless the process shows memory of its own.
	KernelThread Known[bool]
	Seccomp      Known[Seccomp]
	// Label is what the active LSM says of the thread (attr/current), without
	// the trailing NUL or newline; unknown where no LSM answers.
	Label Known[string]
	State
	// Differing are the other threads of the process whose credentials differ from
	// this one's. The list is complete only if ThreadsRead is set, that is, if the
	// threads were asked for and could be read.
	Differing   []Process
	ThreadsRead bool
}

// Zombie is a thread that has ended and waits for its parent: its sets are
// still shown, its namespaces are not.
func (p *Process) Zombie() bool { return p.RunState == 'Z' || p.RunState == 'X' }

// Seccomp is the mode on the Seccomp line of status (proc_pid_status(5)).
type Seccomp uint8

// The modes of seccomp(2).
const (
	SeccompOff Seccomp = iota
	SeccompStrict
	SeccompFilter
)

// String is "off", "strict" or "filter".
func (s Seccomp) String() string {
	switch s {
	case SeccompOff:
		return "off"
	case SeccompStrict:
		return "strict"
	case SeccompFilter:
		return "filter"
	}
	return "unknown"
}
