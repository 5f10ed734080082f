package files

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

func TestCommandPaths(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		want []string
	}{
		{"a/b", []string{"PATH=/x"}, []string{"a/b"}},
		{"", nil, []string{""}},
		{"a", nil, []string{"/bin/a", "/usr/bin/a"}},
		{"a", []string{"PATH=/x::y", "PATH=/z"}, []string{"/x/a", "./a", "y/a"}},
		{"a", []string{"PATH="}, []string{"./a"}},
	} {
		if got := CommandPaths(c.name, c.env); !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: %q, want %q", c.name, c.env, got, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good", static)
	plain := write(t, dir, "plain", static)
	if err := os.Chmod(plain, 0o644); err != nil {
		t.Fatal(err)
	}
	script := write(t, dir, "script", "#!"+plain+"\n")
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	gone, below := filepath.Join(dir, "gone"), filepath.Join(good, "x")
	for _, c := range []struct {
		paths []string
		found Found
		errno error
	}{
		{[]string{gone, below, good, plain}, Found{2, 2}, nil},
		{[]string{plain, dir, gone, good}, Found{3, 0}, nil},
		{[]string{gone, plain, dir}, Found{3, 1}, unix.EACCES},
		{[]string{script, good}, Found{0, 0}, unix.EACCES}, // the script is there
		{[]string{gone, loop, good}, Found{1, 1}, unix.ELOOP},
	} {
		found, exe, err := Here.Command("name", c.paths)
		if found != c.found || !errors.Is(err, c.errno) || err == nil && exe.Path != c.paths[found.At] {
			t.Errorf("%q: %+v, %+v, %v", c.paths, found, exe, err)
		}
	}
	long := strings.Repeat("x", 300)
	_, _, err := Here.Command(long, []string{dir + "/" + long, dir + "/" + long})
	if !errors.Is(err, unix.ENAMETOOLONG) || strings.Count(err.Error(), long) != 1 {
		t.Errorf("a name that is too long is not said once: %v", err)
	}
	for name, text := range map[string]string{"": "the command is empty", "./x": "./x: no such file", "x": "x: not found in PATH"} {
		_, _, err := Here.Command(name, []string{gone})
		if err != NotFound(name) || err.Error() != text {
			t.Errorf("%q: %v, want %s", name, err, text)
		}
	}
}

// Who may not execute a file is refused by what the kernel says of it.
func TestExecutableNobody(t *testing.T) {
	dir := t.TempDir()
	plain := write(t, dir, "plain", static)
	script := write(t, dir, "script", "#!"+plain+"\n")
	if err := os.Chmod(plain, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		plain:  "execve " + plain + ": permission denied (no execute permission for anyone)",
		script: "execve " + plain + " (the interpreter of " + script + "): permission denied (no execute permission for anyone)",
	} {
		_, err := Here.Executable(path)
		wantFileError(t, err, unix.EACCES, text)
		if err := run(path); !errors.Is(err, unix.EACCES) {
			t.Errorf("the kernel: %v", err)
		}
	}
}

// TestSkipped: after which errors execvp(3) tries the next path.
func TestSkipped(t *testing.T) {
	var none *FileError
	if none.missing("cmd") || none.refused() {
		t.Error("no error")
	}
	for _, c := range []struct {
		err              FileError
		missing, refused bool
	}{
		{FileError{Call: "open", Err: unix.ENOENT}, true, false},
		{FileError{Call: "open", Err: unix.ENOTDIR}, true, false},
		{FileError{Call: "open", Err: unix.EACCES}, false, true},
		{FileError{Call: "execve", Err: unix.EACCES}, false, true},
		{FileError{Call: "execve", Err: unix.ENOEXEC}, false, false},
		{FileError{Call: "getxattr", Err: unix.EACCES}, false, false},
		{FileError{Call: "getxattr", Err: unix.ENOENT}, false, false},
		{FileError{Call: "open", Of: "script", Err: unix.ENOENT}, false, false},
		{FileError{Call: "open", Of: "script", Err: unix.EACCES}, false, false},
	} {
		if c.err.missing("cmd") != c.missing || c.err.refused() != c.refused {
			t.Errorf("%+v: missing %t, refused %t", c.err, c.err.missing("cmd"), c.err.refused())
		}
	}
	if (&FileError{Call: "open", Err: unix.ENOTDIR}).missing("./cmd") {
		t.Error("a file that is no directory is part of a command's path, which says more than that there is none")
	}
}

