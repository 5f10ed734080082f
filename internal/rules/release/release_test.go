package release

import "testing"

func TestBefore(t *testing.T) {
	type answer struct{ before, ok bool }
	older, newer, unknown := answer{true, true}, answer{false, true}, answer{}
	for release, want := range map[string]answer{
		"6.17.0": newer, "6.18.44-fc": newer, "7.0": newer, "10.1.2": newer, "7.1-rc2": newer, "6.17+": newer,
		"6.16.12": older, "6.9": older, "5.10.0-8-amd64": older, "4.4.0": older, "6.16-rc1": older,
		"": unknown, "6": unknown, "6.": unknown, "x.y": unknown,
	} {
		before, ok := Before(release, 6, 17)
		if ok != want.ok || ok && before != want.before {
			t.Errorf("%q before 6.17: %t, %t", release, before, ok)
		}
	}
}
