package watch

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// callsAgain is the number from which on system calls have the same numbers
// everywhere, in laterCalls.
const callsAgain = 424

const laterCalls = `
	pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount
	fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr
	quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease
	futex_waitv set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue
	statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
	removexattrat open_tree_attr file_getattr file_setattr listns rseq_slice_yield
`

var callNames [2][]string // of firstCalls and laterCalls, once they are needed

// callName is the name of a system call of this architecture; empty where it is not
// known.
func callName(number uint64) string {
	if callNames[0] == nil {
		callNames = [2][]string{strings.Fields(firstCalls), strings.Fields(laterCalls)}
	}
	names := callNames[0]
	if number >= callsAgain {
		names, number = callNames[1], number-callsAgain
	}
	if number < uint64(len(names)) {
		return names[number]
	}
	return ""
}

// commonType is the field of every tracepoint's record that has the tracepoint's number.
const commonType = "common_type"

// callEvent is the event of a tracepoint of system calls: without a call chain, and with
// a register only since the record then says which kind of program made the call.
func (p *tracepoint) callEvent() *unix.PerfEventAttr {
	attr := attributes(unix.PERF_TYPE_TRACEPOINT, p.id)
	sampled(attr)
	attr.Sample_type |= unix.PERF_SAMPLE_REGS_USER
	attr.Sample_regs_user = 1
	attr.Bits |= unix.PerfBitExcludeCallchainKernel
	return attr
}

// call is the name of the system call of a record; empty where it is unknown, as for a
// 32-bit program, which has other numbers.
func (p *tracepoint) call(r *record) string {
	const abi64 = 2 // PERF_SAMPLE_REGS_ABI_64
	if len(r.registers) < 8 || binary.NativeEndian.Uint64(r.registers) != abi64 {
		return ""
	}
	return callName(p.value(r.raw, "id"))
}
