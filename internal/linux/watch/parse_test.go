package watch

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFormat: the fields of a tracepoint come from its format file (here: that of
// Linux 6.18), not from what we think of it.
func TestFormat(t *testing.T) {
	const text = `name: cap_capable
ID: 524
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const struct cred * cred;	offset:8;	size:8;	signed:0;
	field:struct user_namespace * target_ns;	offset:16;	size:8;	signed:0;
	field:const struct user_namespace * capable_ns;	offset:24;	size:8;	signed:0;
	field:int cap;	offset:32;	size:4;	signed:1;
	field:int ret;	offset:36;	size:4;	signed:1;

print fmt: "cred %p, target_ns %p, capable_ns %p, cap %d, ret %d", REC->cred
`
	p := tracepoint{fields: parseFormat(text)}
	for name, want := range map[string]field{
		"target_ns": {16, 8}, "capable_ns": {24, 8}, "cap": {32, 4}, "ret": {36, 4}, "common_pid": {4, 4},
	} {
		if got := p.fields[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	raw := make([]byte, 40)
	binary.NativeEndian.PutUint64(raw[16:], 0xffff888000000001)
	binary.NativeEndian.PutUint32(raw[32:], 21)
	binary.NativeEndian.PutUint32(raw[36:], 0xffffffff)
	if c := p.check(&record{raw: raw}); c.cap != 21 || c.granted || c.target != 0xffff888000000001 || c.capable != 0 {
		t.Errorf("%+v", c)
	}
	if c := p.check(&record{raw: raw[:20]}); c.cap != 0 || c.target != 0 {
		t.Errorf("a short record: %+v", c)
	}
}

func TestCPUs(t *testing.T) {
	for text, want := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0-1,4,6-7": {0, 1, 4, 6, 7}} {
		if got, err := parseCPUs(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "3-1", "0-", "-1", "1,,2"} {
		if got, err := parseCPUs(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSymbols(t *testing.T) {
	s := parseSymbols(`ffffffff81000000 T _stext
ffffffff81000100 t do_mount.isra.0
ffffffff81000050 T capable
ffffffff82000000 D jiffies
ffffffffc0000000 t nf_init	[nf_tables]
`)
	// The return address of a call that ends a function is the start of the next one.
	got := s.chain([]uint64{0xffffffff81000050, 0xffffffff81000100, 0xffffffff81000180, 0xffffffffc0000010, 1})
	if want := []string{"capable", "capable", "do_mount", "nf_init", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	hidden := parseSymbols("0000000000000000 T _stext\n0000000000000000 T capable\n")
	hidden.exact = map[uint64]string{0xffffffff81000100: "do_mount"}
	got = hidden.chain([]uint64{0xffffffff81000050, 0xffffffff81000100})
	if want := []string{"", "do_mount"}; !slices.Equal(got, want) {
		t.Errorf("hidden symbols: %q, want %q", got, want)
	}
}

// words is a record's bytes, of 32-bit words.
func words(kind uint32, misc uint16, list ...uint32) []byte {
	b := make([]byte, headerSize, 256)
	binary.NativeEndian.PutUint32(b, kind)
	binary.NativeEndian.PutUint16(b[4:], misc)
	for _, w := range list {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	binary.NativeEndian.PutUint16(b[6:], uint16(len(b)))
	return b
}

// TestRecords: the layout of perf_event_open(2), and nothing is read beyond the end of
// a record, however it is cut.
func TestRecords(t *testing.T) {
	comm := binary.NativeEndian.Uint32([]byte("sh\x00\x00"))
	trailer := []uint32{10, 11, 0, 0}
	whole := map[string][]byte{
		"fork": words(unix.PERF_RECORD_FORK, 0, append([]uint32{10, 9, 11, 8, 0, 0}, trailer...)...),
		"comm": words(unix.PERF_RECORD_COMM, miscCommExec, append([]uint32{10, 11, comm, 0}, trailer...)...),
		"namespaces": words(unix.PERF_RECORD_NAMESPACES, 0, append([]uint32{10, 11, 5, 0,
			0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 99, 0}, trailer...)...),
		"sample": words(unix.PERF_RECORD_SAMPLE, 0, 10, 11, 7, 0, 3, 0, 0xffffff80, 0xffffffff, 1, 0, 2, 0, 4, 42, 0),
	}
	for name, b := range whole {
		r, ok := parseRecord(b)
		if !ok || r.pid != 10 || r.tid != 11 {
			t.Errorf("%s: %+v, %v", name, r, ok)
		}
		switch name {
		case "fork":
			ok = r.parent == 9 && r.parentThread == 8
		case "comm":
			ok = r.comm == "sh" && r.exec
		case "namespaces":
			ok = r.userns == 99
		case "sample":
			ok = r.time == 7 && slices.Equal(chainAddresses(r.chain), []uint64{1, 2}) && len(r.raw) == 4
		}
		if !ok {
			t.Errorf("%s: %+v", name, r)
		}
		for n := range b {
			if r, ok := parseRecord(b[:n:n]); ok && name == "sample" && n < 64 {
				t.Errorf("%s cut to %d bytes: %+v", name, n, r)
			}
		}
	}
}
