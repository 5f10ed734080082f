package filecap

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
)

// Values as setcap(8) and the kernel write them, byte for byte.
var golden = []struct {
	hex  string
	want Caps
}{
	{"0100000100200000" + "00000000",
		Caps{Permitted: caps.NetRaw.Set(), Effective: true, Version: 1}},
	{"0100000200200000" + "000000000000000000000000",
		Caps{Permitted: caps.NetRaw.Set(), Effective: true, Version: 2}},
	{"00000002" + "00000000" + "01000000" + "00010000" + "80000000",
		Caps{Permitted: caps.CheckpointRestore.Set(), Inheritable: caps.Of(caps.Chown, caps.BPF), Version: 2}},
	{"0100000300040000" + "000000000000000000000000" + "a0860100",
		Caps{Permitted: caps.NetBindService.Set(), Effective: true, Version: 3, RootID: 100000}},
	{"00000002" + "0000000000000000" + "0000000000000000", Caps{Version: 2}},
	{"01000003" + "ffffffffffffffff" + "ffffffffffffffff" + "ffffffff",
		Caps{Permitted: ^caps.Set(0), Inheritable: ^caps.Set(0), Effective: true, Version: 3, RootID: 1<<32 - 1}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		value, err := hex.DecodeString(g.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(value); err != nil || got != g.want {
			t.Errorf("Decode(%s) = %+v, %v, want %+v", g.hex, got, err, g.want)
		}
		if got, err := g.want.Encode(); err != nil || !bytes.Equal(got, value) {
			t.Errorf("%+v.Encode() = %x, %v, want %s", g.want, got, err, g.hex)
		}
	}
}

// execve looks at one flag and the revision; the rest of the magic is ignored.
func TestUnknownFlagsMeanNothing(t *testing.T) {
	value, _ := hex.DecodeString("fe000002" + "0020000000000000" + "0000000000000000")
	want := Caps{Permitted: caps.NetRaw.Set(), Version: 2}
	if got, err := Decode(value); err != nil || got != want {
		t.Errorf("Decode = %+v, %v, want %+v", got, err, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, say := range map[string]string{
		"":                                    "0 bytes are too few",
		"010000":                              "3 bytes are too few",
		"01000002":                            "4 bytes instead of 20 for version 2",
		"01000002" + "00200000" + "00000000":  "12 bytes instead of 20 for version 2",
		"01000001" + strings.Repeat("00", 16): "20 bytes instead of 12 for version 1",
		"01000003" + strings.Repeat("00", 16): "20 bytes instead of 24 for version 3",
		"01000003" + strings.Repeat("00", 21): "25 bytes instead of 24 for version 3",
		"01000000" + strings.Repeat("00", 16): "unknown revision 0x0",
		"01000004" + strings.Repeat("00", 20): "unknown revision 0x4000000",
		"00000012" + strings.Repeat("00", 16): "unknown revision 0x12000000",
		"02000001" + strings.Repeat("00", 20): "24 bytes instead of 12",
		"ffffffff" + strings.Repeat("00", 20): "unknown revision 0xff000000",
	} {
		value, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(value); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("Decode(%q) = %+v, %v, want an error with %q", text, got, err, say)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []Caps{
		{},
		{Version: 4},
		{Version: -1},
		{Version: 1, Permitted: caps.BPF.Set()},
		{Version: 1, Inheritable: caps.BPF.Set()},
		{Version: 1, RootID: 1},
		{Version: 2, RootID: 1},
	} {
		if b, err := c.Encode(); err == nil {
			t.Errorf("%+v.Encode() = %x, want an error", c, b)
		}
	}
}

func TestKnown(t *testing.T) {
	c := Caps{Permitted: ^caps.Set(0), Inheritable: 1<<41 | 1, Version: 2}
	want := Caps{Permitted: caps.First(41), Inheritable: 1, Version: 2}
	if got := c.Known(41); got != want {
		t.Errorf("Known(41) = %+v, want %+v", got, want)
	}
}

func TestEPI(t *testing.T) {
	c := Caps{Permitted: caps.NetRaw.Set(), Inheritable: caps.Kill.Set(), Version: 2}
	if got := c.EPI(); got != (caps.EPI{Permitted: c.Permitted, Inheritable: c.Inheritable}) {
		t.Errorf("without the flag: %+v", got)
	}
	c.Effective = true
	if got := c.EPI().Effective; got != caps.Of(caps.NetRaw, caps.Kill) {
		t.Errorf("with the flag, effective = %v", got)
	}
}

// TestParseText: set text becomes what setcap(8) writes.
func TestParseText(t *testing.T) {
	raw, kill := caps.NetRaw.Set(), caps.Kill.Set()
	for _, test := range []struct {
		text   string
		rootID uint32
		want   Caps
	}{
		{"cap_net_raw=ep", 0, Caps{Version: 2, Permitted: raw, Effective: true}},
		{"cap_net_raw=p", 0, Caps{Version: 2, Permitted: raw}},
		{"cap_net_raw=ep cap_kill=ei", 7, Caps{Version: 3, RootID: 7, Permitted: raw, Inheritable: kill, Effective: true}},
		{"cap_net_raw=p cap_kill=i", 0, Caps{Version: 2, Permitted: raw, Inheritable: kill}},
		{"=", 0, Caps{Version: 2}},
	} {
		if got, err := ParseText(test.text, test.rootID, caps.Named); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
	for text, say := range map[string]string{
		"cap_net_raw=ep cap_kill=p": "only some capabilities effective",
		"cap_nothing=p":             "cap_nothing",
	} {
		if got, err := ParseText(text, 0, caps.Named); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range golden {
		value, _ := hex.DecodeString(g.hex)
		f.Add(value)
	}
	f.Add([]byte{})
	f.Add([]byte{0xfe, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := Decode(value)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("%+v was decoded from %x but: %v", c, value, err)
		}
		// Flags that execve ignores are not kept: all else is.
		want := bytes.Clone(value)
		want[0] &= flagEffective
		want[1], want[2] = 0, 0
		if !bytes.Equal(again, want) {
			t.Fatalf("%x became %x", value, again)
		}
	})
}
