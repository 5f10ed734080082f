package watch

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// buffer is the memory that the kernel writes the records of one event to.
type buffer struct {
	memory []byte
	page   *unix.PerfEventMmapPage
	data   []byte
	whole  []byte // a record that was broken in two by the buffer's end
}

// mapBuffer maps the buffer of an event: at most pages of them, a power of two,
// and fewer where so much may not be locked (RLIMIT_MEMLOCK,
// perf_event_mlock_kb).
func mapBuffer(fd, pages int) (*buffer, error) {
	size := unix.Getpagesize()
	for {
		memory, err := unix.Mmap(fd, 0, (1+pages)*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if (err == unix.EPERM || err == unix.ENOMEM) && pages > 1 {
			pages /= 2
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("mmap of a perf buffer: %w", err)
		}
		return &buffer{memory: memory, page: (*unix.PerfEventMmapPage)(unsafe.Pointer(&memory[0])), data: memory[size:]}, nil
	}
}

func (b *buffer) unmap() { unix.Munmap(b.memory) }

// drain gives each record that is in the buffer to use, which may keep none of
// its bytes, and makes room for new ones.
func (b *buffer) drain(use func(rec []byte)) {
	size := uint64(len(b.data))
	tail, head := b.page.Data_tail, atomic.LoadUint64(&b.page.Data_head)
	for head-tail >= headerSize {
		at := tail % size // records begin at multiples of eight: a header is in one piece
		length := uint64(binary.NativeEndian.Uint16(b.data[at+6:]))
		if length < headerSize || length > head-tail {
			break // never so, as the kernel writes it
		}
		if at+length <= size {
			use(b.data[at : at+length])
		} else {
			b.whole = append(append(b.whole[:0], b.data[at:]...), b.data[:at+length-size]...)
			use(b.whole)
		}
		tail += length
		atomic.StoreUint64(&b.page.Data_tail, tail)
	}
}
