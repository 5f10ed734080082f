package btf_test

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/testenv"
)

// compiled is the compiler's BTF of testdata/shapes.c, and what the program prints:
// a line for each member with its offset and size.
func compiled(t *testing.T) (data []byte, members string) {
	t.Helper()
	gcc := testenv.Tool(t, "gcc")
	program := filepath.Join(t.TempDir(), "shapes")
	for _, args := range [][]string{{"-c", "-gbtf", "-o", program + ".o"}, {"-o", program}} {
		if out, err := exec.Command(gcc, append(args, "testdata/shapes.c")...).CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	object, err := elf.Open(program + ".o")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	read := object.Class == elf.ELFCLASS64 && object.ByteOrder == binary.LittleEndian
	testenv.Need(t, "a compiler for 64-bit little-endian machines", read, "BTF of others is not read")
	if data, err = object.Section(".BTF").Data(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	return data, string(out)
}

// TestAgainstCompiler: members are where the compiler says that they are.
func TestAgainstCompiler(t *testing.T) {
	data, members := compiled(t)
	types, function, err := btf.Parse(data, "function")
	if err != nil || function == 0 {
		t.Fatal(function, err)
	}
	outer := parameter(t, types, function, 1)
	count := 0
	for line := range strings.Lines(members) {
		var path string
		var offset, size uint32
		if _, err := fmt.Sscan(line, &path, &offset, &size); err != nil {
			t.Fatal(err)
		}
		m := btf.Member{Type: outer}
		for name := range strings.SplitSeq(path, ".") {
			in, ok := types.Member(m.Type, name)
			if !ok {
				t.Errorf("%s: not found", path)
			}
			m = btf.Member{Offset: m.Offset + in.Offset, Size: in.Size, Type: in.Type}
		}
		if m.Offset != offset || m.Size != size {
			t.Errorf("%s: at %d, %d bytes; the compiler has %d, %d", path, m.Offset, m.Size, offset, size)
		}
		count++
	}
	if count != 12 {
		t.Errorf("%d members", count)
	}
	for _, name := range []string{"bits", "b", "", "last ", "outer"} {
		if m, ok := types.Member(outer, name); ok {
			t.Errorf("%q: found, %+v", name, m)
		}
	}
	follow(t, types, outer)
}

// parameter is what a parameter, which is a pointer, leads to.
func parameter(t *testing.T, types *btf.Types, function btf.ID, n int) btf.ID {
	t.Helper()
	pointer, ok := types.Param(function, n)
	of, found := types.Elem(pointer)
	if !ok || !found {
		t.Fatalf("parameter %d: %v, %v", n, ok, found)
	}
	return of
}

// follow goes through pointers and arrays.
func follow(t *testing.T, types *btf.Types, outer btf.ID) {
	pointer, _ := types.Member(outer, "p")
	inner, ok := types.Elem(pointer.Type)
	if m, found := types.Member(inner, "b"); !ok || !found || m.Offset != 8 || m.Size != 4 {
		t.Errorf("p->b: %+v, %v, %v", m, ok, found)
	}
	flexible, _ := types.Member(outer, "flexible")
	each, ok := types.Elem(flexible.Type)
	if size, sized := types.Size(each); !ok || !sized || size != 16 || flexible.Size != 0 {
		t.Errorf("flexible: of %d bytes each, %d in all", size, flexible.Size)
	}
	if id, ok := types.Elem(outer); ok {
		t.Errorf("a struct leads to %d", id)
	}
}

// TestFunction: only a function is found by name, and only by all of it.
func TestFunction(t *testing.T) {
	data, _ := compiled(t)
	for _, name := range []string{"outer", "unction", "functio", "", "x", "nothing"} {
		if _, id, err := btf.Parse(data, name); id != 0 || err != nil {
			t.Errorf("%q: type %d, %v", name, id, err)
		}
	}
	types, function, _ := btf.Parse(data, "function")
	for _, n := range []int{-1, 2, 1 << 30} {
		if id, ok := types.Param(function, n); ok {
			t.Errorf("parameter %d: %d", n, id)
		}
	}
	if id, ok := types.Param(function-1, 0); ok {
		t.Errorf("what is no function has a parameter, %d", id)
	}
}

// TestTruncated: no part of a BTF is one.
func TestTruncated(t *testing.T) {
	data, _ := compiled(t)
	for n := range data {
		if _, _, err := btf.Parse(data[:n], "function"); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(data))
		}
	}
	data[0], data[1] = data[1], data[0]
	if _, _, err := btf.Parse(data, "function"); err == nil || !strings.Contains(err.Error(), "little-endian") {
		t.Errorf("of the other byte order: %v", err)
	}
}

// TestKernel: the kernel's own types can be read.
func TestKernel(t *testing.T) {
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "/sys/kernel/btf/vmlinux", err == nil, "the kernel has no BTF")
	types, function, err := btf.Parse(data, "bpf_iter_task")
	if err != nil || function == 0 {
		t.Fatal(function, err)
	}
	task := parameter(t, types, function, 1)
	if m, ok := types.Member(task, "comm"); !ok || m.Size != 16 {
		t.Errorf("task_struct.comm: %+v, %v", m, ok)
	}
}

// blob makes a BTF of words and strings.
func blob(strings string, words ...uint32) []byte {
	size := uint32(4 * len(words))
	all := append([]uint32{0x1eb9f, 24, 0, size, size, uint32(len(strings))}, words...)
	var b []byte
	for _, w := range all {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(b, strings...)
}

// The kinds that the blobs are of.
const (
	pointer   = 2 << 24
	array     = 3 << 24
	structure = 4 << 24
	typedef   = 8 << 24
	function  = 12 << 24
	prototype = 13 << 24
)

// loops are types that lead to themselves.
var loops = [][]byte{
	blob("\x00f\x00", 0, typedef, 1, 1, function, 1),
	blob("\x00f\x00", 0, array, 0, 1, 0, 1<<31, 1, function, 1),
	blob("\x00f\x00", 0, structure|3, 8, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, function, 3, 0, prototype|1, 0, 0, 4, 0, pointer, 1),
}

// TestLoops: a type that leads to itself has an end.
func TestLoops(t *testing.T) {
	for i, data := range loops {
		types, f, err := btf.Parse(data, "f")
		if err != nil || f != 2 {
			t.Fatalf("%d: %d, %v", i, f, err)
		}
		if m, ok := types.Member(1, "f"); ok {
			t.Errorf("%d: found %+v", i, m)
		}
		if id, ok := types.Param(f, 1); ok {
			t.Errorf("%d: a parameter, %d", i, id)
		}
		if size, ok := types.Size(1); ok && i < 2 {
			t.Errorf("%d: has %d bytes", i, size)
		}
	}
}

// FuzzParse: what is no BTF is an error, and a question to what is one has an answer.
func FuzzParse(f *testing.F) {
	for _, data := range loops {
		f.Add(data, "f")
	}
	f.Add(blob("\x00f\x00a\x00", 1, function, 2, 0, prototype|1, 3, 0, 4, 3, structure|1, 8, 3, 4, 32, 0, pointer, 3), "a")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		types, function, err := btf.Parse(data, name)
		if err != nil {
			return
		}
		for id := range min(btf.ID(len(data)/12+2), 100) {
			types.Param(id, 0)
			types.Elem(id)
			types.Size(id)
			if m, ok := types.Member(id, name); ok && m.Size >= 1<<31 {
				t.Errorf("type %d: %+v", id, m)
			}
		}
		types.Param(function, 0)
		types.Member(^btf.ID(0), name)
	})
}
