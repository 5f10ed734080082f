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
