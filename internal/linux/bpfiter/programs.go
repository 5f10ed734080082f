package bpfiter

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/linux/procfs"
)

// The programs that the kernel calls for each thread. They only read.

// iterator is the function whose parameters they get (kernel/bpf/task_iter.c).
const iterator = "bpf_iter_task"

// The members of struct cred, in the order of a record.
var (
	credSets = [...]string{"cap_effective", "cap_permitted", "cap_inheritable", "cap_bset", "cap_ambient"}
	credIDs  = [...]string{"uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid"}
)

// leadersProgram writes a record for each thread that is the leader of its process.
// If capsOnly, that of one without capabilities has its sets and number of threads
// only.
func leadersProgram(types *btf.Types, function btf.ID, capsOnly bool) []uint64 {
	p := &program{types: types, record: int(unsafe.Sizeof(procfs.Record{}))}
	var r procfs.Record
	t, end := p.begin(function)
	p.loadDirect(r8, p.member(t, "pid"), 4)
	p.loadDirect(r9, p.member(t, "tgid"), 4)
	p.jump(&end, unix.BPF_JNE|unix.BPF_X, r8, r9, 0)
	p.clear()
	p.store(unsafe.Offsetof(r.PID), r8)
	p.save(unsafe.Offsetof(r.Threads), p.member(p.follow(r8, p.member(t, "signal")), "nr_threads"), 4)
	// As the kernel does for status: the credentials that others see a thread by.
	cred := p.follow(r9, p.member(t, "real_cred"))
	for i, name := range credSets {
		p.save(unsafe.Offsetof(r.Sets)+8*uintptr(i), p.member(cred, name), 8)
	}
	var done label
	if capsOnly {
		p.unlessCaps(&done)
	}
	p.save(unsafe.Offsetof(r.Flags), p.member(t, "flags"), 4)
	p.save(unsafe.Offsetof(r.State), p.member(t, p.stateName(t)), 4)
	p.save(unsafe.Offsetof(r.Seccomp), p.member(t, "seccomp", "mode"), 4)
	p.save(unsafe.Offsetof(r.AtomicFlags), p.member(t, "atomic_flags"), 8)
	p.save(unsafe.Offsetof(r.Comm), p.member(t, "comm"), uint32(len(r.Comm)))
	p.save(unsafe.Offsetof(r.Parent), p.member(p.follow(r8, p.member(t, "real_parent")), "tgid"), 4)
	namespaces := p.follow(r8, p.member(t, "nsproxy"))
	p.save(unsafe.Offsetof(r.MountNS), p.member(p.follow(r8, p.member(namespaces, "mnt_ns")), "ns", "inum"), 4)
	p.credentials(cred)
	p.ids(p.follow(r8, p.member(t, "thread_pid")))
	p.memory(t)
	p.here(done)
	p.write()
	return p.finish(end)
}

// unlessCaps goes to a label if all sets but the bounding set are empty.
func (p *program) unlessCaps(to *label) {
	p.set(r1, 0)
	for i, name := range credSets {
		if name != "cap_bset" {
			slot := p.slot(unsafe.Offsetof(procfs.Record{}.Sets) + 8*uintptr(i))
			p.emit(unix.BPF_LDX|unix.BPF_MEM|unix.BPF_DW, r2, rStack, slot, 0)
			p.emit(unix.BPF_ALU64|unix.BPF_OR|unix.BPF_X, r1, r2, 0, 0)
		}
	}
	p.jump(to, unix.BPF_JEQ|unix.BPF_K, r1, 0, 0)
}

// stateName is the member that has the state: __state since Linux 5.14.
func (p *program) stateName(thread location) string {
	if _, ok := p.types.Member(thread.of, "__state"); ok {
		return "__state"
	}
	return "state"
}

// memory saves whether the thread has any of its own, not where.
func (p *program) memory(thread location) {
	p.follow(r8, p.member(thread, "mm"))
	var none label
	p.jump(&none, unix.BPF_JEQ|unix.BPF_K, r8, 0, 0)
	p.set(r8, 1)
	p.here(none)
	p.store(unsafe.Offsetof(procfs.Record{}.HasMemory), r8)
}

