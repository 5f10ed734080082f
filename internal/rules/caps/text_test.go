package caps

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// setTexts are set texts that once were, or could be, a trap; some are bad.
var setTexts = []string{
	"", " ", "\t\n\v\f\r", "=", "= ", " =", "==", "=+", "=-", "=+p", "=-p", "=p+e", "=p-e", "=p=e", "=e=", "=,p", "= =p",
	"+", "-", "+p", "-p", "+ p", "e", "p", "all", "all=", "ALL=p", "All+e", "all,all=p", "all1=p", "all_=p", "allx=p", "_all=p",
	"63,all=p", "all,63=p", "all=p 63,all=e", "63=p all=", "45=p all=", "44,all,3=i", "=eip 63+p", "=eip 40-p", "=p 40-p 41+e",
	"x,", "x,=", "cap_chown,", "cap_chown,,", "cap_chown", "cap_chown ", "cap_chown=", "cap_chown =p", "cap_chown= p", "cap_chown=p", "CAP_CHOWN=p", "Cap_Chown+P", "cap_chown=P",
	"cap_chown+", "cap_chown-", "cap_chown=+", "cap_chown=-", "cap_chown=+p", "cap_chown=-p", "cap_chown=+ p", "cap_chown==p",
	"cap_chown+=p", "cap_chown+-p", "cap_chown++p", "cap_chown+p=", "cap_chown+p-", "cap_chown+p+", "cap_chown+p-e", "cap_chown+p-e+i",
	"cap_chown=p+e", "cap_chown=p-p", "cap_chown=p=e", "cap_chown=+p=e", "cap_chown=+p+e-p", "cap_chown=pp", "cap_chown=eipeip", "cap_chown=epx",
	"cap_chown=p,cap_kill=e", "cap_chown=p cap_kill=e", "cap_chown=p\tcap_kill=e", "cap_chown=p\xa0cap_kill=e", "cap_chown=p\x85", "\u00a0=p",
	"cap_chown,cap_kill=ep", "cap_chown, cap_kill=ep", "cap_chown ,cap_kill=ep", "cap_chown,=ep", ",cap_chown=ep", "cap_chown,,cap_kill=p", "cap_chown,_=p",
	"cap_chown1=p", "cap_chown_=p", "cap_chownx=p", "cap_chow=p", "chown=p", "cap_=p", "cap=p", "_=p", "cap_\xc3=p", "\xff=p", "cap_chown\xff=p",
	"0=p", "00=p", "7=p", "010=p", "08=p", "09=p", "0x=p", "0x1=p", "0X1f=p", "0x1g=p", "0b1=p", "0o7=p", "63=p", "64=p", "077=p", "0100=p", "0x3f=p", "0x40=p",
	"18446744073709551615=p", "18446744073709551616=p", "99999999999999999999999=p", "0x10000000000000001=p", "1_0=p", "+1=p", "-0=p", "1,2,3=p", "1.5=p",
	"cap_bpf,cap_perfmon,cap_checkpoint_restore=ep", "cap_audit_read+p", "38=p 39=e 40=i 41=eip",
	"=ep cap_sys_resource-ep", "all=eip cap_sys_resource-eip", "cap_chown=ep cap_setuid=ep cap_setuid-e", "=i cap_chown+p cap_kill-i",
	"none=p", "all,none=p", "cap_chown=n", "cap_chown=e\x00p"[:11], "cap_chown=e;", "cap_chown=e#", "'cap_chown=e'", "cap_chown:e",
}

func TestParseTextAgainstLibcap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := setTexts
	for range 20000 {
		texts = append(texts, randomSetText(rng))
	}
	for _, o := range needOracles(t) {
		good := compareSetTexts(t, o, texts)
		// The generator must reach both sides of the parser.
		if good < len(texts)/5 || good > len(texts)*4/5 {
			t.Errorf("kernel %d: %d of %d texts are good, a lopsided sample", o.bits, good, len(texts))
		}
	}
}

// compareSetTexts reports the first text that libcap sees otherwise, and
// returns how many are good.
func compareSetTexts(tb testing.TB, o *oracle, texts []string) (good int) {
	tb.Helper()
	questions := make([]string, len(texts))
	for i, text := range texts {
		questions[i] = asking("T", text)
	}
	for i, answer := range o.ask(tb, questions...) {
		got, err := ParseText(texts[i], o.bits)
		want := readVerdict(tb, answer)
		if want.ok {
			good++
		}
		if (err == nil) != want.ok {
			tb.Fatalf("kernel %d: ParseText(%q): error %v, libcap accepts: %v", o.bits, texts[i], err, want.ok)
		}
		if [3]Set{got.Effective, got.Permitted, got.Inheritable} != want.sets {
			tb.Fatalf("kernel %d: ParseText(%q) = %x, libcap: %x", o.bits, texts[i], got, want.sets)
		}
		if text := got.Text(o.bits); want.ok && text != want.text {
			tb.Fatalf("kernel %d: Text of %q = %q, libcap: %q", o.bits, texts[i], text, want.text)
		}
	}
	return good
}

