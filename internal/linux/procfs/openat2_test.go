package procfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv/helper"
)

// TestOpenat2WhileRenaming: a look-up ends well while another thread renames. The
// kernel's own answer must be EAGAIN at least once, or the test shows nothing.
func TestOpenat2WhileRenaming(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for from, to := filepath.Join(dir, "x"), filepath.Join(dir, "y"); ; from, to = to, from {
			select {
			case <-stop:
				return
			default:
				os.WriteFile(from, nil, 0o600)
				os.Rename(from, to)
			}
		}
	}()
	defer func() { close(stop); <-done }()
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	path := strings.Repeat("a/../", 700) + "a"
	how := &unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_IN_ROOT}
	interrupted := 0
	for n := 0; interrupted < 20; n++ {
		if n == 200_000 {
			t.Fatalf("%d of %d look-ups were interrupted", interrupted, n)
		}
		fd, err := unix.Openat2(root, path, how)
		if err == unix.EAGAIN {
			interrupted++
			fd, err = Openat2(root, path, how)
		}
		if err != nil {
			t.Fatalf("look-up %d: %v", n, err)
		}
		unix.Close(fd)
	}
}

// TestOpenat2Ends: what answers EAGAIN for ever is an error.
func TestOpenat2Ends(t *testing.T) {
	if h := helper.Start(t, "open-again", nil); h.First != unix.EAGAIN.Error() {
		t.Error(h.First + h.Rest())
	}
}
