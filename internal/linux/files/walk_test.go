package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

// walk walks a tree and returns what grants something, in order, and the errors.
func walk(t *testing.T, oneFileSystem bool, top string) (found []string, failed []error) {
	t.Helper()
	w := Walk{
		OneFileSystem: oneFileSystem,
		Found:         func(g filecap.Grants) { found = append(found, g.Path) },
		Failed:        func(err error) { failed = append(failed, err) },
	}
	w.Tree(top)
	slices.Sort(found)
	return found, failed
}

func setuid(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(path, 0o4755); err != nil {
		t.Fatal(err)
	}
}

// TestWalkOne: a file that is named itself, be it by a link; what is none.
func TestWalkOne(t *testing.T) {
	t.Chdir(t.TempDir())
	setuid(t, "su")
	setuid(t, "dir/su")
	for _, err := range []error{os.Symlink("su", "link"), os.Symlink("dir", "tree"), unix.Mkfifo("fifo", 0o4755), os.Symlink("../su", "dir/link")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for top, want := range map[string][]string{"su": {"su"}, "link": {"link"}, "tree": {"tree/su"}, "fifo": nil, "/dev/null": nil} {
		if found, failed := walk(t, false, top); !slices.Equal(found, want) || failed != nil {
			t.Errorf("%s: %q, %v", top, found, failed)
		}
	}
	if found, failed := walk(t, false, "gone"); found != nil || len(failed) != 1 || !errors.Is(failed[0], unix.ENOENT) {
		t.Errorf("gone: %q, %v", found, failed)
	}
}

func init() {
	helper.Run(map[string]func(){"walk": helperWalk, "walk-denied": helperWalkDenied, "grants": helperGrants})
}

// TestWalkMounts: other file systems are entered unless that is not wanted, and procfs
// never is.
func TestWalkMounts(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "walk", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, "WALK="+t.TempDir())
	if got, want := h.First+"\n"+h.Rest(), "all: [a/su m/su] 11\none: [a/su] 8\nits own: [m/su] 3\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func helperWalk() {
	helper.Must("chdir", os.Chdir(os.Getenv("WALK")))
	for _, err := range []error{
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		os.Mkdir("a", 0o755), os.WriteFile("a/su", nil, 0o755), unix.Chmod("a/su", 0o4755),
		os.Mkdir("m", 0o755), unix.Mount("tmpfs", "m", "tmpfs", 0, ""), os.WriteFile("m/su", nil, 0o755), unix.Chmod("m/su", 0o4755),
		os.Mkdir("p", 0o755), unix.Mount("proc", "p", "proc", 0, ""),
	} {
		helper.Must("tree", err)
	}
	for _, c := range []struct {
		name, top string
		one       bool
	}{{"all", ".", false}, {"one", ".", true}, {"its own", "m", true}} {
		var found []string
		w := Walk{OneFileSystem: c.one, Failed: func(err error) { found = append(found, err.Error()) }}
		w.Found = func(g filecap.Grants) { found = append(found, strings.TrimPrefix(g.Path, "./")) }
		w.Tree(c.top)
		slices.Sort(found)
		fmt.Println(c.name+":", found, w.Files.Load())
	}
}

// TestWalkDenied: what may not be read is an error, and nothing stays open.
func TestWalkDenied(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	openAbove(t, dir)
	for _, name := range []string{"closed/su", "open/closed/su", "open/su"} {
		setuid(t, filepath.Join(dir, name))
	}
	for _, name := range []string{"closed", "open/closed"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h := helper.Start(t, "walk-denied", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, "WALK="+dir)
	const want = "[./closed: permission denied ./open/closed: permission denied ./open/su] 0\n"
	if got := h.First + "\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func helperWalkDenied() {
	helper.Must("chdir", os.Chdir(os.Getenv("WALK")))
	var found []string
	w := Walk{Failed: func(err error) { found = append(found, err.Error()) }}
	w.Found = func(g filecap.Grants) { found = append(found, g.Path) }
	w.Tree(".")
	slices.Sort(found)
	fmt.Println(found, w.open.Load())
}

// TestWalkDeep: a tree that is deeper than paths may be long, and one with more
// directories at each level than may stay open.
func TestWalkDeep(t *testing.T) {
	const depth = 1100 // a path of more than PATH_MAX bytes, and more directories than may stay open
	t.Chdir(t.TempDir())
	at, err := unix.Open(".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	top := at
	for range depth {
		for _, name := range []string{"aaa", "bbb"} {
			if err := unix.Mkdirat(at, name, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		file, err := unix.Openat(at, "bbb/su", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		unix.Fchmod(file, 0o4755)
		unix.Close(file)
		next, err := unix.Openat(at, "aaa", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if at != top {
			unix.Close(at)
		}
		at = next
	}
	unix.Close(at)
	found, failed := walk(t, false, ".")
	if len(found) != depth || failed != nil {
		t.Errorf("%d files, %v", len(found), failed)
	}
	longest := slices.MaxFunc(found, func(a, b string) int { return len(a) - len(b) })
	if want := "." + strings.Repeat("/aaa", depth-1) + "/bbb/su"; longest != want {
		t.Errorf("the longest path has %d bytes, not %d", len(longest), len(want))
	}
}

// TestWalk: all of a broad tree is seen once, whatever order the walkers take,
// and the paths begin as the tree's does.
func TestWalk(t *testing.T) {
	t.Chdir(t.TempDir())
	var want []string
	for a := range 20 {
		for b := range 20 {
			dir := fmt.Sprintf("top/%d/%d", a, b)
			path := filepath.Join(dir, "su")
			setuid(t, path)
			want = append(want, path)
		}
	}
	slices.Sort(want)
	for _, top := range []string{"top", "top/", "top//"} {
		var got []string
		w := Walk{
			Found:  func(g filecap.Grants) { got = append(got, g.Path) },
			Failed: func(err error) { t.Error(err) },
		}
		w.Tree(top)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %d files, want %d: %q", top, len(got), len(want), got)
		}
		if open := w.open.Load(); open != 0 {
			t.Errorf("%s: %d directories are still open", top, open)
		}
	}
}
