package schema

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

func TestJSONShape(t *testing.T) {
	var j JSON
	j.BeginObject()
	j.Key("empty")
	j.BeginObject()
	j.EndObject()
	j.Key("list")
	j.BeginArray()
	j.Uint(math.MaxUint64)
	j.Int(math.MinInt64)
	j.BeginArray()
	j.EndArray()
	j.Bool(true)
	j.Null()
	j.EndArray()
	j.Key("caps")
	j.Set(caps.Of(caps.Chown, caps.NetRaw, 41))
	j.Key("hex")
	j.Hex(caps.Of(0, 13, 63))
	j.Key("known")
	j.BeginArray()
	j.KnownBool(cred.Is(false))
	j.KnownBool(cred.Known[bool]{Value: true})
	j.KnownUint(cred.Is(uint64(7)))
	j.KnownUint(cred.Known[uint64]{Value: 7})
	j.KnownString(cred.Is("a"))
	j.KnownString(cred.Known[string]{Value: "a"})
	j.EndArray()
	j.EndObject()
	want := `{"empty":{},"list":[18446744073709551615,-9223372036854775808,[],true,null],` +
		`"caps":["CAP_CHOWN","CAP_NET_RAW","41"],"hex":"8000000000002001",` +
		`"known":[false,null,7,null,"a",null]}`
	if got := string(j.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestJSONStringEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"a\"b\\c":            `"a\"b\\c"`,
		"\n\t\r\x00\x1b\x7f": `"\n\t\u000d\u0000\u001b\u007f"`,
		"\u2028\u2029\u202e": `"\u2028\u2029\u202e"`,
		"\U000e0001":         `"\udb40\udc01"`,
		"é 漢 😀":              `"é 漢 😀"`,
		"\xff\xc3":           `"��"`,
	} {
		var j JSON
		j.String(in)
		if got := string(j.Bytes()); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// What encoding/json reads back is what was written, whatever the string.
func FuzzJSONString(f *testing.F) {
	for _, s := range []string{"", "a\"\\\x00\x1f", "\u2028\u202e\ufeff", "\xff\xed\xa0\x80", "\U000e0001\U0010ffff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var j JSON
		j.BeginObject()
		j.Key(s)
		j.String(s)
		j.EndObject()
		if !utf8.Valid(j.Bytes()) {
			t.Fatalf("not UTF-8: %q", j.Bytes())
		}
		for _, r := range string(j.Bytes()) {
			if term.Hidden(r) {
				t.Fatalf("%U stands bare in %q", r, j.Bytes())
			}
		}
		var got map[string]string
		if err := json.Unmarshal(j.Bytes(), &got); err != nil {
			t.Fatalf("%v: %q", err, j.Bytes())
		}
		clean := replaceInvalid(s)
		if want := map[string]string{clean: clean}; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// A random document, driven by bytes, equals what encoding/json makes of it.
func FuzzJSONShape(f *testing.F) {
	f.Add([]byte{0, 1, 2, 6, 3, 7, 7, 1, 4, 5})
	f.Add([]byte(strings.Repeat("\x00\x01", 20)))
	f.Fuzz(func(t *testing.T, program []byte) {
		var j JSON
		value := build(&j, &program, 0)
		want, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(j.Bytes()); got != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// build writes one value that program chooses and returns the same value for
// encoding/json. Objects have one or no member: its order is not ours.
func build(j *JSON, program *[]byte, depth int) any {
	op := byte(5)
	if len(*program) > 0 {
		op, *program = (*program)[0], (*program)[1:]
	}
	if depth > 50 {
		op |= 2
	}
	switch op % 8 {
	case 0:
		j.BeginObject()
		defer j.EndObject()
		j.Key("k")
		return map[string]any{"k": build(j, program, depth+1)}
	case 1, 4:
		j.BeginArray()
		defer j.EndArray()
		list := []any{}
		for range op / 8 % 4 {
			list = append(list, build(j, program, depth+1))
		}
		return list
	case 2:
		j.Uint(math.MaxUint64 - uint64(op))
		return math.MaxUint64 - uint64(op)
	case 3:
		j.Int(-int64(op))
		return -int64(op)
	case 5:
		j.Null()
		return nil
	case 6:
		j.Bool(op > 99)
		return op > 99
	default:
		j.String("v")
		return "v"
	}
}

// replaceInvalid is s with one U+FFFD for each byte that is not UTF-8
// (strings.ToValidUTF8 makes one of a run).
func replaceInvalid(s string) string { return string([]rune(s)) }