// credentials saves what else is in a struct cred.
func (p *program) credentials(cred location) {
	var r procfs.Record
	for i, name := range credIDs {
		p.save(unsafe.Offsetof(r.IDs)+4*uintptr(i), p.member(cred, name), 4)
	}
	p.save(unsafe.Offsetof(r.UserNS), p.member(p.follow(r8, p.member(cred, "user_ns")), "ns", "inum"), 4)
	groups := p.follow(r8, p.member(cred, "group_info"))
	p.save(unsafe.Offsetof(r.NGroups), p.member(groups, "ngroups"), 4)
	p.emit(unix.BPF_LDX|unix.BPF_MEM|unix.BPF_W, r2, rStack, p.slot(unsafe.Offsetof(r.NGroups)), 0)
	var done label
	p.jump(&done, unix.BPF_JEQ|unix.BPF_K, r2, 0, 0)
	p.jump(&done, unix.BPF_JGT|unix.BPF_K, r2, 0, int32(len(r.Groups)))
	p.emit(unix.BPF_ALU64|unix.BPF_LSH|unix.BPF_K, r2, 0, 0, 2)
	p.copyR2(p.slot(unsafe.Offsetof(r.Groups)), p.member(groups, "gid"))
	p.here(done)
}

// ids saves the ids within nested PID namespaces of a struct pid.
func (p *program) ids(pid location) {
	var r procfs.Record
	p.save(unsafe.Offsetof(r.Level), p.member(pid, "level"), 4)
	numbers := p.member(pid, "numbers")
	each, ok := p.types.Elem(numbers.of)
	size, sized := p.types.Size(each)
	p.failed = p.failed || !ok || !sized
	p.emit(unix.BPF_LDX|unix.BPF_MEM|unix.BPF_W, r9, rStack, p.slot(unsafe.Offsetof(r.Level)), 0)
	var inmost label
	for i := range r.Nested {
		p.jump(&inmost, unix.BPF_JLE|unix.BPF_K, r9, 0, int32(i))
		at := location{base: pid.base, offset: numbers.offset + uint32(i+1)*size, of: each}
		p.save(unsafe.Offsetof(r.Nested)+4*uintptr(i), p.member(at, "nr"), 4)
	}
	p.here(inmost)
}

// threadsProgram writes for each thread with other credentials than its leader the id
// of the process, in eight bytes.
func threadsProgram(types *btf.Types, function btf.ID) []uint64 {
	p := &program{types: types, record: 8}
	t, end := p.begin(function)
	p.loadDirect(r8, p.member(t, "pid"), 4)
	p.loadDirect(r9, p.member(t, "tgid"), 4)
	p.jump(&end, unix.BPF_JEQ|unix.BPF_X, r8, r9, 0)
	p.emit(unix.BPF_STX|unix.BPF_MEM|unix.BPF_DW, rStack, r9, p.slot(0), 0)
	leader := p.follow(r9, p.member(t, "group_leader"))
	var differs label
	p.compare(&differs, p.member(t, "seccomp", "mode"), p.member(leader, "seccomp", "mode"), 4)
	p.compare(&differs, p.member(t, "atomic_flags"), p.member(leader, "atomic_flags"), 8)
	own, leaders := p.follow(r8, p.member(t, "real_cred")), p.follow(r9, p.member(leader, "real_cred"))
	p.jump(&end, unix.BPF_JEQ|unix.BPF_X, r8, r9, 0)
	for _, name := range credSets {
		p.compare(&differs, p.member(own, name), p.member(leaders, name), 8)
	}
	for _, name := range credIDs {
		p.compare(&differs, p.member(own, name), p.member(leaders, name), 4)
	}
	p.compare(&differs, p.member(own, "group_info"), p.member(leaders, "group_info"), 8)
	p.jump(&end, unix.BPF_JA, 0, 0, 0)
	p.here(differs)
	p.write()
	return p.finish(end)
}
