package flags

import "testing"

// TestPlain: an account whose name a shell or terminal would act on is not
// offered.
func TestPlain(t *testing.T) {
	for _, name := range []string{"root", "www-data", "_apt", "a.b@example", "0a"} {
		if !plain(name) {
			t.Errorf("%q is left out", name)
		}
	}
	for _, name := range []string{"", "@commands", "-x", "+x", "#x", "~x", "a b", "a$(b)", "a`b`", "a;b", "a\\b", "a\x1b[31mb", "a\rb", "a\u009bb", "a'b", "a*b", "a=b"} {
		if plain(name) {
			t.Errorf("%q is offered", name)
		}
	}
}
