package environ

import (
	"slices"
	"testing"
)

func TestGet(t *testing.T) {
	env := []string{"AB=1", "A", "A=x=y", "A=2", "E="}
	for name, want := range map[string]string{"A": "x=y", "AB": "1", "E": ""} {
		if got, ok := Get(env, name); !ok || got != want {
			t.Errorf("%s: %q, %t, want %q", name, got, ok, want)
		}
	}
	if got, ok := Get(env, "B"); ok || got != "" {
		t.Errorf("B: %q, %t", got, ok)
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ env, want []string }{
		{nil, []string{"A=3"}},
		{[]string{"AB=1", "A"}, []string{"AB=1", "A", "A=3"}},
		{[]string{"A=1", "AB=2", "A=", "B=1", "A=4"}, []string{"A=3", "AB=2", "B=1"}},
	} {
		if got := Set(slices.Clone(c.env), "A", "3"); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.env, got, c.want)
		}
	}
}

func TestUnset(t *testing.T) {
	env := []string{"A=1", "AB=2", "A=", "B=1", "A"}
	if got, want := Unset(env, "A"), []string{"AB=2", "B=1", "A"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