// TestPermitted: who may execute a file, and its interpreter, by the kernel's word.
func TestPermitted(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	openAbove(t, dir)
	mine := write(t, dir, "mine", static)
	others := write(t, dir, "others", static)
	script := write(t, dir, "script", "#!"+mine+"\n")
	for path, mode := range map[string]os.FileMode{mine: 0o744, others: 0o711} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, uid := range []int{0, 1000} {
		for path, want := range map[string]string{
			others: "", mine: "execve " + mine + ": permission denied (this user may not execute it)",
			script: "execve " + mine + " (the interpreter of " + script + "): permission denied (this user may not execute it)",
		} {
			if uid == 0 {
				want = ""
			}
			cmd := exec.Command(path)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
			if err := cmd.Run(); errors.Is(err, unix.EACCES) != (want != "") {
				t.Errorf("uid %d, %s: the kernel says %v", uid, path, err)
			}
			helper.OnThread(func() {
				unix.Setfsuid(uid)
				exe, err := Here.Executable(path)
				if err == nil {
					err = Permitted(&exe)
				}
				if got := fmt.Sprint(err); got != cmp.Or(want, "<nil>") {
					t.Errorf("uid %d, %s: %s, want %q", uid, path, got, want)
				}
			})
		}
	}
}

// TestDenier: the directory that keeps a user from a file, also behind links.
func TestDenier(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	openAbove(t, dir)
	closed := filepath.Join(dir, "closed")
	for _, err := range []error{
		os.MkdirAll(closed+"/below", 0o755), os.Chmod(closed, 0o700),
		os.Symlink("closed", dir+"/link"), os.Symlink("closed/below/x", dir+"/deep"), os.Symlink(dir+"/deep", dir+"/absolute"),
		os.Symlink("open", dir+"/fine"), os.Symlink("loop", dir+"/loop"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "open", static)
	helper.OnThread(func() {
		unix.Setfsuid(1000)
		for name, want := range map[string]string{
			"open": "", "fine": "", "gone": "", "loop": "", "gone/x": "", "closed": "",
			"closed/x": "closed", "closed/below/x": "closed", "link/x": "link", "deep": "closed", "absolute": "closed",
		} {
			if want != "" {
				want = filepath.Join(dir, want)
			}
			if got := Here.Denier(filepath.Join(dir, name)); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

// TestOpenToAll: any user may reach and execute the file, whichever way its path
// takes.
func TestOpenToAll(t *testing.T) {
	dir := t.TempDir()
	openAbove(t, dir)
	closed := filepath.Join(dir, "closed")
	for _, err := range []error{
		os.Mkdir(closed, 0o750),
		os.Symlink(write(t, dir, "open", static), filepath.Join(closed, "link-out")),
		os.Symlink(write(t, closed, "file", static), filepath.Join(dir, "link-in")),
		os.Symlink("open", filepath.Join(dir, "link")),
		os.Chmod(write(t, dir, "mine", static), 0o750),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for path, want := range map[string]bool{
		"open": true, "./open": true, dir + "/open": true, "link": true, dir + "/link": true,
		"mine": false, "gone": false, "link-in": false, "closed/file": false, "closed/link-out": false, closed + "/../open": false,
	} {
		if got := Here.OpenToAll(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
	t.Chdir(closed)
	if Here.OpenToAll("./file") {
		t.Error("a file of the working directory, which others may not search")
	}
}
