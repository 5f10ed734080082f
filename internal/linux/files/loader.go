package files

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// MissingLoader explains an ENOENT from execve for a file that exists: it
// returns the dynamic loader that an ELF file asks for (its PT_INTERP segment)
// if that can't be opened, else an empty string. An error is the errno of a
// failed read, ENOEXEC for what is no ELF file.
func (l Lookup) MissingLoader(path string) (string, error) {
	fd, err := l.OpenFD(path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	loader, err := elfInterpreter(func(b []byte, at uint64) error {
		if at > 1<<62 {
			return unix.ENOEXEC
		}
		n, err := unix.Pread(fd, b, int64(at))
		if err == nil && n < len(b) {
			err = unix.ENOEXEC
		}
		return err
	})
	if err != nil || loader == "" {
		return "", err
	}
	there, err := l.OpenFD(loader, unix.O_PATH)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return loader, nil
	}
	if err == nil {
		unix.Close(there)
	}
	return "", err
}

// elfInterpreter finds the loader's path in an ELF file of any class and byte
// order (elf(5)); empty for a static one. read fills b from an offset.
func elfInterpreter(read func(b []byte, at uint64) error) (string, error) {
	var head [64]byte // Elf64_Ehdr; Elf32_Ehdr has 52 bytes and a body behind it
	if err := read(head[:], 0); err != nil {
		return "", err
	}
	if string(head[:4]) != "\x7fELF" || head[4] < 1 || head[4] > 2 || head[5] < 1 || head[5] > 2 {
		return "", syscall.ENOEXEC
	}
	e := elfLayout{wide: head[4] == 2, big: head[5] == 2}
	table := e.uint(head[:], 28, 32, 4, 8)             // e_phoff
	entry := e.uint(head[:], 42, 54, 2, 2)             // e_phentsize
	count := e.uint(head[:], 44, 56, 2, 2)             // e_phnum
	if size := uint64(e.pick(32, 56)); entry != size { // sizeof(struct elf_phdr), as in load_elf_phdrs
		return "", syscall.ENOEXEC
	}
	for i := range count {
		var ph [56]byte
		if err := read(ph[:entry], table+i*entry); err != nil {
			return "", err
		}
		if e.uint(ph[:], 0, 0, 4, 4) != 3 { // p_type, PT_INTERP
			continue
		}
		at, size := e.uint(ph[:], 4, 8, 4, 8), e.uint(ph[:], 16, 32, 4, 8) // p_offset, p_filesz
		if size < 2 || size > unix.PathMax {
			return "", syscall.ENOEXEC
		}
		path := make([]byte, size)
		if err := read(path, at); err != nil {
			return "", err
		}
		if path[size-1] != 0 {
			return "", syscall.ENOEXEC
		}
		return string(path[:size-1]), nil
	}
	return "", nil
}

// elfLayout is what decides the layout of an ELF file.
type elfLayout struct{ wide, big bool }

// pick is the first of a 32-bit file, the second of a 64-bit one.
func (e elfLayout) pick(narrow, wide int) int {
	if e.wide {
		return wide
	}
	return narrow
}

// uint is the number at an offset and of a size in bytes, by class.
func (e elfLayout) uint(b []byte, at32, at64, size32, size64 int) uint64 {
	at := e.pick(at32, at64)
	b = b[at : at+e.pick(size32, size64)]
	var n uint64
	for i := range b {
		if e.big {
			n = n<<8 | uint64(b[i])
		} else {
			n |= uint64(b[i]) << (8 * i)
		}
	}
	return n
}
