package files

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// static is a program that exits with status 0 on amd64, and is one for the
// architecture of this test elsewhere: its headers are what is read here.
var static = program64(wide(), "", "")

// wide is the 64-bit kind of this host.
func wide() elfMachine {
	machines := hostOf(runtime.GOARCH).machines
	return machines[slices.IndexFunc(machines, func(m elfMachine) bool { return m.wide })]
}

// program64 is an ELF file with one segment of code, and one that names a loader
// if there is one; more is behind all that.
func program64(m elfMachine, loader, more string) string {
	code := string([]byte{0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05})
	segments := 1
	if loader != "" {
		segments = 2
	}
	headers := uint64(64 + 56*segments)
	const base = 0x400000
	size := headers + uint64(len(code)+len(loader)+len(more))
	head := "\x7fELF" + string([]byte{max(m.class, 2), 1, 1}) + strings.Repeat("\x00", 9)
	b := []byte(head)
	add := func(values ...any) {
		for _, v := range values {
			b, _ = binary.Append(b, binary.NativeEndian, v)
		}
	}
	add(uint16(2), m.machine, uint32(1), base+headers, uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(segments), uint16(0), uint16(0), uint16(0))
	if loader != "" {
		at, n := headers+uint64(len(code)), uint64(len(loader))
		add(uint32(3), uint32(4), at, base+at, base+at, n, n, uint64(1))
	}
	add(uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000))
	return string(b) + code + loader + more
}

// TestELFKernel: what execve says of ELF files that are damaged at random is what is
// said here before.
func TestELFKernel(t *testing.T) {
	testenv.Need(t, "an amd64 host", runtime.GOARCH == "amd64", runtime.GOARCH)
	dir := t.TempDir()
	amd64 := hostOf("amd64").machines[0]
	loader := write(t, dir, "loader", static)
	write(t, dir, "short", static[:60])
	write(t, dir, "cut", static[:100])
	write(t, dir, "arm", program64(hostOf("arm64").machines[0], "", ""))
	write(t, dir, "text", strings.Repeat("no ELF file\n", 10))
	if err := os.Chmod(write(t, dir, "plain", static), 0o644); err != nil {
		t.Fatal(err)
	}
	names := []string{"loader", "short", "cut", "arm", "text", "plain", "gone", "", "."}
	r := rand.New(rand.NewPCG(3, 4))
	outcomes := map[string]int{}
	for i := range 2000 {
		long := strings.Repeat("\x00", 120000*(r.IntN(4)/3)) // with room for more headers than there may be
		text := program64(amd64, "", long)
		if i%2 == 1 {
			text = program64(amd64, filepath.Join(dir, names[r.IntN(len(names))])+"\x00", long)
			if i%4 == 1 {
				text = program64(amd64, loader+"\x00", long)
			}
		}
		b := []byte(text)
		for range r.IntN(3) { // the header, the first segment's kind, place and size
			at := []int{r.IntN(64), 4, 5, 16, 18, 32, 54, 56, 64, 64 + 8 + r.IntN(8), 64 + 32 + r.IntN(8)}[r.IntN(11)]
			b[at] = []byte{0, 1, 2, 3, 6, 62, 255, byte(r.IntN(256))}[r.IntN(8)]
			if at == 56 && r.IntN(2) == 0 {
				b[57] = byte(r.IntN(8)) // e_phnum, up to more than the kernel takes
			}
		}
		if r.IntN(10) == 0 {
			b = b[:r.IntN(len(b))]
		}
		path := write(t, dir, fmt.Sprint(i), string(b))
		want := errno(run(path))
		if got, err := predicted(path); got != want {
			t.Errorf("file %d: %v (%v); the kernel: %v\n%x", i, got, err, want, b[:min(len(b), 300)])
		}
		outcomes[want.Error()]++
		os.Remove(path)
	}
	t.Log(outcomes)
	for _, errno := range []unix.Errno{0, unix.ENOEXEC, unix.ENOENT, unix.EACCES, unix.ELIBBAD, unix.EIO} {
		if outcomes[errno.Error()] == 0 {
			t.Errorf("the kernel never said %v: the files prove little", errno)
		}
	}
}

// TestELFSegments: how many program headers the kernel takes, of a program and of a
// loader.
func TestELFSegments(t *testing.T) {
	testenv.Need(t, "an amd64 host", runtime.GOARCH == "amd64", runtime.GOARCH)
	dir := t.TempDir()
	for _, count := range []uint16{1, 73, 74, 1170, 1171, 65535} {
		text := []byte(program64(wide(), "", strings.Repeat("\x00", 56*int(count))))
		binary.LittleEndian.PutUint16(text[56:], count) // e_phnum
		clear(text[64+56+9:])                           // after the code: PT_NULL
		program := write(t, dir, "program", string(text))
		// The loader's headers are the program's, of which all but one are in the code.
		for _, path := range []string{program, write(t, dir, "loaded", program64(wide(), program+"\x00", ""))} {
			got, err := predicted(path)
			if want := errno(run(path)); got != want {
				t.Errorf("%s, %d headers: %v (%v); the kernel: %v", path, count, got, err, want)
			}
		}
	}
}

