package term

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"plain text, é 漢 😀":          "plain text, é 漢 😀",
		`back\slash`:                 `back\\slash`,
		"a\nb\tc\rd":                 `a\nb\tc\rd`,
		"\x00\x1b[31m\x7f":           `\x00\x1b[31m\x7f`,
		"\u0085\u009b":               `\u0085\u009b`,
		"\xff\xc3(\xed\xa0\x80":      `\xff\xc3(\xed\xa0\x80`,
		"\ufffd":                     "\ufffd", // a real one, not a bad byte
		"txt\u202egpj.exe":           `txt\u202egpj.exe`,
		"\u200b\u2066\u2028\ufeff":   `\u200b\u2066\u2028\ufeff`,
		"\u00a0\u3000\u3164\ufe0f":   `\u00a0\u3000\u3164\ufe0f`,
		"\U000e0001\U000e0101\ue000": `\U000e0001\U000e0101\ue000`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := string(AppendEscaped([]byte("x"), "\n")); got != `x\n` {
		t.Errorf("got %q", got)
	}
}

// What comes out is visible, and is what went in: Go reads the escapes back.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", `\`, `\n`, "\n\x1b\x7f", "\xff", "\u202e\U000e0001", "é😀", `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Escape(s)
		if !utf8.ValidString(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		for _, r := range out {
			if Hidden(r) {
				t.Fatalf("%U stands bare in %q", r, out)
			}
		}
		back, err := strconv.Unquote(`"` + strings.ReplaceAll(out, `"`, `\"`) + `"`)
		if err != nil || back != s {
			t.Fatalf("%q reads back as %q, %v", out, back, err)
		}
	})
}

// TestMessageShort: a message stays readable whatever it quotes.
func TestMessageShort(t *testing.T) {
	long := func(s string) string { return strings.Repeat(s, 100_000) }
	for text, most := range map[string]int{
		strconv.Quote(long("a")) + " is unknown":     230,
		`--env: "` + long("a b ") + `" lacks a "="`:  240,
		"value " + strconv.Quote(long("\x1b\"\n")):   220,
		strconv.Quote(long("é")) + strconv.Quote(""): 220,
		"open " + long("/dir") + ": name too long":   1060,
		`open "` + long("x") + ": name too long":     1060, // a quote that is none
		"\"" + long("\\"):                            1060,
		"stat " + long("a b ") + " no such file":     2060,
		"stat " + long(`"a" "`) + " no such file":    2060,
	} {
		got := Message(text)
		if len(got) > most || !utf8.ValidString(got) || !strings.Contains(got, "...") {
			t.Errorf("%d bytes: %s", len(got), got)
		}
		if head, tail := text[:20], text[len(text)-10:]; !strings.Contains(text, "\\") && (got[:20] != head || !strings.HasSuffix(got, tail)) {
			t.Errorf("neither %q nor %q is left: %s", head, tail, got)
		}
	}
	for _, text := range []string{"needs " + long("x")[:1000] + " yes", long("word ")[:2000], `"` + long("a")[:198] + `"`} {
		if got := Message(text); got != text {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	}
}

func TestMessage(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                       "plain",
		"execve /a\nb\x1b: no":        `execve /a\nb\x1b: no`,
		`number "\x1b" is no`:         `number "\x1b" is no`,
		"back\\slash then\nline \\\n": `back\slash then\nline \\n`,
	} {
		if got := Message(text); got != want {
			t.Errorf("Message(%q) = %q, want %q", text, got, want)
		}
	}
}
