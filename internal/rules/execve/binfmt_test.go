package execve

import "testing"

// TestParseRegistration: what binfmt_misc writes is read, and what it does not write
// is no registration.
func TestParseRegistration(t *testing.T) {
	const magic = "enabled\ninterpreter /bin/a b\nflags: POCF\noffset 2\nmagic 4d5a\nmask ff00\n"
	r, err := ParseRegistration(magic)
	if err != nil || r.Interpreter != "/bin/a b" || !r.Opened || !r.FileDecides || !r.PassesFile() {
		t.Errorf("%+v, %v", r, err)
	}
	for head, want := range map[string]bool{"..MZ": true, "..M!": true, "..mZ": false, "MZ..": false, "..M": false, "": false} {
		if r.Matches("/x.MZ", []byte(head)) != want {
			t.Errorf("%q matches: %v", head, !want)
		}
	}
	for flags, passes := range map[string]bool{"O": true, "C": true, "PF": false} {
		r, err := ParseRegistration("enabled\ninterpreter /a\nflags: " + flags + "\nextension .x\n")
		if err != nil || r.PassesFile() != passes {
			t.Errorf("flags %s: %+v, %v", flags, r, err)
		}
	}
	r, err = ParseRegistration("enabled\ninterpreter /bin/a\nflags: \nextension .jar\n")
	if err != nil || r.Opened || r.FileDecides || r.PassesFile() {
		t.Errorf("%+v, %v", r, err)
	}
	if off, err := ParseRegistration("disabled\ninterpreter /bin/a\nflags: \nextension .jar\n"); err != nil || off.Matches("a.jar", nil) {
		t.Errorf("a registration that is off: %+v, %v", off, err)
	}
	for path, want := range map[string]bool{"a.jar": true, "/b.c/a.jar": true, "a.jar.jar": true, ".jar": true, "jar": false, "a.Jar": false, "a.jar/b": false} {
		if r.Matches(path, nil) != want {
			t.Errorf("%q matches: %v", path, !want)
		}
	}
	for _, text := range []string{
		"", "enabled\n", "on\ninterpreter /a\nextension .x\n", "enabled\ninterpreter /a\n",
		"enabled\ninterpreter /a\nb\nextension .x\n", "enabled\nflags: \nextension .x\n",
		"enabled\ninterpreter /a\nflags: Z\nextension .x\n", "enabled\ninterpreter /a\noffset x\nmagic 00\n",
		"enabled\ninterpreter /a\noffset -1\nmagic 00\n", "enabled\ninterpreter /a\nmagic 0\n",
		"enabled\ninterpreter /a\nmagic 00\nmask 0000\n", "enabled\ninterpreter /a\nextension .x\nmagic 00\n",
	} {
		if r, err := ParseRegistration(text); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
}
