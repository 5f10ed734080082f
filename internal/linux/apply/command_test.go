package apply

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNUL: what the kernel would cut short is an error that shows it.
func TestNUL(t *testing.T) {
	for _, c := range []struct{ argv, env []string }{
		{[]string{"cmd", "a\x00b"}, nil},
		{[]string{"cmd"}, []string{"A=a\x00b"}},
	} {
		_, err := NewCommand(c.argv, c.env)
		if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "a\x00b") {
			t.Errorf("%q: %v", c, err)
		}
	}
	c, err := NewCommand([]string{"cmd"}, nil)
	if err == nil {
		err = c.Exec("/bin/a\x00b")
	}
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("the path: %v", err)
	}
}
