package files

import (
	"os"
	"path/filepath"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// TestGrantsOldKernel: without getxattrat(2) the same is read.
func TestGrantsOldKernel(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for name, c := range map[string]filecap.Caps{
		"none": {},
		"two":  {Version: 2, Permitted: caps.Of(caps.NetRaw, caps.BPF), Inheritable: caps.Kill.Set(), Effective: true},
		"four": {Version: 3, Permitted: caps.Kill.Set(), RootID: 100000},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Chmod(path, 0o4755); err != nil {
			t.Fatal(err)
		}
		if c.Version != 0 {
			value, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Setxattr(path, filecap.XattrName, value, 0); err != nil {
				t.Fatal(err)
			}
		}
		text, err := unix.BytePtrFromString(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range []bool{false, true} {
			r := newGrantReader()
			r.noXattrAt = old
			p := place{fd, text, unix.AT_SYMLINK_NOFOLLOW}
			if errno := r.statAt(p); errno != 0 {
				t.Fatal(errno)
			}
			g, err := r.read(p)
			if err != nil || g.Caps != c || g.HasCaps != (c.Version != 0) || !g.Setuid() {
				t.Errorf("%s, old kernel %t: %+v, %v", name, old, g, err)
			}
		}
	}
}
