package report

import (
	"reflect"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
)

// Each part of each entry is in its description, in lines of at most 72 after
// the first, which is libcap's.
func TestExplainNamed(t *testing.T) {
	for c := range caps.Cap(caps.Named) {
		out := string(Explain(nil, c, caps.Named, false))
		_, body, _ := strings.Cut(out, "\n")
		checkLines(t, body, 72)
		flat := strings.Join(strings.Fields(out), " ")
		e, _ := catalog.Of(c)
		parts := []string{"Linux " + e.Since, e.Use, e.Danger.Text, e.Root, e.Host.Meaning(), e.UserNS.Meaning(), e.Inside.Text, c.AddWord()}
		claims := append([]catalog.Claim{e.Danger, e.Inside}, e.Permits...)
		for _, p := range claims {
			parts = append(parts, p.Text)
		}
		for _, part := range parts {
			if !strings.Contains(flat, part) {
				t.Errorf("%v: description lacks %q", c, part)
			}
		}
		sourced := strings.Join(strings.Fields(string(Explain(nil, c, caps.Named, true))), " ")
		for _, p := range claims {
			if !strings.Contains(sourced, p.Text+" ["+p.Source+"]") || strings.Contains(flat, "["+p.Source) {
				t.Errorf("%v: %q and its source %q are not beside each other, or without being asked for", c, p.Text, p.Source)
			}
		}
		if strings.Contains(flat, "Not in Docker's default set") == catalog.DockerDefault.Has(c) {
			t.Errorf("%v: wrong about Docker's default", c)
		}
		if strings.Contains(flat, "does not have it") {
			t.Errorf("%v: a kernel with it is said not to have it", c)
		}
	}
}

func TestExplainFirstLine(t *testing.T) {
	for _, test := range []struct {
		c          caps.Cap
		kernelBits int
		want       string
	}{
		{caps.NetRaw, 41, "cap_net_raw (13) [/proc/self/status:CapXXX: 0x0000000000002000]"},
		{caps.NetRaw, 0, "cap_net_raw (13) [/proc/self/status:CapXXX: 0x0000000000002000]"},
		{41, 41, "<unsupported> (41) [/proc/self/status:CapXXX: 0x0000020000000000]"},
		{41, 42, "<unnamed in libcap> (41) [/proc/self/status:CapXXX: 0x0000020000000000]"},
		{63, 41, "<unsupported> (63) [/proc/self/status:CapXXX: 0x8000000000000000]"},
	} {
		first, rest, _ := strings.Cut(string(Explain(nil, test.c, test.kernelBits, false)), "\n")
		if first != test.want {
			t.Errorf("got %q, want %q", first, test.want)
		}
		if _, named := catalog.Of(test.c); named != (rest != "") {
			t.Errorf("%v: further text is %q", test.c, rest)
		}
	}
	if !strings.Contains(string(Explain(nil, caps.BPF, 38, false)), "This kernel does not have it.") {
		t.Error("nothing says that a kernel with 38 capabilities lacks cap_bpf")
	}
}

func TestExplainTable(t *testing.T) {
	for _, width := range []int{80, 132} {
		out := string(ExplainTable(nil, width))
		checkLines(t, out, width)
		rows, legend, _ := strings.Cut(out, "\n\n")
		lines := strings.Split(rows, "\n")
		if len(lines) != caps.Named+1 {
			t.Fatalf("width %d: %d lines, want a head and one for each capability", width, len(lines))
		}
		for i, line := range lines[1:] {
			c := caps.Cap(i)
			e, _ := catalog.Of(c)
			want := []string{c.Short()}
			if catalog.DockerDefault.Has(c) {
				want = append(want, "*")
			}
			want = append(append(want, e.Host.String(), e.UserNS.String()), strings.Fields(e.Brief)...)
			if got := strings.Fields(line)[1:]; !reflect.DeepEqual(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			for _, word := range []string{e.Host.String(), e.UserNS.String()} {
				if !strings.Contains(legend, "\n  "+word+" ") {
					t.Errorf("the legend lacks %q", word)
				}
			}
		}
	}
}

// checkLines looks for lines that are too long or end in a blank.
func checkLines(t *testing.T, text string, width int) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("no newline at the end of %q", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > width || strings.TrimRight(line, " ") != line {
			t.Errorf("%d characters, or blanks at the end: %q", len(line), line)
		}
	}
}