// predicted is what execve will say of a file for which binfmt_misc has nothing, be
// it readable or not.
func predicted(path string) (unix.Errno, error) {
	exe, err := Here.Executable(path)
	if exe.Foreign {
		return unix.ENOEXEC, err
	}
	return errno(err), err
}

// TestELFKinds: which files the kernels of an architecture run (arch/*/include/asm/elf.h).
func TestELFKinds(t *testing.T) {
	for _, c := range []struct {
		arch       string
		machine    uint16
		class      byte
		runs, wide bool
	}{
		{"amd64", 62, 2, true, true}, {"amd64", 62, 1, true, true}, {"amd64", 3, 1, true, false}, {"amd64", 183, 2, false, false},
		{"386", 62, 2, true, true}, {"386", 3, 1, true, false}, {"arm64", 183, 2, true, true}, {"arm64", 40, 1, true, false},
		{"arm", 40, 1, true, false}, {"arm", 183, 2, true, true}, {"ppc64le", 21, 2, true, true}, {"ppc64le", 20, 1, true, false},
		{"riscv64", 243, 2, true, true}, {"riscv64", 243, 1, true, false}, {"riscv64", 243, 3, false, false},
		{"s390x", 22, 2, true, true}, {"s390x", 22, 1, true, false}, {"s390x", 62, 2, false, false},
		{"mips", 8, 1, false, false},
	} {
		head := make([]byte, 64)
		head[4] = c.class
		if host := hostOf(c.arch); host.order != nil {
			host.order.PutUint16(head[18:], c.machine)
		}
		if kind, runs := hostOf(c.arch).find(head); runs != c.runs || kind.wide != c.wide {
			t.Errorf("%+v: runs %t, %+v", c, runs, kind)
		}
	}
}

func errno(err error) (errno unix.Errno) {
	errors.As(err, &errno)
	return errno
}

// TestLoaderErrors: the loader of a program is named as what it is.
func TestLoaderErrors(t *testing.T) {
	dir := t.TempDir()
	gone, text := filepath.Join(dir, "gone"), write(t, dir, "text", strings.Repeat("text", 30))
	for loader, want := range map[string]struct {
		errno unix.Errno
		text  string
	}{
		gone: {unix.ENOENT, "open " + gone + " (the dynamic loader of %s): no such file or directory"},
		text: {unix.ELIBBAD, "execve " + text + " (the dynamic loader of %s): accessing a corrupted shared library (not an ELF file for the program's architecture)"},
		dir:  {unix.EACCES, "execve " + dir + " (the dynamic loader of %s): permission denied (not a regular file)"},
	} {
		path := write(t, dir, "program", program64(wide(), loader+"\x00", ""))
		_, err := Here.Executable(path)
		wantFileError(t, err, want.errno, fmt.Sprintf(want.text, path))
		if got := errno(run(path)); got != want.errno {
			t.Errorf("%s: the kernel says %v", loader, got)
		}
	}
}

// In another root the loader is the one there.
func TestLoaderChroot(t *testing.T) {
	root := t.TempDir()
	write(t, root, "loader", static)
	write(t, root, "program", program64(wide(), "/loader\x00", ""))
	fd, err := unix.Open(root, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	there := Lookup{Dir: fd, Chroot: true}
	if _, err := there.Executable("/program"); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(root, "loader")); err != nil {
		t.Fatal(err)
	}
	if _, err := there.Executable("/program"); errno(err) != unix.ENOENT {
		t.Errorf("without the loader: %v", err)
	}
}

// TestLoaders: every program of the host, read by us and by debug/elf.
func TestLoaders(t *testing.T) {
	paths, _ := filepath.Glob("/usr/bin/*")
	seen := 0
	for _, path := range paths {
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		want := ""
		for _, segment := range f.Progs {
			if segment.Type == elf.PT_INTERP {
				text := make([]byte, segment.Filesz)
				if _, err := segment.ReadAt(text, 0); err != nil {
					t.Fatal(err)
				}
				want = strings.TrimSuffix(string(text), "\x00")
			}
		}
		f.Close()
		p, err := Here.openProgram(link{path: path})
		if errno(err) == unix.EACCES { // a library
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		kind, ok := findKind(p.head[:])
		if !ok {
			unix.Close(p.fd)
			continue
		}
		got, found, err := (&elfFile{p, kind, 1 << 16}).loader()
		unix.Close(p.fd)
		if got != want || found != (want != "") || err != nil {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
		seen++
	}
	if seen < 10 {
		t.Errorf("only %d programs in /usr/bin", seen)
	}
}