func TestTextAgainstLibcap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	values := []EPI{{}, {^Set(0), ^Set(0), ^Set(0)}}
	for range 5000 {
		values = append(values, randomEPI(rng))
	}
	questions := make([]string, len(values))
	for i, e := range values {
		questions[i] = fmt.Sprintf("E %x %x %x", uint64(e.Effective), uint64(e.Permitted), uint64(e.Inheritable))
	}
	for _, o := range needOracles(t) {
		for i, answer := range o.ask(t, questions...) {
			text := values[i].Text(o.bits)
			if want := unhex(t, answer); text != want {
				t.Fatalf("kernel %d: Text of %x = %q, libcap: %q", o.bits, values[i], text, want)
			}
			if back, err := ParseText(text, o.bits); err != nil || back != values[i] {
				t.Fatalf("kernel %d: ParseText(%q) = %x, %v; want %x", o.bits, text, back, err, values[i])
			}
		}
	}
}

func TestParseTextErrors(t *testing.T) {
	for text, want := range map[string]string{
		"cap_chown":          `capability text "cap_chown", byte 9: one of = + - must stand here`,
		"cap_kill=p chown=p": `capability text "cap_kill=p chown=p", byte 11: capability "chown" is unknown, did you mean cap_chown?`,
		"cap_kill+":          `capability text "cap_kill+", byte 9: one of e i p must stand here`,
		"cap_kill=p=e":       `capability text "cap_kill=p=e", byte 10: = must be the first operator`,
		"=p+e":               `capability text "=p+e", byte 2: this operator needs a list before it`,
		"-e":                 `capability text "-e", byte 0: this operator needs a list before it`,
		"cap_kill=ex":        `capability text "cap_kill=ex", byte 10: no flag (e, i, p), operator or blank`,
		"cap_kill=\x00":      `capability text "cap_kill=\x00", byte 9: one of = + - must stand here`,
	} {
		if e, err := ParseText(text, Named); err == nil || err.Error() != want || e != (EPI{}) {
			t.Errorf("ParseText(%q) = %x, %v\nwant %s", text, e, err, want)
		}
	}
}

func TestTextAllocatesNothing(t *testing.T) {
	const text = "=ep CAP_KILL,63,cap_checkpoint_restore-e+i 0x2a+p"
	e, err := ParseText(text, Named)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseText(text, Named) }); n != 0 {
		t.Errorf("ParseText: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { e.AppendText(buf, Named) }); n != 0 {
		t.Errorf("AppendText: %v allocations", n)
	}
}

// randomEPI has few, many or any capabilities, and often few kinds of them.
func randomEPI(rng *rand.Rand) EPI {
	sparse := func() Set { return Set(rng.Uint64() & rng.Uint64() & rng.Uint64()) }
	switch rng.IntN(4) {
	case 0:
		return EPI{sparse(), sparse(), sparse()}
	case 1:
		return EPI{^sparse(), ^sparse(), sparse()}
	case 2:
		s := First(rng.IntN(MaxBits + 1))
		return EPI{s, s, s &^ sparse()}
	}
	return EPI{Set(rng.Uint64()), Set(rng.Uint64()), Set(rng.Uint64())}
}

// randomSetText is mostly a well formed set text, at times with one fault.
func randomSetText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(4) {
		listed := rng.IntN(4) > 0
		if listed {
			b.WriteString(randomCap(rng, "all"))
			for rng.IntN(2) == 0 {
				b.WriteString("," + randomCap(rng, "all"))
			}
			b.WriteString(pick(rng, "=", "+", "-", "=+", "=-"))
		} else {
			b.WriteByte('=')
		}
		b.WriteString(pick(rng, "", "e", "i", "p", "ep", "eip", "pp"))
		for listed && rng.IntN(3) == 0 {
			b.WriteString(pick(rng, "+", "-") + pick(rng, "e", "i", "p", "ie"))
		}
		b.WriteString(pick(rng, " ", "  ", "\t", "\n \v"))
	}
	return damage(rng, b.String())
}

// randomCap is a name, a number or an extra word in some case.
func randomCap(rng *rand.Rand, extra ...string) string {
	n := rng.IntN(70)
	word := Cap(rng.IntN(Named)).String()
	switch rng.IntN(8) {
	case 0:
		return fmt.Sprint(n)
	case 1:
		return fmt.Sprintf(pick(rng, "%#x", "%#X", "%#o", "0%d"), n)
	case 2:
		if len(extra) > 0 {
			word = pick(rng, extra...)
		}
	}
	if rng.IntN(4) == 0 {
		return strings.ToUpper(word)
	}
	return word
}

// damage changes one spot of every other text.
func damage(rng *rand.Rand, text string) string {
	if rng.IntN(2) == 0 {
		return text
	}
	at := rng.IntN(len(text) + 1)
	bit := pick(rng, "=", "+", "-", ",", " ", "_", "e", "p", "i", "E", "x", "0", "0x", "9", "!", "^", "%", "all", "cap_", "\v", "\x80", "\xa0", "\xff", "\x1c", "@", "[", "`", "{", "/", ":")
	if rng.IntN(3) > 0 || at == len(text) {
		return text[:at] + bit + text[at:]
	}
	return text[:at] + text[at+1:]
}

func pick(rng *rand.Rand, words ...string) string { return words[rng.IntN(len(words))] }
