package procfs

import (
	"bytes"
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// record is what a program writes of a process, in the kernel's byte order. All of
// eight bytes stand first, so that it is the same everywhere.
type record struct {
	sets   [5]uint64 // as in cred.Sets
	atomic uint64    // task_struct.atomic_flags
	comm   [16]byte
	ids    [8]uint32 // user ids, then group ids, as in cred.IDs

	pid, parent, threads, flags, state, seccomp uint32
	userNS, mountNS                             uint32

	level   uint32    // how many PID namespaces are around it but the first
	nested  [3]uint32 // its ids in these
	ngroups uint32
	groups  [16]uint32
	memory  uint32 // 1: it has some of its own
}

func (r record) compare(pid int) int { return int(r.pid) - pid }

// Bits of task_struct (include/linux/sched.h).
const (
	kernelThread = 1 << 21 // PF_KTHREAD of flags
	noNewPrivs   = 1 << 0  // PFA_NO_NEW_PRIVS of atomic_flags
)

// runState is the letter that status has for a state; 0 where that takes more than
// this to say.
func (r *record) runState() byte {
	const (
		running     = 0
		sleeping    = 1
		mayBeFrozen = 1 << 13 // TASK_FREEZABLE, since 6.1 (0x2000)
	)
	switch r.state {
	case running:
		return 'R'
	case sleeping, sleeping | mayBeFrozen:
		return 'S'
	}
	return 0
}

// plain says that the record says all that status does, and as it does. It does not
// of a kernel thread, whose name is not its comm, of what has ended or is ending, and
// of what is in states, groups or PID namespaces that it has no room for. What ends has
// given back its memory first. Before Linux 6.4 that is also how status tells a process
// from a kernel thread.
func (r *record) plain() bool {
	return r.flags&kernelThread == 0 && r.memory == 1 && r.runState() != 0 &&
		r.seccomp <= uint32(cred.SeccompFilter) && r.threads > 0 && r.userNS != 0 && r.mountNS != 0 &&
		r.level <= uint32(len(r.nested)) && r.ngroups <= uint32(len(r.groups))
}

func (r *record) holdsNothing() bool {
	effective, permitted, inheritable, ambient := r.sets[0], r.sets[1], r.sets[2], r.sets[4]
	return effective|permitted|inheritable|ambient == 0
}

// process fills in what [ParseStatus] does.
func (r *record) process(p *cred.Process) {
	name, _, _ := bytes.Cut(r.comm[:], []byte{0})
	p.Name = string(name)
	p.RunState = r.runState()
	p.PID, p.TID, p.PPID, p.Threads = int(r.pid), int(r.pid), int(r.parent), int(r.threads)
	p.NSPID = make([]int, 1, 1+r.level)
	p.NSPID[0] = p.PID
	for _, id := range r.nested[:r.level] {
		p.NSPID = append(p.NSPID, int(id))
	}
	p.UID = cred.IDs{Real: r.ids[0], Effective: r.ids[1], Saved: r.ids[2], FS: r.ids[3]}
	p.GID = cred.IDs{Real: r.ids[4], Effective: r.ids[5], Saved: r.ids[6], FS: r.ids[7]}
	p.Groups = nil
	if r.ngroups > 0 {
		p.Groups = slices.Clone(r.groups[:r.ngroups])
	}
	p.Sets = cred.Sets{
		Effective: caps.Set(r.sets[0]), Permitted: caps.Set(r.sets[1]), Inheritable: caps.Set(r.sets[2]),
		Bounding: caps.Set(r.sets[3]), Ambient: caps.Set(r.sets[4]),
	}
	p.AmbientSupported = true
	p.NoNewPrivs = cred.Is(r.atomic&noNewPrivs != 0)
	p.Seccomp = cred.Is(cred.Seccomp(r.seccomp))
	p.KernelThread = cred.Is(false)
}
