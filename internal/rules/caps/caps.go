// Package caps has Linux capabilities and sets of them: their names, numbers and
// text forms. It is pure: the same answer on every host.
package caps

import (
	"fmt"
	"iter"
	"math/bits"
	"strings"
	"sync"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Cap is the number of one capability, its bit in a [Set]: 0 to 63. Numbers and
// names are libcap's, which follow the kernel's include/uapi/linux/capability.h.
type Cap cap.Value

// Every capability that the kernel names, in the kernel's order.
const (
	Chown             = Cap(cap.CHOWN)              // 0
	DACOverride       = Cap(cap.DAC_OVERRIDE)       // 1
	DACReadSearch     = Cap(cap.DAC_READ_SEARCH)    // 2
	Fowner            = Cap(cap.FOWNER)             // 3
	Fsetid            = Cap(cap.FSETID)             // 4
	Kill              = Cap(cap.KILL)               // 5
	Setgid            = Cap(cap.SETGID)             // 6
	Setuid            = Cap(cap.SETUID)             // 7
	Setpcap           = Cap(cap.SETPCAP)            // 8
	LinuxImmutable    = Cap(cap.LINUX_IMMUTABLE)    // 9
	NetBindService    = Cap(cap.NET_BIND_SERVICE)   // 10
	NetBroadcast      = Cap(cap.NET_BROADCAST)      // 11
	NetAdmin          = Cap(cap.NET_ADMIN)          // 12
	NetRaw            = Cap(cap.NET_RAW)            // 13
	IPCLock           = Cap(cap.IPC_LOCK)           // 14
	IPCOwner          = Cap(cap.IPC_OWNER)          // 15
	SysModule         = Cap(cap.SYS_MODULE)         // 16
	SysRawio          = Cap(cap.SYS_RAWIO)          // 17
	SysChroot         = Cap(cap.SYS_CHROOT)         // 18
	SysPtrace         = Cap(cap.SYS_PTRACE)         // 19
	SysPacct          = Cap(cap.SYS_PACCT)          // 20
	SysAdmin          = Cap(cap.SYS_ADMIN)          // 21
	SysBoot           = Cap(cap.SYS_BOOT)           // 22
	SysNice           = Cap(cap.SYS_NICE)           // 23
	SysResource       = Cap(cap.SYS_RESOURCE)       // 24
	SysTime           = Cap(cap.SYS_TIME)           // 25
	SysTTYConfig      = Cap(cap.SYS_TTY_CONFIG)     // 26
	Mknod             = Cap(cap.MKNOD)              // 27
	Lease             = Cap(cap.LEASE)              // 28
	AuditWrite        = Cap(cap.AUDIT_WRITE)        // 29
	AuditControl      = Cap(cap.AUDIT_CONTROL)      // 30
	Setfcap           = Cap(cap.SETFCAP)            // 31
	MACOverride       = Cap(cap.MAC_OVERRIDE)       // 32
	MACAdmin          = Cap(cap.MAC_ADMIN)          // 33
	Syslog            = Cap(cap.SYSLOG)             // 34
	WakeAlarm         = Cap(cap.WAKE_ALARM)         // 35
	BlockSuspend      = Cap(cap.BLOCK_SUSPEND)      // 36
	AuditRead         = Cap(cap.AUDIT_READ)         // 37
	Perfmon           = Cap(cap.PERFMON)            // 38
	BPF               = Cap(cap.BPF)                // 39
	CheckpointRestore = Cap(cap.CHECKPOINT_RESTORE) // 40
)

const (
	// Named is how many capabilities have a name here: bits 0 to Named-1.
	Named = int(cap.NamedCount)
	// MaxBits is how many bits a set has room for.
	MaxBits = 64
)

// String is libcap's name, "cap_net_raw"; a bit without a name is its number.
func (c Cap) String() string { return cap.Value(c).String() }

// OCI is the name as the OCI runtime spec, Docker and Kubernetes write it,
// "CAP_NET_RAW"; a bit without a name is its number.
func (c Cap) OCI() string { return strings.ToUpper(c.String()) }

// Short is the name without its prefix, "net_raw"; a bit without a name is its
// number.
func (c Cap) Short() string { return strings.TrimPrefix(c.String(), "cap_") }

// AddWord is c as the --cap-add and --cap-drop options of Docker and Podman
// and the manifests of Kubernetes take it, "NET_RAW".
func (c Cap) AddWord() string { return strings.ToUpper(c.Short()) }

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

// Set is the set with c alone; empty if c is not a bit of a set.
func (c Cap) Set() Set { return 1 << c }

// Has reports whether c is in s.
func (s Set) Has(c Cap) bool { return s&c.Set() != 0 }

// Contains reports whether all of t is in s.
func (s Set) Contains(t Set) bool { return t&^s == 0 }

// Len is how many capabilities s has.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// Mask is the 16 hex digits that /proc/PID/status shows of a set.
func (s Set) Mask() string { return fmt.Sprintf("%016x", uint64(s)) }

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
		b = append(b, c.String()...)
	}
	return b
}

// String is libcap's names in bit order with commas between; empty for the
// empty set.
func (s Set) String() string { return string(s.AppendNames(nil)) }

// ShortNames are the names of s in bit order without cap_: "net_raw".
func (s Set) ShortNames() []string {
	list := make([]string, 0, s.Len())
	for c := range s.All() {
		list = append(list, c.Short())
	}
	return list
}

// OCINames are the names of s in bit order, as the OCI runtime spec has them:
// "CAP_NET_RAW"; a capability without a name is its number, "41". Never nil.
func (s Set) OCINames() []string {
	all, list := ociNames(), make([]string, 0, s.Len())
	for c := range s.All() {
		list = append(list, all[c])
	}
	return list
}

// ociNames are the names of all bits, made once: a long list has each of them often.
var ociNames = sync.OnceValue(func() []string {
	list := make([]string, MaxBits)
	for c := range list {
		list[c] = Cap(c).OCI()
	}
	return list
})
