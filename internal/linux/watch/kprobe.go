package watch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// kprobe delivers the checks of kernels without the tracepoint: a probe at the entry
// of cap_capable shows what was asked, one at its return the answer. Both belong to
// perf events and end with them: nothing is written to tracefs. The kernel makes such
// an event for a child with the child's own privileges and memory
// (perf_kprobe_event_init), so that they are not inherited: they are the host's, and
// [tree] says whose checks are watched.
type kprobe struct {
	kind uint32 // the type of its perf events
	registers
}

// registers say where cap_capable(cred, targ_ns, cap, opts) has its arguments and
// its result: numbers of asm/perf_regs.h.
type registers struct{ cred, target, cap, result int }

var amd64 = registers{cred: 5, target: 4, cap: 3, result: 0} // di, si, dx, ax

// checkFunction is cap_capable's name, as the kernel reads it.
var checkFunction = [...]byte{'c', 'a', 'p', '_', 'c', 'a', 'p', 'a', 'b', 'l', 'e', 0}

// findKprobe finds how this kernel makes kprobes.
func findKprobe() (*kprobe, error) {
	const path = "/sys/bus/event_source/devices/kprobe/type"
	text, err := files.Here.ReadFile(path)
	if errors.Is(err, unix.ENOENT) {
		return nil, errors.New("this kernel has neither the tracepoint capability:cap_capable (Linux 6.14 and later have it) nor kprobes")
	} else if err != nil {
		return nil, err
	}
	kind, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%s: not a number: %q", path, text)
	}
	if runtime.GOARCH != "amd64" {
		return nil, errors.New("this kernel has no tracepoint capability:cap_capable (Linux 6.14 and later have it), and kprobes are used on x86-64 only")
	}
	return &kprobe{uint32(kind), amd64}, nil
}

// events are the probe at the entry and that at the return. The second has an empty
// call chain, which distinguishes its records from those of the first.
func (k *kprobe) events() []*unix.PerfEventAttr {
	const atReturn = 1 // PERF_PROBE_CONFIG_IS_RETPROBE of kernel/events/core.c
	entry, exit := k.event(0), k.event(atReturn)
	entry.Sample_regs_intr = k.arguments()
	exit.Sample_regs_intr = 1 << k.result
	exit.Bits |= unix.PerfBitExcludeCallchainKernel
	return []*unix.PerfEventAttr{entry, exit}
}

// arguments are the registers that the record of an entry has.
func (k *kprobe) arguments() uint64 { return 1<<k.cred | 1<<k.target | 1<<k.cap }

func (k *kprobe) event(config uint64) *unix.PerfEventAttr {
	attr := attributes(k.kind, config)
	sampled(attr)
	attr.Sample_type |= unix.PERF_SAMPLE_REGS_INTR
	attr.Ext1 = uint64(uintptr(unsafe.Pointer(&checkFunction))) // a variable of the program stays where it is
	return attr
}

// check reads a record of either event.
func (k *kprobe) check(r *record) check {
	if len(r.chain) == 0 {
		return check{isAnswer: true, granted: int32(r.register(1<<k.result, k.result)) == 0}
	}
	mask := k.arguments()
	return check{
		cap:    caps.Cap(r.register(mask, k.cap)),
		target: r.register(mask, k.target),
		cred:   r.register(mask, k.cred),
	}
}

// register is one of those that a record has: its mask says which, the record has
// them in the order of their numbers, behind the ABI. It is 0 where the record is too
// short.
func (r *record) register(mask uint64, number int) uint64 {
	at := 8 + 8*bits.OnesCount64(mask&(1<<number-1))
	if at+8 > len(r.registers) {
		return 0
	}
	return binary.NativeEndian.Uint64(r.registers[at:])
}

// answers joins what was asked with its answer.
type answers struct {
	asked map[uint32]event // by thread
	// unanswered is how many have none: the kernel had no room for another return
	// probe, or the record was lost.
	unanswered uint64
}

func newAnswers() *answers { return &answers{asked: make(map[uint32]event)} }

// join takes a record. It is false for a question, which waits for its answer, and
// makes of the answer the check.
func (a *answers) join(e *event) bool {
	question, ok := a.asked[e.tid]
	if !e.check.isAnswer {
		if ok {
			a.unanswered++
		}
		a.asked[e.tid] = *e
		return false
	}
	delete(a.asked, e.tid)
	if ok {
		question.check.granted, question.time = e.check.granted, e.time
		*e = question
	}
	return ok
}
