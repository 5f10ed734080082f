package watch

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// record is what the kernel wrote about one moment (perf_event_open(2),
// "Layout of the mmap buffer"). Which members are set depends on its kind.
type record struct {
	kind uint32 // unix.PERF_RECORD_…
	time uint64 // nanoseconds of CLOCK_MONOTONIC
	pid  uint32
	tid  uint32

	chain []byte // SAMPLE: the call chain, eight bytes an address, the innermost first
	raw   []byte // SAMPLE: the tracepoint's record

	registers []byte // SAMPLE of a kprobe: the ABI, then eight bytes a register

	comm string // COMM
	exec bool   // COMM: it is that of an execve

	parent, parentThread uint32 // FORK: which process and thread pid and tid come from

	userns uint64 // NAMESPACES: the inode of its user namespace
}

// sampleType is what each SAMPLE record has, and, of it, its identity and its time
// also at the end of every other record.
const sampleType = unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME | unix.PERF_SAMPLE_CALLCHAIN | unix.PERF_SAMPLE_RAW

const (
	headerSize  = 8  // struct perf_event_header: type, misc, size
	trailerSize = 16 // the sample_id of what is no SAMPLE: pid, tid, time

	miscCommExec = 1 << 13 // PERF_RECORD_MISC_COMM_EXEC

	// usernsIndex is the place of the user namespace in a NAMESPACES record
	// (USER_NS_INDEX of uapi/linux/perf_event.h).
	usernsIndex = 4
)

// parseRecord reads a record, header and all. Its slices point into b. It is
// false for a record that is cut short or of a kind that is not looked at.
func parseRecord(b []byte) (r record, ok bool) {
	if len(b) < headerSize {
		return r, false
	}
	r.kind = binary.NativeEndian.Uint32(b)
	misc := binary.NativeEndian.Uint16(b[4:])
	body := reader{b: b[headerSize:]}
	if r.kind == unix.PERF_RECORD_SAMPLE {
		r.sample(&body)
		return r, !body.short
	}
	if len(body.b) < trailerSize {
		return r, false
	}
	trailer := reader{b: body.b[len(body.b)-trailerSize:]}
	body.b = body.b[:len(body.b)-trailerSize]
	trailer.u64() // pid and tid, which the body has too
	r.time = trailer.u64()
	r.pid = body.u32()
	switch r.kind {
	case unix.PERF_RECORD_COMM:
		r.tid = body.u32()
		name, _, _ := bytes.Cut(body.b, []byte{0})
		r.comm, r.exec = string(name), misc&miscCommExec != 0
	case unix.PERF_RECORD_FORK, unix.PERF_RECORD_EXIT:
		r.parent, r.tid, r.parentThread = body.u32(), body.u32(), body.u32()
	case unix.PERF_RECORD_NAMESPACES:
		r.tid = body.u32()
		count := body.u64()
		for i := range min(count, usernsIndex+1) {
			_, inode := body.u64(), body.u64() // device and inode
			if i == usernsIndex {
				r.userns = inode
			}
		}
	default:
		return r, false
	}
	return r, !body.short
}

func (r *record) sample(body *reader) {
	r.pid, r.tid = body.u32(), body.u32()
	r.time = body.u64()
	if count := body.u64(); count <= uint64(len(body.b)/8) {
		r.chain = body.bytes(int(count) * 8)
	} else {
		body.short = true
	}
	r.raw = body.bytes(int(body.u32()))
	r.registers = body.b
}

// chainAddresses are the addresses of a call chain. The last page of them marks
// where a chain goes from kernel to user (PERF_CONTEXT_MAX), and is left out.
func chainAddresses(chain []byte) []uint64 {
	var list []uint64
	for ; len(chain) >= 8; chain = chain[8:] {
		if a := binary.NativeEndian.Uint64(chain); a < 1<<64-4096 {
			list = append(list, a)
		}
	}
	return list
}

// reader takes values off the front of b.
type reader struct {
	b     []byte
	short bool // there were fewer bytes than were asked for
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.NativeEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}
