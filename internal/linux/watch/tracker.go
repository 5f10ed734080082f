package watch

import (
	"math"
	"slices"
	"sort"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"

	"golang.org/x/sys/unix"
)

// tracker makes checks of records: it knows which process is what.
type tracker struct {
	source  source
	spaces  *spaces
	tree    tree                               // nil: what the events deliver is of whom is watched
	answers *answers                           // nil: each record of a check has its answer
	member  func(pid int) (member, known bool) // nil: all
	each    func(checks.Check, checks.Verdict)
	start   uint64

	waiting []event
	before  uint64 // when the buffers were read before
	settled uint64 // until when the records were used, since the start

	executed  bool // there was an execve
	processes map[uint32]*process
	names     map[uint32]string // of threads
	calls     map[uint32]string // the last system call of a thread, where calls are watched
	denied    map[uint32]judged // the last check of a thread, if another may follow from its denial

	chainNumbers map[string]int
	chains       []chain
	symbols      *symbols
	byCall       bool // functions have no names, and system calls are watched
	verdicts     map[question]checks.Verdict

	found checks.Found
	seen  map[checks.Seen]int // its place in found
}

// event is a record that waits for its turn. What it says of a check is decoded,
// since the buffer's bytes are gone by then.
type event struct {
	record
	check check
	chain int // its place among the chains
}

// process is what is known of a process.
type process struct {
	parent uint32 // 0 where it began before the watching
	member bool
	cred   uint64 // with which the member was asked for
	userns uint64 // the inode of its user namespace; 0 where that is not known
}

// chain is a call chain with its names.
type chain struct {
	functions []string
	syscall   string
}

// question is what a verdict depends on.
type question struct {
	chain   int
	syscall string
	cap     caps.Cap
	granted bool
}

func newTracker(from source, spaces *spaces, member func(int) (member, known bool), each func(checks.Check, checks.Verdict)) *tracker {
	t := &tracker{
		source: from, spaces: spaces, member: member, each: each, start: monotonic(),
		processes: make(map[uint32]*process), names: make(map[uint32]string), calls: make(map[uint32]string), denied: make(map[uint32]judged),
		chainNumbers: make(map[string]int), verdicts: make(map[question]checks.Verdict),
		seen: make(map[checks.Seen]int),
	}
	point, ok := from.(*tracepoint)
	t.byCall = ok && point.calls != nil
	t.before = t.start
	return t
}

// take keeps a record for later.
func (t *tracker) take(rec []byte) {
	r, ok := parseRecord(rec)
	if !ok {
		return
	}
	e := event{record: r}
	if r.kind == unix.PERF_RECORD_SAMPLE {
		e.check = t.source.check(&r)
		e.chain = t.chainNumber(r.chain)
		e.record.raw, e.record.chain, e.record.registers = nil, nil, nil
	}
	t.waiting = append(t.waiting, e)
}

