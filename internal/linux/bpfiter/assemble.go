package bpfiter

import (
	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter/btf"
)

// program is a BPF program as it grows: it is put together here, by the running
// kernel's own description of its structs. No compiler is needed, and no kernel's
// layout is known in advance. What it writes is a record at the lower end of its
// stack; above that is room for what it loads.
type program struct {
	types  *btf.Types
	record int // the record's size
	code   []uint64
	// failed says that the kernel's structs are not as they have to be.
	failed bool
}

// reg is a register (Documentation/bpf/standardization/instruction-set.rst): r0 is
// a result, r1 to r5 are arguments and lost at a call, rStack is the stack's upper
// end.
type reg uint8

const (
	r0 reg = unix.BPF_REG_0 + iota
	r1
	r2
	r3
	_
	_
	rTask // the thread
	rFile // what the program writes to
	r8
	r9
	rStack
)

// The helpers that a program calls (include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER).
const (
	helperReadKernel = 113 // bpf_probe_read_kernel
	helperSeqWrite   = 127 // bpf_seq_write
)

// location is memory of the kernel: at an offset from where a register points to,
// of a type.
type location struct {
	base         reg
	offset, size uint32
	of           btf.ID
}

// member is a member of a struct, or of one within it.
func (p *program) member(in location, names ...string) location {
	for _, name := range names {
		m, ok := p.types.Member(in.of, name)
		in.offset += m.Offset
		in.size, in.of = m.Size, m.Type
		p.failed = p.failed || !ok
	}
	return in
}

// begin finds the thread and the file in the program's argument, which is a struct
// of the iterator's parameters; at the end of all there is no thread. It gives where
// the thread is, and a label to go to the end.
func (p *program) begin(function btf.ID) (thread location, end label) {
	meta := p.parameter(function, 0, r2)
	thread = p.parameter(function, 1, rTask)
	p.loadDirect(rFile, p.member(meta, "seq"), 8)
	p.jump(&end, unix.BPF_JEQ|unix.BPF_K, rTask, 0, 0)
	return thread, end
}

// parameter loads one of the iterator's, all of which are pointers.
func (p *program) parameter(function btf.ID, n int, dst reg) location {
	pointer, ok := p.types.Param(function, n)
	of, found := p.types.Elem(pointer)
	p.failed = p.failed || !ok || !found
	p.loadDirect(dst, location{base: r1, offset: 8 * uint32(n), size: 8}, 8)
	return location{base: dst, of: of}
}

// loadDirect loads the first bytes of a location that the kernel lets a program read
// itself. For a pointer in a struct the kernel would then have to look at all of its
// types when it loads the program, a millisecond each.
func (p *program) loadDirect(dst reg, from location, bytes uint32) {
	p.failed = p.failed || from.size < bytes || from.offset >= 1<<15
	p.emit(unix.BPF_LDX|unix.BPF_MEM|width(bytes), dst, from.base, int(from.offset), 0)
}

func width(bytes uint32) int {
	if bytes == 8 {
		return unix.BPF_DW
	}
	return unix.BPF_W
}

// Where there is room above the record, from the stack's upper end.
const (
	room1 = -8
	room2 = -16
	rooms = 16
)

// slot is where a member of the record is.
func (p *program) slot(member uintptr) int { return int(member) - p.record - rooms }

// copy copies the first bytes of a location to the stack; zeros if it is not there,
// as when a pointer is null.
func (p *program) copy(to int, from location, bytes uint32) {
	p.failed = p.failed || from.size < bytes
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_K, r2, 0, 0, int32(bytes))
	p.copyR2(to, from)
}

// copyR2 copies as many bytes as r2 says.
func (p *program) copyR2(to int, from location) {
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, r1, rStack, 0, 0)
	p.emit(unix.BPF_ALU64|unix.BPF_ADD|unix.BPF_K, r1, 0, 0, int32(to))
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, r3, from.base, 0, 0)
	p.emit(unix.BPF_ALU64|unix.BPF_ADD|unix.BPF_K, r3, 0, 0, int32(from.offset))
	p.emit(unix.BPF_JMP|unix.BPF_CALL, 0, 0, 0, helperReadKernel)
}

// save copies the first bytes of a location to a member of the record.
func (p *program) save(member uintptr, from location, bytes uint32) {
	p.copy(p.slot(member), from, bytes)
}

// store stores four bytes of a register in the record.
func (p *program) store(member uintptr, from reg) {
	p.emit(unix.BPF_STX|unix.BPF_MEM|unix.BPF_W, rStack, from, p.slot(member), 0)
}

// follow loads a pointer and gives what it leads to.
func (p *program) follow(dst reg, from location) location {
	of, ok := p.types.Elem(from.of)
	p.failed = p.failed || !ok
	p.copy(room1, from, 8)
	p.emit(unix.BPF_LDX|unix.BPF_MEM|unix.BPF_DW, dst, rStack, room1, 0)
	return location{base: dst, of: of}
}

// compare goes to a label unless the first bytes of two locations are the same.
func (p *program) compare(differ *label, a, b location, bytes uint32) {
	p.copy(room1, a, bytes)
	p.copy(room2, b, bytes)
	p.emit(unix.BPF_LDX|unix.BPF_MEM|width(bytes), r1, rStack, room1, 0)
	p.emit(unix.BPF_LDX|unix.BPF_MEM|width(bytes), r2, rStack, room2, 0)
	p.jump(differ, unix.BPF_JNE|unix.BPF_X, r1, r2, 0)
}

// clear makes the record zero.
func (p *program) clear() {
	p.set(r1, 0)
	for at := 0; at < p.record; at += 8 {
		p.emit(unix.BPF_STX|unix.BPF_MEM|unix.BPF_DW, rStack, r1, p.slot(uintptr(at)), 0)
	}
}

func (p *program) set(dst reg, number int32) {
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_K, dst, 0, 0, number)
}

// write writes the record.
func (p *program) write() {
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, r1, rFile, 0, 0)
	p.emit(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, r2, rStack, 0, 0)
	p.emit(unix.BPF_ALU64|unix.BPF_ADD|unix.BPF_K, r2, 0, 0, int32(p.slot(0)))
	p.set(r3, int32(p.record))
	p.emit(unix.BPF_JMP|unix.BPF_CALL, 0, 0, 0, helperSeqWrite)
}

// finish is the end: 0 lets the iterator go on. The result is nil if a struct is not
// as it has to be.
func (p *program) finish(end label) []uint64 {
	p.here(end)
	p.set(r0, 0)
	p.emit(unix.BPF_JMP|unix.BPF_EXIT, 0, 0, 0, 0)
	if p.failed {
		return nil
	}
	return p.code
}

// label is a place further down that the instructions at these places jump to.
type label []int

// jump goes to a label if the comparison of a register with a number is true, or with
// another register if op has BPF_X.
func (p *program) jump(to *label, op int, a, b reg, number int32) {
	*to = append(*to, len(p.code))
	p.emit(unix.BPF_JMP|op, a, b, 0, number)
}

// here is where a label's jumps lead.
func (p *program) here(l label) {
	for _, from := range l {
		p.code[from] |= uint64(uint16(len(p.code)-from-1)) << 16
	}
}

// emit appends an instruction in little-endian byte order.
func (p *program) emit(op int, dst, src reg, offset int, number int32) {
	p.code = append(p.code, uint64(uint8(op))|uint64(dst)<<8|uint64(src)<<12|
		uint64(uint16(offset))<<16|uint64(uint32(number))<<32)
}
