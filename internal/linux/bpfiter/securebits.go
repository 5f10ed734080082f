package bpfiter

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Securebits fills in the securebits of a thread that was read from r. No file of
// /proc has them: a BPF program reads them (Linux 5.8), as far as this process may
// load one. Else, and where the thread has other capabilities by now, they stay as
// they are, unknown.
func Securebits(r procfs.Root, p *cred.Process) {
	if self, ok := r.SeesAll(); !ok || !permitted(&self) {
		return
	}
	withKernelTypes(func(data []byte) {
		types, function, err := btf.Parse(data, iterator)
		if err != nil || function == 0 {
			return
		}
		got, ok := readBits(securebitsProgram(types, function, p.TID), function)
		if ok && got.sets() == [3]caps.Set{p.Effective, p.Permitted, p.Bounding} {
			p.Securebits = cred.Is(cred.Securebits(got.bits))
		}
	})
}

// bitsRecord is what the program writes of the one thread. By the sets one sees whether
// the id is still that of the same.
type bitsRecord struct {
	effective, permitted, bounding uint64
	bits, _                        uint32
}

func (b *bitsRecord) sets() [3]caps.Set {
	return [3]caps.Set{caps.Set(b.effective), caps.Set(b.permitted), caps.Set(b.bounding)}
}

// securebitsProgram writes a record of the thread with that id.
func securebitsProgram(types *btf.Types, iterator btf.ID, tid int) []uint64 {
	var b bitsRecord
	p := &program{types: types, record: int(unsafe.Sizeof(b))}
	t, end := p.begin(iterator)
	p.loadDirect(r8, p.member(t, "pid"), 4)
	p.jump(&end, unix.BPF_JNE|unix.BPF_K, r8, 0, int32(tid))
	p.clear()
	cred := p.follow(r9, p.member(t, "real_cred"))
	p.save(unsafe.Offsetof(b.effective), p.member(cred, "cap_effective"), 8)
	p.save(unsafe.Offsetof(b.permitted), p.member(cred, "cap_permitted"), 8)
	p.save(unsafe.Offsetof(b.bounding), p.member(cred, "cap_bset"), 8)
	p.save(unsafe.Offsetof(b.bits), p.member(cred, "securebits"), 4)
	p.write()
	return p.finish(end)
}

// readBits runs the program; false where it could not be, or wrote nothing.
func readBits(code []uint64, function btf.ID) (b bitsRecord, ok bool) {
	if code == nil {
		return b, false
	}
	fd, err := openIterator("capsh_bits", code, uint32(function))
	if err != nil {
		return b, false
	}
	defer unix.Close(fd)
	room := unsafe.Slice((*byte)(unsafe.Pointer(&b)), unsafe.Sizeof(b))
	n, errno := readIterator(fd, room)
	return b, errno == 0 && n == len(room)
}
