package watch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// spaces knows the user namespaces that records speak of. The kernel names them by
// address, which nothing translates; what each address is gets learned from checks
// whose namespace is known.
type spaces struct {
	initial, own uint64 // addresses
	ownInode     uint64
	inodes       map[uint64]uint64 // by address
	// mapping is an address in security_vm_enough_memory_mm, which is the kernel's own
	// asker of nearly all checks: it is known also where symbols are not.
	mapping uint64
	// partial: the check of a mapping is not delivered. cap_vm_enough_memory calls
	// cap_capable, and the compiler made the call one that a kprobe does not see.
	partial bool
}

// learnSpaces learns the addresses of the initial namespace and of this process's
// from two checks of its own, which change nothing. The event, off at first, is of the
// calling thread, which the caller locks.
func learnSpaces(from source, event int) (*spaces, error) {
	own, err := procfs.OwnThread().Namespace("user")
	if err != nil {
		return nil, err
	}
	if !own.OK {
		return nil, errors.New("the number of this process's user namespace is unavailable")
	}
	s := &spaces{ownInode: own.Value, inodes: make(map[uint64]uint64)}
	b, err := mapBuffer(event, 2)
	if err != nil {
		return nil, err
	}
	defer b.unmap()
	if err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return nil, fmt.Errorf("enabling a perf event: %w", err)
	}
	// cap_vm_enough_memory asks about the initial namespace, for every mapping.
	memory, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	unix.Munmap(memory)
	apply.AskSetpcap() // about this process's
	_ = unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_DISABLE, 0)

	b.drain(func(rec []byte) {
		r, ok := parseRecord(rec)
		if !ok || r.kind != unix.PERF_RECORD_SAMPLE {
			return
		}
		switch c := from.check(&r); c.cap {
		case caps.SysAdmin:
			s.initial = c.target
			if chain := chainAddresses(r.chain); len(chain) > 1 {
				s.mapping = chain[1]
			}
		case caps.Setpcap:
			s.own = c.target
		}
	})
	s.partial = s.initial == 0
	if s.ownInode == cred.InitialUserNS {
		s.initial = s.own
	}
	if s.initial == 0 || s.own == 0 {
		return nil, errors.New("the kernel does not deliver this process's own capability checks")
	}
	s.inodes[s.initial], s.inodes[s.own] = cred.InitialUserNS, s.ownInode
	return s, nil
}

// check is a record of the tracepoint, or of a kprobe.
type check struct {
	cap             caps.Cap
	granted         bool
	target, capable uint64 // addresses of user namespaces; capable is 0 where it was denied, or with a kprobe
	cred            uint64 // address of the credentials, which never change: others are elsewhere

	isAnswer bool // of a kprobe: it has granted alone

	// isCall says that it is the entry of a system call, with its name alone.
	isCall bool
	call   string
}

func (p *tracepoint) check(r *record) check {
	raw := r.raw
	if p.calls != nil && p.value(raw, commonType) == p.calls.id {
		return check{isCall: true, call: p.calls.call(r)}
	}
	return check{
		cap:     caps.Cap(p.value(raw, "cap")),
		granted: p.value(raw, "ret") == 0,
		target:  p.value(raw, "target_ns"),
		capable: p.value(raw, "capable_ns"),
		cred:    p.value(raw, "cred"),
	}
}

// value is a member of a tracepoint's record; 0 where the record is too short.
func (p *tracepoint) value(raw []byte, name string) uint64 {
	f := p.fields[name]
	if f.offset+f.size > len(raw) {
		return 0
	}
	switch b := raw[f.offset:]; f.size {
	case 2:
		return uint64(binary.NativeEndian.Uint16(b))
	case 4:
		return uint64(binary.NativeEndian.Uint32(b))
	case 8:
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}

// learn takes a granted check of a process as evidence: what granted it is the
// namespace of the process.
func (s *spaces) learn(c check, userns uint64) {
	if c.capable != 0 && userns != 0 && s.inodes[c.capable] == 0 {
		s.inodes[c.capable] = userns
	}
}

// of is the namespace that a check was about.
func (s *spaces) of(c check) checks.Namespace {
	switch c.target {
	case s.initial:
		return checks.Namespace{Kind: checks.Initial, Inode: cred.InitialUserNS}
	case s.own:
		return checks.Namespace{Kind: checks.Own, Inode: s.ownInode}
	}
	return checks.Namespace{Kind: checks.Other, Inode: s.inodes[c.target]}
}

// ours reports whether a capability in this process's user namespace decides a
// check of a process in the namespace userns (0 where that is not known). The
// kernel looks for the capability in the process's own namespace, if the one in
// question is that or one below it.
func (s *spaces) ours(c check, userns uint64) bool {
	if c.capable != 0 {
		return c.capable == s.own
	}
	if userns != 0 && userns != s.ownInode {
		return false
	}
	return c.target == s.own || c.target != s.initial
}
