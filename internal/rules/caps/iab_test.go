package caps

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// iabTexts are IAB texts that once were, or could be, a trap; some are bad.
var iabTexts = []string{
	"", " ", ",", "!", "^", "%", "!^%", "!!", "^^cap_chown", "!!%%^^cap_chown", "%cap_chown", "cap_chown", "CAP_CHOWN", "!cap_chown", "!%cap_chown",
	"%!cap_chown", "^!cap_chown", "cap_chown,", "cap_chown,!", "cap_chown,,cap_kill", ",cap_chown", "cap_chown, cap_kill", "cap_chown cap_kill",
	"cap_chown,!cap_chown", "cap_chown,^cap_chown", "^cap_chown,cap_chown", "cap_chown!", "! cap_chown", "all", "!all", "none", "chown", "cap_", "_",
	"0", "!0", "^63", "!64", "010", "08", "0x1f", "0x", "0X2A", "63,62,!61", "44,!45,^46", "cap_bpf,!cap_perfmon,^cap_checkpoint_restore,!%37,!^38",
	"99999999999999999999", "cap_chown1", "cap_chown_", "cap_chown=", "\xa0cap_chown", "cap_chown\xff", "\xff", "-1", "+1", "?cap_chown",
}

func TestParseIABAgainstLibcap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	texts := iabTexts
	for range 20000 {
		texts = append(texts, randomIABText(rng))
	}
	for _, o := range needOracles(t) {
		good := compareIABTexts(t, o, texts)
		// The generator must reach both sides of the parser.
		if good < len(texts)/5 || good > len(texts)*4/5 {
			t.Errorf("kernel %d: %d of %d texts are good, a lopsided sample", o.bits, good, len(texts))
		}
	}
}

// compareIABTexts reports the first text that libcap sees otherwise, and
// returns how many are good. Of the value, libcap shows what the kernel has.
func compareIABTexts(tb testing.TB, o *oracle, texts []string) (good int) {
	tb.Helper()
	questions := make([]string, len(texts))
	for i, text := range texts {
		questions[i] = asking("I", text)
	}
	known := First(o.bits)
	for i, answer := range o.ask(tb, questions...) {
		got, err := ParseIAB(texts[i])
		want := readVerdict(tb, answer)
		if want.ok {
			good++
		}
		if (err == nil) != want.ok {
			tb.Fatalf("kernel %d: ParseIAB(%q): error %v, libcap accepts: %v", o.bits, texts[i], err, want.ok)
		}
		if [3]Set{got.Inheritable & known, got.Ambient & known, got.Dropped & known} != want.sets {
			tb.Fatalf("kernel %d: ParseIAB(%q) = %x, libcap: %x", o.bits, texts[i], got, want.sets)
		}
		if text := string(got.AppendText(nil, o.bits)); text != want.text {
			tb.Fatalf("kernel %d: Text of %q = %q, libcap: %q", o.bits, texts[i], text, want.text)
		}
	}
	return good
}

func TestParseIABErrors(t *testing.T) {
	for text, want := range map[string]string{
		"cap_kill,chown":   `IAB text "cap_kill,chown", byte 9: capability "chown" is unknown, did you mean cap_chown?`,
		"!64":              `IAB text "!64", byte 1: no capability has this number`,
		"cap_kill cap_bpf": `IAB text "cap_kill cap_bpf", byte 8: a comma must stand here`,
		"cap_kill\x00":     `IAB text "cap_kill\x00", byte 8: a comma must stand here`,
	} {
		if s, err := ParseIAB(text); err == nil || err.Error() != want || s != (IAB{}) {
			t.Errorf("ParseIAB(%q) = %x, %v\nwant %s", text, s, err, want)
		}
	}
}

func TestIABAllocatesNothing(t *testing.T) {
	const text = "!CAP_KILL,^63,!%cap_checkpoint_restore,0x2a"
	s, err := ParseIAB(text)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseIAB(text) }); n != 0 {
		t.Errorf("ParseIAB: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.AppendText(buf, MaxBits) }); n != 0 {
		t.Errorf("AppendText: %v allocations", n)
	}
}

// randomIABText is mostly a well formed IAB text, at times with one fault.
func randomIABText(rng *rand.Rand) string {
	var items []string
	for range rng.IntN(5) {
		items = append(items, pick(rng, "", "", "!", "^", "%", "!^", "^!", "!%", "%^!")+randomCap(rng))
	}
	return damage(rng, strings.Join(items, ","))
}
