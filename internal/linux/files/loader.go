package files

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"

	"capsh/internal/linux/procfs"

	"golang.org/x/sys/unix"
)

// elfHeadSize is how much of a file is read at once. The headers of most ELF files
// and the path of their loader are in it.
const elfHeadSize = 1024

// elfMachine is a kind of ELF file that a kernel runs: e_machine, and whether its
// headers are the 64-bit ones. class is what the kernel compares EI_CLASS with, 0
// where it does not. (elf_check_arch and compat_elf_check_arch,
// arch/*/include/asm/elf.h.)
type elfMachine struct {
	machine uint16
	wide    bool
	class   byte
}

// elfHost is the kinds of ELF files that the kernels of an architecture run, or some
// of them.
type elfHost struct {
	arch     string // its GOARCH
	order    binary.ByteOrder
	machines []elfMachine
}

var elfHosts = [...]elfHost{
	{"386", binary.LittleEndian, []elfMachine{{3, false, 0}, {6, false, 0}, {62, true, 0}}},
	{"amd64", binary.LittleEndian, []elfMachine{{62, true, 0}, {3, false, 0}, {6, false, 0}}},
	{"arm", binary.LittleEndian, []elfMachine{{40, false, 0}, {183, true, 0}}},
	{"arm64", binary.LittleEndian, []elfMachine{{183, true, 0}, {40, false, 0}}},
	{"ppc64le", binary.LittleEndian, []elfMachine{{21, true, 0}, {20, false, 0}}},
	{"riscv64", binary.LittleEndian, []elfMachine{{243, true, 2}, {243, false, 1}}},
	{"s390x", binary.BigEndian, []elfMachine{{22, true, 2}, {22, false, 1}}},
}

// hostOf is the host of an architecture; an empty one that is not known.
func hostOf(arch string) *elfHost {
	for i := range elfHosts {
		if elfHosts[i].arch == arch {
			return &elfHosts[i]
		}
	}
	return &elfHost{}
}

// elfKind decides how an ELF file is read. The kernel ignores the byte order that the
// file names and uses its own.
type elfKind struct {
	elfMachine
	order binary.ByteOrder
}

// find is the kind of an ELF header; false for one that these kernels do not run.
func (h *elfHost) find(head []byte) (elfKind, bool) {
	for _, m := range h.machines {
		if m.machine == h.order.Uint16(head[18:]) && (m.class == 0 || m.class == head[4]) {
			return elfKind{m, h.order}, true
		}
	}
	return elfKind{}, false
}

// findKind is the kind of an ELF header; false for another file, and for one that
// this host does not run. Under an emulator this program's architecture may differ
// from the kernel's: the kernel runs files of its own.
func findKind(head []byte) (elfKind, bool) {
	if !isELF(head) {
		return elfKind{}, false
	}
	kind, ok := hostOf(runtime.GOARCH).find(head)
	if !ok {
		kind, ok = hostOf(kernelArch()).find(head)
	}
	return kind, ok
}

// kernelArch is the GOARCH of the kernel (Linux 6.1), whatever uname(2) says under an
// emulator; that of this program where it is not known.
func kernelArch() string {
	text, err := procfs.ReadOwn("sys/kernel/arch")
	machine := strings.TrimSuffix(string(text), "\n")
	switch {
	case err != nil:
		return runtime.GOARCH
	case machine == "x86_64":
		return "amd64"
	case machine == "aarch64":
		return "arm64"
	case strings.HasPrefix(machine, "armv"):
		return "arm"
	case len(machine) == 4 && strings.HasSuffix(machine, "86"):
		return "386"
	}
	return machine
}

func isELF(head []byte) bool { return bytes.HasPrefix(head, []byte("\x7fELF")) }

// notNative is the reason for the kernel's ENOEXEC: no built-in format matches.
type notNative string

func (why notNative) Error() string        { return string(why) }
func (why notNative) Is(target error) bool { return target == unix.ENOEXEC }

const corruptELF notNative = "a corrupt ELF file"

