// Package caps says what a Linux capability and a set of them are: their
// names, numbers and text forms. It is pure: the same answer on every machine.
package caps

import (
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// Cap is the number of one capability, its bit in a [Set]: 0 to 63.
// The kernel's list is include/uapi/linux/capability.h.
type Cap uint8

// Every capability that the kernel names, in the kernel's order.
const (
	Chown             Cap = iota // 0
	DACOverride                  // 1
	DACReadSearch                // 2
	Fowner                       // 3
	Fsetid                       // 4
	Kill                         // 5
	Setgid                       // 6
	Setuid                       // 7
	Setpcap                      // 8
	LinuxImmutable               // 9
	NetBindService               // 10
	NetBroadcast                 // 11
	NetAdmin                     // 12
	NetRaw                       // 13
	IPCLock                      // 14
	IPCOwner                     // 15
	SysModule                    // 16
	SysRawio                     // 17
	SysChroot                    // 18
	SysPtrace                    // 19
	SysPacct                     // 20
	SysAdmin                     // 21
	SysBoot                      // 22
	SysNice                      // 23
	SysResource                  // 24
	SysTime                      // 25
	SysTTYConfig                 // 26
	Mknod                        // 27
	Lease                        // 28
	AuditWrite                   // 29
	AuditControl                 // 30
	Setfcap                      // 31
	MACOverride                  // 32
	MACAdmin                     // 33
	Syslog                       // 34
	WakeAlarm                    // 35
	BlockSuspend                 // 36
	AuditRead                    // 37
	Perfmon                      // 38
	BPF                          // 39
	CheckpointRestore            // 40
)

const (
	// Named is how many capabilities have a name here: bits 0 to Named-1.
	Named = int(CheckpointRestore) + 1
	// MaxBits is how many bits a set has room for.
	MaxBits = 64
)

// names holds the libcap names without their common prefix "cap_".
var names = [Named]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill",
	"setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
	"net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
	"sys_tty_config", "mknod", "lease", "audit_write", "audit_control",
	"setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// String is libcap's name, "cap_net_raw"; a bit without a name is its number.
func (c Cap) String() string {
	if int(c) < Named {
		return "cap_" + names[c]
	}
	return strconv.Itoa(int(c))
}

// OCI is the name as the OCI runtime spec, Docker and Kubernetes write it,
// "CAP_NET_RAW"; a bit without a name is its number.
func (c Cap) OCI() string { return strings.ToUpper(c.String()) }

// Short is the name without its prefix, "net_raw"; a bit without a name is its
// number.
func (c Cap) Short() string { return strings.TrimPrefix(c.String(), "cap_") }

// Set is a set of capabilities, one bit each, as in the hex masks of
// /proc/PID/status. The zero value is the empty set.
type Set uint64

// Of is the set of the given capabilities.
func Of(list ...Cap) Set {
	var s Set
	for _, c := range list {
		s |= c.Set()
	}
	return s
}

// First is the set of the n lowest capabilities: First(41) is all that a
// kernel with 41 capabilities has.
func First(n int) Set {
	if n >= MaxBits {
		return ^Set(0)
	}
	return 1<<n - 1
}

// Set is the set that holds only c; empty if c is no bit of a set.
func (c Cap) Set() Set { return 1 << c }

// Has reports whether c is in s.
func (s Set) Has(c Cap) bool { return s&c.Set() != 0 }

// Contains reports whether all of t is in s.
func (s Set) Contains(t Set) bool { return t&^s == 0 }

// Len is how many capabilities s holds.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// Mask is the 16 hex digits that /proc/PID/status shows of a set.
func (s Set) Mask() string {
	const digits = "0123456789abcdef"
	var text [16]byte
	for i := range text {
		text[i] = digits[s>>(60-4*i)&0xf]
	}
	return string(text[:])
}

// All yields the capabilities of s in bit order.
func (s Set) All() iter.Seq[Cap] {
	return func(yield func(Cap) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(Cap(bits.TrailingZeros64(uint64(s)))) {
				return
			}
		}
	}
}

// AppendNames appends libcap's names in bit order, with commas between.
func (s Set) AppendNames(b []byte) []byte {
	sep := false
	for c := range s.All() {
		if sep {
			b = append(b, ',')
		}
		sep = true
		if int(c) < Named {
			b = append(b, "cap_"...)
			b = append(b, names[c]...)
		} else {
			b = strconv.AppendUint(b, uint64(c), 10)
		}
	}
	return b
}

// String is libcap's names in bit order with commas between; empty for the
// empty set.
func (s Set) String() string { return string(s.AppendNames(nil)) }
