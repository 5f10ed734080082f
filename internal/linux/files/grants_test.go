package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

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

// TestGrants: what takes effect away from the privileges of a file is found, on mounts
// of their own. What grants nothing is not looked into.
func TestGrants(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "grants", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, "DIR="+t.TempDir())
	const want = `plain: false []
setuid: true []
link: true []
script: true [a script, whose interpreter decides]
foreign: true [the file capabilities are those of another user namespace]
noexec/su: true [the mount is noexec]
nosuid/su: true [the mount is nosuid]
`
	if got := h.First + "\n" + h.Rest(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func helperGrants() {
	helper.Must("chdir", os.Chdir(os.Getenv("DIR")))
	foreign, err := filecap.Caps{Version: 3, Permitted: caps.Kill.Set(), RootID: 100000}.Encode()
	for _, err := range []error{
		err,
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		os.Mkdir("noexec", 0o755), unix.Mount("tmpfs", "noexec", "tmpfs", unix.MS_NOEXEC, ""),
		os.Mkdir("nosuid", 0o755), unix.Mount("tmpfs", "nosuid", "tmpfs", unix.MS_NOSUID, ""),
		os.WriteFile("plain", nil, 0o755), os.WriteFile("foreign", nil, 0o755), os.WriteFile("script", []byte("#!/bin/sh\n"), 0o755),
		os.WriteFile("setuid", []byte(static), 0o755), os.Symlink("setuid", "link"),
		os.WriteFile("noexec/su", nil, 0o755), os.WriteFile("nosuid/su", nil, 0o755),
		unix.Setxattr("foreign", filecap.XattrName, foreign, 0),
		unix.Chmod("setuid", 0o4755), unix.Chmod("script", 0o4755), unix.Chmod("noexec/su", 0o4755), unix.Chmod("nosuid/su", 0o4755),
	} {
		helper.Must("files", err)
	}
	for _, path := range []string{"plain", "setuid", "link", "script", "foreign", "noexec/su", "nosuid/su"} {
		g, err := Grants(path)
		helper.Must(path, err)
		fmt.Printf("%s: %t %v\n", path, g.Any(), g.FlawTexts())
	}
}

// TestGrantsRefuses: only a regular file grants something by being executed.
func TestGrantsRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, errno := range map[string]error{dir: unix.EISDIR, fifo: unix.EINVAL, filepath.Join(dir, "gone"): unix.ENOENT} {
		if g, err := Grants(path); !errors.Is(err, errno) {
			t.Errorf("%s: %+v, %v", path, g, err)
		}
	}
}