// settle uses the records from before the time of the last call, in their order.
func (t *tracker) settle(now uint64) {
	sort.SliceStable(t.waiting, func(i, j int) bool { return t.waiting[i].time < t.waiting[j].time })
	n := 0
	for n < len(t.waiting) && t.waiting[n].time < t.before {
		t.use(&t.waiting[n])
		n++
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	t.noneFollow(t.settled)
	t.settled, t.before = t.before-t.start, now
}

// finish uses all that is left.
func (t *tracker) finish() {
	t.settle(math.MaxUint64)
	t.settle(math.MaxUint64)
	t.noneFollow(math.MaxUint64)
}

// ended reports that all threads that a tree had are gone.
func (t *tracker) ended() bool { return t.tree != nil && len(t.tree) == 0 }

func (t *tracker) use(e *event) {
	if t.tree != nil && !t.tree.has(&e.record) {
		return
	}
	switch e.kind {
	case unix.PERF_RECORD_FORK:
		t.fork(e)
	case unix.PERF_RECORD_EXIT:
		delete(t.names, e.tid)
		delete(t.calls, e.tid)
		if e.pid == e.tid {
			delete(t.processes, e.pid)
		}
	case unix.PERF_RECORD_COMM:
		if e.exec {
			t.executed, t.calls[e.tid] = true, "execve"
		}
		t.names[e.tid] = e.comm
	case unix.PERF_RECORD_NAMESPACES:
		t.process(e.pid).userns = e.userns
	case unix.PERF_RECORD_SAMPLE:
		switch {
		case e.check.isCall:
			t.calls[e.tid] = e.check.call
		case t.answers == nil || t.answers.join(e):
			t.check(e)
		}
	}
}

// fork gives a new process or thread what it has from its parent.
func (t *tracker) fork(e *event) {
	if name, ok := t.names[e.parentThread]; ok {
		t.names[e.tid] = name
	}
	if call, ok := t.calls[e.parentThread]; ok {
		t.calls[e.tid] = call
	}
	if e.pid == e.parent {
		return
	}
	p := *t.process(e.parent)
	p.parent = e.parent
	t.processes[e.pid] = &p
}

// process is what is known of a process; on its first sight /proc is asked.
func (t *tracker) process(pid uint32) *process {
	p := t.processes[pid]
	if p == nil {
		p = &process{member: t.member == nil}
		if inode, err := procfs.Proc.Thread(int(pid), int(pid)).Namespace("user"); err == nil {
			p.userns = inode.Value // 0 where it is unavailable
		}
		t.processes[pid] = p
	}
	return p
}

// isMember says whether a process is watched. That may change with its credentials,
// as by setuid or execve. A process that has ended is what it was, or its parent.
func (t *tracker) isMember(pid uint32, p *process, cred uint64) bool {
	if t.member != nil && p.cred != cred {
		p.cred = cred
		if member, known := t.member(int(pid)); known {
			p.member = member
		}
	}
	return p.member
}

// name is a thread's.
func (t *tracker) name(pid, tid uint32) string {
	name, ok := t.names[tid]
	if !ok {
		text, _ := procfs.Proc.Thread(int(pid), int(tid)).Read("comm")
		name = strings.TrimSuffix(string(text), "\n") // empty where it has ended
		t.names[tid] = name
	}
	return name
}

// check reports a check and counts it.
func (t *tracker) check(e *event) {
	p := t.process(e.pid)
	if !t.isMember(e.pid, p, e.check.cred) {
		return
	}
	t.spaces.learn(e.check, p.userns)
	named := &t.chains[e.chain]
	c := checks.Check{
		Time: int64(e.time - t.start), PID: int(e.pid), TID: int(e.tid), Parent: int(p.parent), UserNS: p.userns, Comm: t.name(e.pid, e.tid),
		Cap: e.check.cap, Granted: e.check.granted,
		Namespace: t.spaces.of(e.check), Ours: t.spaces.ours(e.check, p.userns),
		Chain: named.functions, Syscall: named.syscall,
	}
	if t.byCall {
		c.Syscall = t.calls[e.tid]
	}
	q := question{e.chain, c.Syscall, c.Cap, c.Granted}
	verdict, known := t.verdicts[q]
	if !known {
		verdict = checks.Judge(&c)
		t.verdicts[q] = verdict
	}
	t.follow(&judged{c, verdict})
}

// judged is a check with its verdict.
type judged struct {
	checks.Check
	verdict checks.Verdict
}

// follow reports a check, unless it was denied and the kernel may ask for an
// alternative next: it waits for that.
func (t *tracker) follow(j *judged) {
	mayFollow := !j.Granted && j.verdict.Alternatives != 0
	if last, ok := t.denied[uint32(j.TID)]; ok {
		delete(t.denied, uint32(j.TID))
		checks.FollowUp(&last.Check, &last.verdict, &j.Check, &j.verdict)
		t.report(&last)
	}
	if mayFollow {
		t.denied[uint32(j.TID)] = *j
		return
	}
	t.report(j)
}

// noneFollow reports the denied checks before a time that wait for another one.
func (t *tracker) noneFollow(before uint64) {
	for tid, j := range t.denied {
		if uint64(j.Time) < before {
			delete(t.denied, tid)
			t.report(&j)
		}
	}
}

func (t *tracker) report(j *judged) {
	t.count(&j.Check, j.verdict)
	if t.each != nil {
		t.each(j.Check, j.verdict)
	}
}

// count adds a check to what was found.
func (t *tracker) count(c *checks.Check, v checks.Verdict) {
	s := checks.Seen{
		Cap: c.Cap, Granted: c.Granted, Namespace: c.Namespace, Ours: c.Ours, Syscall: c.Syscall, Verdict: v,
	}
	i, ok := t.seen[s]
	if !ok {
		i = len(t.found.Seen)
		t.seen[s] = i
		s.PID, s.Comm = c.PID, c.Comm
		t.found.Seen = append(t.found.Seen, s)
	}
	t.found.Seen[i].Count++
}

// chainNumber is the place of a call chain among the chains.
func (t *tracker) chainNumber(raw []byte) int {
	if n, ok := t.chainNumbers[string(raw)]; ok {
		return n
	}
	if t.symbols == nil {
		t.readSymbols()
	}
	functions := t.symbols.chain(chainAddresses(raw))
	n := len(t.chains)
	t.chains = append(t.chains, chain{functions, checks.Syscall(functions)})
	t.chainNumbers[string(raw)] = n
	return n
}

func (t *tracker) readSymbols() {
	s, why := &symbols{}, "the kernel hides its symbols (needs CAP_SYSLOG, and kernel.kptr_restrict below 2)"
	if !t.byCall {
		var err error
		if s, err = readSymbols(math.MaxInt64); err != nil {
			why = err.Error()
		}
	}
	if len(s.starts) == 0 {
		how := "only the checks of memory mappings are known to be incidental: "
		if t.byCall {
			how = "checks are judged by system call, not by kernel function: "
		}
		t.found.Blind = how + why
		s.exact = map[uint64]string{t.spaces.mapping: "security_vm_enough_memory_mm"}
	}
	t.symbols = s
}