// checkELF checks whether the kernel runs p, and with which dynamic loader, by the
// rules of load_elf_binary (fs/binfmt_elf.c). The error is a notNative where that
// function would return ENOEXEC.
func (c *chain) checkELF(p *program) error {
	const executable, shared = 2, 3 // e_type: ET_EXEC, ET_DYN
	head := p.head[:64]
	if !isELF(head) {
		return notNative(`neither a "#!" line nor an ELF header`)
	}
	kind, ok := findKind(head)
	if !ok {
		return notNative("an ELF file for another architecture")
	}
	if t := kind.order.Uint16(head[16:]); t != executable && t != shared {
		return corruptELF
	}
	file := elfFile{p, kind, c.maxSegments()}
	path, found, err := file.loader()
	switch {
	case errors.Is(err, unix.ENOEXEC):
		return err
	case err != nil:
		return p.fail("execve", err, "the path of its dynamic loader cannot be read")
	case found && path == "": // the kernel opens the working directory instead
		return p.fail("execve", unix.EACCES, "the path of its dynamic loader is empty")
	case found:
		return c.checkLoader(link{path: path, of: p.path, as: "dynamic loader"}, &file)
	}
	return nil
}

// checkLoader refuses a dynamic loader that the kernel would not accept.
func (c *chain) checkLoader(at link, file *elfFile) error {
	p, err := c.openProgram(at)
	if err != nil {
		return err
	}
	defer unix.Close(p.fd)
	if p.unreadable { // the kernel reads it all the same
		return nil
	}
	if p.size < file.pick(52, 64) { // Elf32_Ehdr, Elf64_Ehdr
		return p.fail("execve", unix.EIO, "shorter than an ELF header")
	}
	kind, ok := findKind(p.head[:64])
	ok = ok && kind.wide == file.wide
	if ok {
		loader := elfFile{p, kind, c.maxSegments()}
		_, err = loader.segments()
	}
	if !ok || err != nil {
		return p.fail("execve", unix.ELIBBAD, "not an ELF file for the program's architecture")
	}
	return nil
}

// part is a part of the file: EIO where the file ends before (elf_read).
func (p *program) part(at, size uint64) ([]byte, error) {
	if at <= elfHeadSize && size <= elfHeadSize-at && int(at+size) <= p.size {
		return p.head[at : at+size], nil
	}
	b := make([]byte, size)
	n, err := unix.Pread(p.fd, b, int64(at))
	if err == nil && n < len(b) {
		err = unix.EIO
	}
	return b, err
}

// maxSegments is how many bytes of program headers the kernel reads: before Linux
// 6.17 no more than a page (ELF_MIN_ALIGN).
func (c *chain) maxSegments() uint64 {
	if c.before617 {
		return uint64(unix.Getpagesize())
	}
	return 1 << 16
}

// elfFile is an ELF file as elf(5) has it.
type elfFile struct {
	*program
	elfKind
	maxSegments uint64
}

// segments reads the program headers (load_elf_phdrs).
func (e *elfFile) segments() ([]byte, error) {
	table, size, count := e.uint(e.head[:], 28, 32, 4, 8), e.uint(e.head[:], 42, 54, 2, 2), e.uint(e.head[:], 44, 56, 2, 2)
	all := size * count
	if size != uint64(e.pick(32, 56)) || all == 0 || all > e.maxSegments {
		return nil, corruptELF
	}
	b, err := e.part(table, all)
	if err != nil {
		return nil, corruptELF
	}
	return b, nil
}

// loader finds the path of the dynamic loader, the PT_INTERP segment; false for a
// static program.
func (e *elfFile) loader() (path string, found bool, err error) {
	segments, err := e.segments()
	if err != nil {
		return "", false, err
	}
	for ; len(segments) > 0; segments = segments[e.pick(32, 56):] {
		const interpreter = 3 // p_type, PT_INTERP
		if e.order.Uint32(segments) != interpreter {
			continue
		}
		at, size := e.uint(segments, 4, 8, 4, 8), e.uint(segments, 16, 32, 4, 8) // p_offset, p_filesz
		if size < 2 || size > unix.PathMax {
			return "", false, corruptELF
		}
		text, err := e.part(at, size)
		if err != nil {
			return "", false, err
		}
		if text[size-1] != 0 {
			return "", false, corruptELF
		}
		text, _, _ = bytes.Cut(text, []byte{0})
		return string(text), true, nil
	}
	return "", false, nil
}

// pick is the first of a file with 32-bit headers, the second of one with 64-bit.
func (e *elfFile) pick(narrow, wide int) int {
	if e.wide {
		return wide
	}
	return narrow
}

// uint is the number at an offset and of a size in bytes, by the kind of headers.
func (e *elfFile) uint(b []byte, at32, at64, size32, size64 int) uint64 {
	b = b[e.pick(at32, at64):]
	switch e.pick(size32, size64) {
	case 2:
		return uint64(e.order.Uint16(b))
	case 4:
		return uint64(e.order.Uint32(b))
	}
	return e.order.Uint64(b)
}
