package files

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

func encode(t *testing.T, c filecap.Caps) Change {
	t.Helper()
	value, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestWrite: capabilities are written, replaced and removed, of a file that may be
// read and of one that may not.
func TestWrite(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	openAbove(t, dir)
	for name, uid := range map[string]int{"readable": 0, "unreadable": 1000} {
		t.Run(name, func(t *testing.T) {
			path := write(t, dir, name, static)
			if err := os.Chmod(path, 0o700); err != nil {
				t.Fatal(err)
			}
			want := make([]byte, filecap.MaxSize)
			helper.OnThread(func() {
				unix.Setfsuid(uid) // which takes the capabilities of the file system, and leaves SETFCAP
				for _, c := range []filecap.Caps{
					{Version: 2, Permitted: caps.NetRaw.Set(), Effective: true},
					{Version: 3, Permitted: caps.Kill.Set(), RootID: 100000},
				} {
					change := encode(t, c)
					if err := Write(path, change); err != nil {
						t.Errorf("%+v: %v", c, err)
					}
					if n, err := unix.Getxattr(path, filecap.XattrName, want); err != nil || !bytes.Equal(want[:n], change) {
						t.Errorf("%+v: %x, %v", c, want[:max(n, 0)], err)
					}
				}
				if err := Write(path, nil); err != nil {
					t.Error(err)
				}
				if err := Write(path, nil); err == nil || err.Error() != path+": has no file capabilities to remove" {
					t.Errorf("nothing to remove: %v", err)
				}
			})
		})
	}
}

// TestWriteVerifies: what is read back is not what was written.
func TestWriteVerifies(t *testing.T) {
	testenv.Root(t)
	path := write(t, t.TempDir(), "file", static)
	raw, kill := encode(t, filecap.Caps{Version: 2, Permitted: caps.NetRaw.Set()}), encode(t, filecap.Caps{Version: 2, Permitted: caps.Kill.Set()})
	f, err := openToChange(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(f.fd)
	for _, c := range []struct {
		there, written Change
		same           bool
	}{{nil, nil, true}, {nil, raw, false}, {raw, nil, false}, {raw, raw, true}, {raw, kill, false}} {
		unix.Removexattr(path, filecap.XattrName)
		if c.there != nil {
			if err := unix.Setxattr(path, filecap.XattrName, c.there, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.verify(c.written); (err == nil) != c.same {
			t.Errorf("there is %x, written was %x: %v", c.there, c.written, err)
		}
	}
	three := encode(t, filecap.Caps{Version: 3, Permitted: caps.NetRaw.Set(), RootID: 1000})
	for _, c := range []struct {
		got, want Change
		same      bool
	}{{raw, three, true}, {kill, three, false}, {three, raw, false}, {three[:10], three, false}, {three, three[:10], false}} {
		if got := sameCaps(c.got, c.want); got != c.same {
			t.Errorf("read %x, written %x: same %t", c.got, c.want, got)
		}
	}
}

// TestWriteRefuses: only a regular file has file capabilities, and nothing else is
// opened: a FIFO would block.
func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(unix.Mkfifo(fifo, 0o755), os.Symlink(write(t, dir, "file", static), link)); err != nil {
		t.Fatal(err)
	}
	for path, say := range map[string]string{
		dir: "is a directory", fifo: "is not a regular file", link: "is a symbolic link", filepath.Join(dir, "gone"): "no such file",
	} {
		if err := Write(path, nil); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := Planned(path, nil); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s, planned: %v", path, err)
		}
	}
}

// TestPlanned: what a change would leave, and the file stays as it is.
func TestPlanned(t *testing.T) {
	testenv.Root(t)
	path := write(t, t.TempDir(), "file", static)
	raw := filecap.Caps{Version: 2, Permitted: caps.NetRaw.Set(), Effective: true}
	if g, err := Planned(path, encode(t, raw)); err != nil || !g.HasCaps || g.Caps != raw {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := Grants(path); err != nil || g.HasCaps {
		t.Errorf("afterwards: %+v, %v", g, err)
	}
	if err := Write(path, encode(t, raw)); err != nil {
		t.Fatal(err)
	}
	if g, err := Planned(path, nil); err != nil || g.HasCaps {
		t.Errorf("to be removed: %+v, %v", g, err)
	}
}
