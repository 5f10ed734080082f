package files

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

// openPath opens a file as a place.
func openPath(t *testing.T, path string) (fd int) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// TestMaySuid: what follows from the list of a process's mounts, and from whose the
// mount namespace is.
func TestMaySuid(t *testing.T) {
	yes, no, unknown := cred.Is(true), cred.Is(false), cred.Known[bool]{}
	fd := openPath(t, t.TempDir())
	id, ok := mountID(fd, "")
	testenv.Need(t, "mount ids of statx (Linux 5.8)", ok, "an older kernel")
	here, elsewhere := map[uint64]bool{id: true}, map[uint64]bool{id + 1: true}
	const disk, memory = unix.EXT4_SUPER_MAGIC, unix.TMPFS_MAGIC
	for name, c := range map[string]struct {
		mounts mounts
		fs     int64
		want   cred.Known[bool]
	}{
		"the list is unknown":                    {mounts{trusted: yes}, disk, unknown},
		"listed":                                 {mounts{listed: here, trusted: yes}, memory, yes},
		"listed, of a namespace below":           {mounts{listed: here, trusted: no}, memory, unknown},
		"listed, of a namespace below, a disk":   {mounts{listed: here, trusted: no}, disk, yes},
		"listed, of an unknown namespace":        {mounts{listed: here, trusted: cred.Known[bool]{Value: true}}, memory, unknown},
		"not listed":                             {mounts{listed: elsewhere, complete: true, trusted: yes}, disk, no},
		"not listed, but the list is incomplete": {mounts{listed: elsewhere, trusted: yes}, disk, unknown},
	} {
		var fs unix.Statfs_t
		fs.Type = c.fs
		if got := c.mounts.maySuid(fd, &fs); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestMountNamespaces: the mounts of this thread's mount namespace and of another, by
// statmount(2) and by the list.
func TestMountNamespaces(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	outside := openPath(t, dir)
	helper.OnThread(func() {
		for _, err := range []error{
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", dir, "tmpfs", 0, ""),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		inside := openPath(t, dir)
		own := mountsOf("/proc/thread-self")
		if !own.complete || own.trusted != cred.Is(true) {
			t.Errorf("this thread's mounts: complete %t, trusted %+v", own.complete, own.trusted)
		}
		for fd, want := range map[int]cred.Known[bool]{inside: cred.Is(true), outside: cred.Is(false)} {
			if got := own.inNamespace(fd); got != want {
				t.Errorf("by the list: %+v, want %+v", got, want)
			}
			if got := statmount(fd); got.OK && got != want {
				t.Errorf("by statmount: %+v, want %+v", got, want)
			}
		}
		if other := mountsOf(fmt.Sprint("/proc/", os.Getpid())); other.listed == nil || other.inNamespace(inside) != cred.Is(false) || other.inNamespace(outside) != cred.Is(true) {
			t.Error("by the list of the namespace before, it is the other way round")
		}
	})
}

// TestTrusted: a mount namespace that a process's user namespace or an ancestor owns.
func TestTrusted(t *testing.T) {
	testenv.Root(t)
	if got := trusted(ownProc); got != cred.Is(true) {
		t.Errorf("this process: %+v", got)
	}
	if got := trusted(filepath.Join(t.TempDir(), "gone")); got.OK {
		t.Errorf("no process: %+v", got)
	}
}
