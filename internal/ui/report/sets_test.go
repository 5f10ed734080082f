package report

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

func TestHolding(t *testing.T) {
	all := caps.First(caps.Named)
	some := caps.Of(caps.Chown, caps.Kill, caps.NetRaw)
	ep := func(s caps.Set) cred.Sets { return cred.Sets{Effective: s, Permitted: s} }
	for _, test := range []struct {
		sets  cred.Sets
		first caps.Set
		width int
		want  string
	}{
		{cred.Sets{}, 0, 0, "none"},
		{cred.Sets{Bounding: all}, 0, 0, "none"},
		{ep(all), 0, 0, "full"},
		{ep(all &^ caps.Of(caps.BPF)), 0, 0, "all but bpf"},
		{ep(all | 1<<41), 0, 8, "chown+41"},
		{ep(catalog.DockerDefault), 0, 0, "docker-default"},
		{ep(0x800405fb), 0, 0, "podman-default"},
		{ep(some), 0, 0, "chown,kill,net_raw"},
		{ep(some), caps.NetRaw.Set(), 0, "net_raw,chown,kill"},
		{ep(some), 0, 17, "chown,kill+1"},
		{ep(some), 0, 9, "chown+2"},
		{ep(some), 0, 1, "+3"},
		{cred.Sets{Permitted: some}, 0, 0, "chown,kill,net_raw=p"},
		{cred.Sets{Inheritable: all}, 0, 0, "full=i"},
		{cred.Sets{Effective: some, Permitted: some, Inheritable: some, Ambient: some}, 0, 0, "chown,kill,net_raw=epia"},
		{cred.Sets{Effective: 1, Permitted: some, Inheritable: 2}, 0, 0, "chown kill,net_raw=p dac_override=i"},
		{ep(1 << 63), 0, 0, "63"},
	} {
		if got := ShortSets(&test.sets, all, test.first, test.width); got != test.want {
			t.Errorf("%+v, width %d: got %q, want %q", test.sets, test.width, got, test.want)
		}
	}
}

// TestHoldingSaysAll: read back, the short form is what is held.
func TestHoldingSaysAll(t *testing.T) {
	all := caps.First(caps.Named)
	r := rand.New(rand.NewPCG(1, 2))
	sparse := func() caps.Set { return caps.Set(r.Uint64()&r.Uint64()) & all }
	for range 2000 {
		want := cred.Sets{Permitted: sparse(), Inheritable: sparse() | caps.Set(r.Uint64()|r.Uint64()|r.Uint64())&all}
		want.Effective = want.Permitted & caps.Set(r.Uint64())
		want.Ambient = want.Permitted & want.Inheritable & caps.Set(r.Uint64())
		text := ShortSets(&want, all, 0, 0)
		if got := readHolding(t, text, all); got != want {
			t.Fatalf("%q\n got %+v\nwant %+v", text, got, want)
		}
		short := ShortSets(&want, all, 0, 30)
		if n := countHolding(t, short); n >= 0 && n != (want.Permitted|want.Inheritable).Len() {
			t.Fatalf("%q speaks of %d capabilities: %+v", short, n, want)
		}
	}
}

// readHolding is the inverse of ShortSets without a width.
func readHolding(t *testing.T, text string, all caps.Set) (s cred.Sets) {
	t.Helper()
	text = strings.ReplaceAll(text, "all but ", "all-but-")
	for group := range strings.FieldsSeq(text) {
		names, letters, ok := strings.Cut(group, "=")
		if !ok {
			letters = "ep"
		}
		list, but := strings.CutPrefix(names, "all-but-")
		var set caps.Set
		if list == "full" {
			set = all
		} else if list != "none" {
			var err error
			if set, err = caps.ParseList(list, all); err != nil {
				t.Fatal(text, err)
			}
		}
		if but {
			set = all &^ set
		}
		for letter, to := range map[string]*caps.Set{"e": &s.Effective, "p": &s.Permitted, "i": &s.Inheritable, "a": &s.Ambient} {
			if strings.Contains(letters, letter) {
				*to |= set
			}
		}
	}
	return s
}

// countHolding is how many capabilities a cut text speaks of; -1 where it says
// so by what is missing.
func countHolding(t *testing.T, text string) (n int) {
	t.Helper()
	if strings.Contains(text, "all but") || strings.Contains(text, "full") {
		return -1
	}
	for group := range strings.FieldsSeq(text) {
		names, _, _ := strings.Cut(group, "=")
		names, hidden, ok := strings.Cut(names, "+")
		if ok {
			more, err := strconv.Atoi(hidden)
			if err != nil {
				t.Fatal(text, err)
			}
			n += more
		}
		if names != "" && names != "none" {
			n += 1 + strings.Count(names, ",")
		}
	}
	return n
}
