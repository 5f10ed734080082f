package procfs

import (
	"bytes"
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Table is the kernel's own table of processes, where this process may read it: a
// record costs a tenth of what a status file does. It is optional. What it does
// not show, and which processes there are, procfs does.
type Table interface {
	// UpTo appends to list the records of the processes up to one id, in ascending
	// order, that no call before gave. Calls have ascending ids and do not overlap.
	UpTo(pid int, list []Record) []Record
	// ThreadsAlike says that all threads of a process have the same credentials;
	// false, too, where that is unknown. Any goroutine may call it.
	ThreadsAlike(pid int) bool
	// Close ends the reading.
	Close()
}

// TableRequest is what a [Table] is opened for.
type TableRequest struct {
	// Self is this process; it sees all that the table has, by the same ids.
	Self cred.Process
	// Processes is about how many there are.
	Processes int
	// CapsOnly says that of a process without capabilities only that counts.
	CapsOnly bool
}

// Record is what a [Table] has of a process, of its struct task_struct and struct
// cred, in the kernel's byte order. A BPF program writes it: all of eight bytes stand
// first, so that it has the same layout everywhere.
type Record struct {
	Sets        [5]uint64 // as in cred.Sets
	AtomicFlags uint64
	Comm        [16]byte
	IDs         [8]uint32 // user ids, then group ids, as in cred.IDs

	PID, Parent, Threads, Flags, State, Seccomp uint32
	UserNS, MountNS                             uint32 // inodes

	Level     uint32    // how many PID namespaces are around it but the initial one
	Nested    [3]uint32 // its ids in these
	NGroups   uint32
	Groups    [16]uint32
	HasMemory uint32 // 1: it has some of its own
}

// Compare orders records by the id of their process.
func (r Record) Compare(pid int) int { return int(r.PID) - pid }

// Bits of task_struct (include/linux/sched.h).
const (
	kernelThread = 1 << 21 // PF_KTHREAD of flags
	noNewPrivs   = 1 << 0  // PFA_NO_NEW_PRIVS of atomic_flags
)

// runState is the letter that status has for a state; 0 where that takes more than
// this to say.
func (r *Record) runState() byte {
	const (
		running     = 0
		sleeping    = 1
		mayBeFrozen = 1 << 13 // TASK_FREEZABLE, since 6.1 (0x2000)
	)
	switch r.State {
	case running:
		return 'R'
	case sleeping, sleeping | mayBeFrozen:
		return 'S'
	}
	return 0
}

// Whole says that the record says all that status does, and as it does. It does not
// of a kernel thread, whose name is not its comm, of what has ended or is ending, and
// of what is in states, groups or PID namespaces that it has no room for. What ends has
// given back its memory first. Before Linux 6.4 that is also how status distinguishes a
// process from a kernel thread.
func (r *Record) Whole() bool {
	return r.Flags&kernelThread == 0 && r.HasMemory == 1 && r.runState() != 0 &&
		r.Seccomp <= uint32(cred.SeccompFilter) && r.Threads > 0 && r.UserNS != 0 && r.MountNS != 0 &&
		r.Level <= uint32(len(r.Nested)) && r.NGroups <= uint32(len(r.Groups))
}

func (r *Record) lacksCaps() bool {
	effective, permitted, inheritable, ambient := r.Sets[0], r.Sets[1], r.Sets[2], r.Sets[4]
	return effective|permitted|inheritable|ambient == 0
}

// Process fills in what [ParseStatus] does.
func (r *Record) Process(p *cred.Process) {
	name, _, _ := bytes.Cut(r.Comm[:], []byte{0})
	p.Name = string(name)
	p.RunState = r.runState()
	p.PID, p.TID, p.PPID, p.Threads = int(r.PID), int(r.PID), int(r.Parent), int(r.Threads)
	p.NSPID = make([]int, 1, 1+r.Level)
	p.NSPID[0] = p.PID
	for _, id := range r.Nested[:r.Level] {
		p.NSPID = append(p.NSPID, int(id))
	}
	p.UID = cred.IDs{Real: r.IDs[0], Effective: r.IDs[1], Saved: r.IDs[2], FS: r.IDs[3]}
	p.GID = cred.IDs{Real: r.IDs[4], Effective: r.IDs[5], Saved: r.IDs[6], FS: r.IDs[7]}
	p.Groups = nil
	if r.NGroups > 0 {
		p.Groups = slices.Clone(r.Groups[:r.NGroups])
	}
	p.Sets = cred.Sets{
		Effective: caps.Set(r.Sets[0]), Permitted: caps.Set(r.Sets[1]), Inheritable: caps.Set(r.Sets[2]),
		Bounding: caps.Set(r.Sets[3]), Ambient: caps.Set(r.Sets[4]),
	}
	p.AmbientSupported = true
	p.NoNewPrivs = cred.Is(r.AtomicFlags&noNewPrivs != 0)
	p.Seccomp = cred.Is(cred.Seccomp(r.Seccomp))
	p.KernelThread = cred.Is(false)
}
