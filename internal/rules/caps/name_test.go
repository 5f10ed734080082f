package caps

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// numberTexts are numbers of every sort, most of them bad somewhere.
var numberTexts = []string{
	"", " ", "0", "00", "1", "7", "010", "08", "09", "18", "63", "64", "077", "0100", "0x", "0X", "x", "0x0", "0x1f", "0X1F", "0x1g", "0x3f", "0x40", "0xx1", "00x1",
	"0b1", "0o7", "1_0", "+1", "-1", "-0", " 1", "1 ", "\t1", "\v1", "1\n", "1,2", "1.0", "1e3", "٣", "\xa01", "1\xff", "a", "f", "g", "G", "-", "+", "--1",
	"2147483647", "2147483648", "4294967295", "4294967296", "0xffffffff", "0x100000000", "037777777777", "040000000000",
	"18446744073709551615", "18446744073709551616", "0xffffffffffffffff", "0x10000000000000000", "01777777777777777777777", "02000000000000000000000",
	"99999999999999999999", "00000000000000000000000000000001", "0x00000000000000000000000000000001", "0000000000000000000000001f", "ffffffffffffffff", "1ffffffffffffffff",
	"000001ffffffffff", "0x000001fffeffffff", "-1f", "+1f", "deadbeefg",
}

// nameTexts are names, most of them bad somewhere.
var nameTexts = []string{
	"cap_chown", "CAP_CHOWN", "Cap_cHown", "cap_chown ", " cap_chown", "cap_chown1", "cap_chown_", "cap_chownx", "cap_chown,cap_kill", "cap_chown cap_kill",
	"cap_chown=", "chown", "cap_", "_", "cap", "CAP_CHECKPOINT_RESTORE", "cap_checkpoint_restor", "all", "none", "cap_\xc3\xa4", "cap_chown\xff", "cap_chown\x00"[:9], "cap\u017Fetuid", "cap_\u212Aill",
}

func TestNamesAndNumbersAgainstC(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	texts := append(nameTexts, numberTexts...)
	for range 20000 {
		texts = append(texts, damage(rng, randomCap(rng)), damage(rng, fmt.Sprintf(pick(rng, "%d", "%x", "%#x", "%#o"), rng.Uint64()>>rng.IntN(64))))
	}
	for _, o := range needOracles(t) {
		compareNames(t, o, texts)
	}
}

// compareNames reports the first text that C sees otherwise. What it reads from
// the beginning of a text counts only where it is the whole of it.
func compareNames(tb testing.TB, o *oracle, texts []string) {
	tb.Helper()
	var questions []string
	for _, text := range texts {
		questions = append(questions, asking("N", text), asking("U", text), asking("M", text))
	}
	answers := o.ask(tb, questions...)
	for i, text := range texts {
		name, number, mask := answers[3*i], answers[3*i+1], answers[3*i+2]
		want, ok := wholeNumber(text, number, isDigit)
		for _, bits := range []int{8, 32, 64} {
			got, err := ParseUint(text, bits)
			same(tb, fmt.Sprintf("ParseUint(%q, %d)", text, bits), got, err, want, ok && want>>(bits-1)>>1 == 0)
		}

		// libcap says no more than the number of a capability: of a name, we
		// see ourselves whether something follows it.
		whole := ok || strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz_") == ""
		var capWant Cap
		_, err := fmt.Sscanf(name, "ok %d", &capWant)
		capGot, capErr := ParseName(text)
		same(tb, fmt.Sprintf("ParseName(%q)", text), capGot, capErr, capWant, whole && err == nil)

		want, ok = wholeNumber(text, mask, func(ch byte) bool { return digit(ch) < 16 })
		maskGot, err := ParseMask(text)
		same(tb, fmt.Sprintf("ParseMask(%q)", text), maskGot, err, Set(want), ok)
	}
}

// wholeNumber is what strtoull answered, if it read all of the text and skipped
// no blank or sign before the first digit.
func wholeNumber(text, answer string, isFirst func(byte) bool) (v uint64, ok bool) {
	var n int
	if _, err := fmt.Sscanf(answer, "%x %d", &v, &n); err != nil { // "range"
		return 0, false
	}
	if text == "" || !isFirst(text[0]) || n != len(text) {
		return 0, false
	}
	return v, true
}

// same reports a value or verdict that is not the wanted one.
func same[T comparable](tb testing.TB, call string, got T, err error, want T, ok bool) {
	tb.Helper()
	if (err == nil) != ok {
		tb.Fatalf("%s = %v, %v; want %v, good: %v", call, got, err, want, ok)
	} else if ok && got != want {
		tb.Fatalf("%s = %v, want %v", call, got, want)
	}
}

func TestParseNameReadsEveryName(t *testing.T) {
	for c := range Cap(MaxBits) {
		for _, text := range []string{c.String(), c.OCI(), fmt.Sprint(uint8(c)), fmt.Sprintf("%#x", uint8(c)), fmt.Sprintf("%#o", uint8(c))} {
			if got, err := ParseName(text); err != nil || got != c {
				t.Errorf("ParseName(%q) = %v, %v; want %v", text, got, err, c)
			}
		}
	}
}

func TestNameErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          `capability name is empty`,
		"net_raw":                   `capability "net_raw" is unknown, did you mean cap_net_raw?`,
		"NET_RAW":                   `capability "NET_RAW" is unknown, did you mean cap_net_raw?`,
		"cap_net_rw":                `capability "cap_net_rw" is unknown, did you mean cap_net_raw?`,
		"cap_sys_amdin":             `capability "cap_sys_amdin" is unknown, did you mean cap_sys_admin?`,
		"cap_setui":                 `capability "cap_setui" is unknown, did you mean cap_setuid?`,
		"bfp":                       `capability "bfp" is unknown, did you mean cap_bpf?`,
		"cap_x":                     `capability "cap_x" is unknown`,
		"cap_chown cap_kill":        `capability "cap_chown cap_kill" is unknown`,
		"\x1b[2J":                   `capability "\x1b[2J" is unknown`,
		"64":                        `capability "64" is out of range, the highest is 63`,
		"0x10000000000000000000000": `capability "0x10000000000000000000000" is out of range, the highest is 63`,
		"08":                        `capability "08" is unknown`,
	} {
		if c, err := ParseName(text); err == nil || err.Error() != want {
			t.Errorf("ParseName(%q) = %v, %v\nwant %s", text, c, err, want)
		}
	}
}

func TestNumberErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":           `number is empty`,
		"-1":         `not a number: "-1"`,
		"08":         `not a number: "08" has "8" after its digits`,
		"1 ":         `not a number: "1 " has " " after its digits`,
		"4294967296": `number "4294967296" does not fit 32 bits`,
	} {
		if v, err := ParseUint(text, 32); err == nil || err.Error() != want {
			t.Errorf("ParseUint(%q, 32) = %v, %v\nwant %s", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                  `hex mask is empty`,
		"0x":                `not a hex mask: "0x"`,
		"-1":                `not a hex mask: "-1"`,
		"1fz":               `not a hex mask: "1fz"`,
		"1ffffffffffffffff": `hex mask "1ffffffffffffffff" does not fit 64 bits`,
	} {
		if s, err := ParseMask(text); err == nil || err.Error() != want {
			t.Errorf("ParseMask(%q) = %v, %v\nwant %s", text, s, err, want)
		}
	}
}

func TestAddWord(t *testing.T) {
	for c, want := range map[Cap]string{NetRaw: "NET_RAW", BPF: "BPF", SysTTYConfig: "SYS_TTY_CONFIG", 63: "63"} {
		if got := c.AddWord(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
