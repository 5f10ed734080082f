package term

import "testing"

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{
		"":                                       0,
		"abc":                                    3,
		"é€":                                     2,
		Color(true).Paint(Red, "abc"):            3,
		Color(false).Paint(Red, "abc"):           3,
		"a" + Color(true).Paint(Bold, "b") + "c": 3,
		"\x1b[31":                                4, // none of ours
	} {
		if got := Columns(text); got != want {
			t.Errorf("%q: %d columns, want %d", text, got, want)
		}
	}
}

// TestNoColor: what has no colour gets no sequence.
func TestNoColor(t *testing.T) {
	for _, text := range []string{Color(true).Paint("", "a"), Color(false).Paint(Red, "a")} {
		if text != "a" {
			t.Errorf("%q", text)
		}
	}
}

// TestTableColored: colour moves no column.
func TestTableColored(t *testing.T) {
	lay := func(c Color) string {
		var table Table
		table.Row(c.Paint(Red, "a"), "b", c.Paint(Dim, "word word"))
		table.Row("ccc", c.Paint(Bold, "d"), "e")
		b := table.Append(nil, 14)
		var out []byte
		for i := 0; i < len(b); i++ {
			if b[i] == '\x1b' {
				for b[i] != 'm' {
					i++
				}
				continue
			}
			out = append(out, b[i])
		}
		return string(out)
	}
	if got, want := lay(true), lay(false); got != want {
		t.Errorf("%q, without colour %q", got, want)
	}
}
