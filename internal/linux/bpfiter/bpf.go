// Package bpfiter reads the kernel's table of processes by a BPF task iterator
// (Documentation/bpf/bpf_iterators.rst, Linux 5.8), for those who may load one. The
// program is put together from the running kernel's own types, without a compiler.
// It only reads, and nothing depends on it: procfs shows the same but for the
// securebits.
package bpfiter

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// progLoad is what bpf(BPF_PROG_LOAD) takes, up to attach_btf_id (union bpf_attr,
// include/uapi/linux/bpf.h). Addresses have 64 bits everywhere.
type progLoad struct {
	kind, count             uint32
	code, license           uint64
	logLevel, logSize       uint32
	log                     uint64
	kernel, flags           uint32
	name                    [unix.BPF_OBJ_NAME_LEN]byte
	device, attachType      uint32
	types, functionSize     uint32
	functions               uint64
	functionCount, lineSize uint32
	lines                   uint64
	lineCount, attachedTo   uint32
}

type linkCreate struct{ program, target, attachType, flags uint32 }

type iterCreate struct{ link, flags uint32 }

// license lets the program call helpers that the kernel keeps for those it may
// link with; ours is one of its two.
var license = [...]byte{'D', 'u', 'a', 'l', ' ', 'B', 'S', 'D', '/', 'G', 'P', 'L', 0}

// bpf is bpf(2), for the commands that make a descriptor. Each is closed at exec. The
// kernel stops looking through a program when there is a signal, as Go's scheduler
// sends them, and has it loaded again (kernel/bpf/verifier.c, do_check).
func bpf(command uintptr, attr unsafe.Pointer, size uintptr) (fd int, err error) {
	const attempts = 20
	for range attempts {
		n, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attr), size)
		if errno == 0 {
			return int(n), nil
		}
		if err = errno; err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return -1, err
}

// openIterator loads a program that one of the kernel's iterators calls for each
// object, and opens what it writes as a file (Documentation/bpf/bpf_iterators.rst,
// Linux 5.8), whose function is known by its type. Nothing stays when the
// file is closed. The error is bpf(2)'s.
func openIterator(name string, code []uint64, function uint32) (fd int, err error) {
	program, err := loadProgram(name, code, function)
	if err != nil {
		return -1, err
	}
	defer unix.Close(program)
	l := linkCreate{program: uint32(program), attachType: unix.BPF_TRACE_ITER}
	link, err := bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&l), unsafe.Sizeof(l))
	if err != nil {
		return -1, err
	}
	defer unix.Close(link)
	i := iterCreate{link: uint32(link)}
	return bpf(unix.BPF_ITER_CREATE, unsafe.Pointer(&i), unsafe.Sizeof(i))
}

func loadProgram(name string, code []uint64, function uint32) (fd int, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&code[0])
	pin.Pin(&license[0])
	p := progLoad{
		kind:       unix.BPF_PROG_TYPE_TRACING,
		count:      uint32(len(code)),
		code:       uint64(uintptr(unsafe.Pointer(&code[0]))),
		license:    uint64(uintptr(unsafe.Pointer(&license[0]))),
		attachType: unix.BPF_TRACE_ITER,
		attachedTo: function,
	}
	copy(p.name[:len(p.name)-1], name)
	return bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&p), unsafe.Sizeof(p))
}

// readIterator reads on where the kernel had a rest: it does, after a million
// threads of which nothing was written.
func readIterator(fd int, b []byte) (int, unix.Errno) {
	for {
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if err != unix.EAGAIN && err != unix.EINTR {
			return int(n), err
		}
	}
}
