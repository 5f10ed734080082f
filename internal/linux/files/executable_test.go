package files

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/execve"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

// write makes an executable file and returns its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantFileError(t *testing.T, err error, errno syscall.Errno, text string) {
	t.Helper()
	var fileError *FileError
	if !errors.As(err, &fileError) || !errors.Is(err, errno) || err.Error() != text {
		t.Errorf("error %q, want %q, errno %v", err, text, errno)
	}
}

func TestExecutablePlain(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "plain", static)
	got, err := Here.Executable(path)
	if err != nil {
		t.Fatal(err)
	}
	older, err := kernelBefore(6, 17)
	if err != nil {
		t.Fatal(err)
	}
	want := execve.File{Path: path, Mode: unix.S_IFREG | 0o755, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		SetidFromReal: older}
	if len(got.IDs) != 1 || got.IDs[0].Ino == 0 {
		t.Errorf("the files are %+v", got.IDs)
	}
	got.IDs = nil
	got.NoSuid = false // as the directory's mount has it
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestExecutableErrors(t *testing.T) {
	dir := t.TempDir()
	gone, fifo := filepath.Join(dir, "gone"), filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	script := write(t, dir, "script", "#! "+gone+" -x\n")
	outer := write(t, dir, "outer", "#!"+script)
	empty := write(t, dir, "empty", "#!  \n")
	for path, want := range map[string]struct {
		errno syscall.Errno
		text  string
	}{
		"":     {unix.ENOENT, "open : no such file or directory"},
		gone:   {unix.ENOENT, "open " + gone + ": no such file or directory"},
		script: {unix.ENOENT, "open " + gone + " (the interpreter of " + script + "): no such file or directory"},
		outer:  {unix.ENOENT, "open " + gone + " (the interpreter of " + script + "): no such file or directory"},
		dir:    {unix.EACCES, "execve " + dir + ": permission denied (not a regular file)"},
		fifo:   {unix.EACCES, "execve " + fifo + ": permission denied (not a regular file)"},
		empty:  {unix.ENOEXEC, "execve " + empty + `: exec format error (its "#!" line names no interpreter, or a longer one than the kernel reads)`},
	} {
		_, err := Here.Executable(path)
		wantFileError(t, err, want.errno, want.text)
	}
}

func TestExecutableNoexec(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	helper.OnThread(func() { // whose mount namespace ends with it
		path := filepath.Join(dir, "program")
		for _, err := range []error{
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOEXEC, ""),
			os.WriteFile(path, []byte(static), 0o755),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		_, err := Here.Executable(path)
		wantFileError(t, err, unix.EACCES, "execve "+path+": permission denied (its mount is noexec)")
	})
}

// A chain as long as the kernel follows, and one longer, which it judges too.
func TestExecutableChain(t *testing.T) {
	dir := t.TempDir()
	path, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{path}
	for i := range maxInterpreters {
		path = write(t, dir, fmt.Sprint("script", i), "#!"+path+"\n")
		want = append([]string{path}, want...)
	}
	got, err := Here.Executable(path)
	if err != nil || fmt.Sprint(got.Interpreters) != fmt.Sprint(want[1:]) {
		t.Errorf("interpreters %q, %v, want %q", got.Interpreters, err, want[1:])
	}
	if err := run(path); err != nil {
		t.Errorf("the kernel: %v", err)
	}
	path = write(t, dir, "toolong", "#!"+path+"\n")
	_, err = Here.Executable(path)
	wantFileError(t, err, unix.ELOOP, "execve "+path+": too many levels of symbolic links (too many interpreters in a row)")
	if err := run(path); !errors.Is(err, unix.ELOOP) {
		t.Errorf("the kernel: %v", err)
	}
}

// run execs a file that was just written: a child that was forked elsewhere may still have it open.
func run(path string) error {
	for {
		pid, err := syscall.ForkExec(path, []string{path}, &syscall.ProcAttr{})
		if err == unix.ETXTBSY {
			continue
		}
		if err != nil {
			return err
		}
		var status syscall.WaitStatus
		_, err = syscall.Wait4(pid, &status, 0, nil)
		return err
	}
}

// TestHeadKernel compares parseHead with the kernel's reading of random files.
func TestHeadKernel(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"/bin/true", "/bin/true", "/gone", " ", " ", "\t", "\n", "\x00", "x", strings.Repeat(" ", 230), strings.Repeat("y", 244)}
	outcomes := map[string]int{}
	for i := range 1500 {
		text := "#!"
		for range r.IntN(6) {
			text += pieces[r.IntN(len(pieces))]
		}
		if r.IntN(4) == 0 { // to the edge of what the kernel reads
			text = "#!" + strings.Repeat(" ", 230+r.IntN(20)) + "/bin/true" + text[2:]
		}
		head := []byte(text)[:min(len(text), headSize)]
		name, parseErr := parseHead(head)
		want := "runs"
		switch {
		case parseErr != nil:
			want = parseErr.Error()
		case name != "":
			if err := unix.Access(name, unix.X_OK); err != nil {
				want = err.Error()
			}
		}
		got := "runs"
		if err := run(write(t, dir, fmt.Sprint(i), text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: parseHead = %q, %v; the kernel: %s", text, name, parseErr, got)
		}
		outcomes[got]++
	}
	if len(outcomes) < 3 || outcomes["runs"] < 50 {
		t.Errorf("the files prove little: %v", outcomes)
	}
}

func FuzzHead(f *testing.F) {
	for _, s := range []string{"", "#!", "#!\n", "#!/bin/sh", "#! /bin/sh -x\n", "#!\x00\n", "#!" + strings.Repeat("x", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		head = head[:min(len(head), headSize)]
		name, err := parseHead(head)
		if err != nil && (name != "" || !bytes.HasPrefix(head, []byte("#!"))) {
			t.Fatalf("%q: %q, %v", head, name, err)
		}
		if name != "" && (strings.ContainsAny(name, " \t\n\x00") || !bytes.Contains(head, []byte(name))) {
			t.Fatalf("%q: %q", head, name)
		}
	})
}

func TestExecutableCaps(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	path := write(t, dir, "f", static)
	set := func(c filecap.Caps) {
		t.Helper()
		value, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		err = unix.Setxattr(path, filecap.XattrName, value, 0)
		testenv.Need(t, "a file system with file capabilities", err == nil, fmt.Sprint(err))
	}
	set(filecap.Caps{Permitted: caps.NetRaw.Set() | 1<<62, Inheritable: caps.Kill.Set(), Effective: true, Version: 2})
	got, err := Here.Executable(path)
	want := filecap.Caps{Permitted: caps.NetRaw.Set(), Inheritable: caps.Kill.Set(), Effective: true, Version: 2}
	if err != nil || !got.HasCaps || got.ForeignCaps || got.Caps != want {
		t.Errorf("version 2: %+v, %v", got, err)
	}
	set(filecap.Caps{Permitted: caps.NetRaw.Set(), Version: 3, RootID: 100000})
	got, err = Here.Executable(path)
	want = filecap.Caps{Permitted: caps.NetRaw.Set(), Version: 3, RootID: 100000}
	if err != nil || !got.HasCaps || !got.ForeignCaps || got.Caps != want {
		t.Errorf("version 3 of another root: %+v, %v", got, err)
	}
}

// openAbove lets every user search a directory of a test, and those above it.
func openAbove(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that may be executed but not read is taken for a binary, and said so.
func TestExecutableUnreadable(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	openAbove(t, dir)
	path := write(t, dir, "f", "#!/gone\n")
	value, _ := filecap.Caps{Permitted: caps.Kill.Set(), Version: 2}.Encode()
	err := unix.Setxattr(path, filecap.XattrName, value, 0)
	testenv.Need(t, "a file system with file capabilities", err == nil, fmt.Sprint(err))
	if err := os.Chmod(path, 0o711); err != nil {
		t.Fatal(err)
	}
	var got execve.File
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		unix.Setfsuid(1000)    // and takes the file-system capabilities from effective
		got, err = Here.Executable(path)
	}()
	<-done
	if err != nil || !got.Unreadable || !got.HasCaps || got.Caps.Permitted != caps.Kill.Set() || got.Mode&0o777 != 0o711 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestExecutableChroot(t *testing.T) {
	root := t.TempDir()
	write(t, root, "interpreter", static)
	write(t, root, "script", "#!/interpreter\n")
	if err := os.Symlink("/script", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(root, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	got, err := Lookup{Dir: fd, Chroot: true}.Executable("/../link")
	if err != nil || len(got.Interpreters) != 1 || got.Interpreters[0] != "/interpreter" {
		t.Errorf("in a root to come: %+v, %v", got, err)
	}
	if got, err := (Lookup{Dir: fd}).Executable("interpreter"); err != nil || got.Path != "interpreter" {
		t.Errorf("in a directory to come: %+v, %v", got, err)
	}
}

// TestReplaced: a file that is another one now, or a changed one, is found; what
// cannot be looked up is not one.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	interpreter := write(t, dir, "interpreter", static)
	script := write(t, dir, "script", "#!"+interpreter+"\n")
	exe, err := Here.Executable(script)
	if err != nil {
		t.Fatal(err)
	}
	want := func(when, path string) {
		t.Helper()
		if got, err := Replaced(&exe); got != path || err != nil {
			t.Errorf("%s: %q, %v, want %q", when, got, err, path)
		}
	}
	want("as it was", "")
	for _, c := range []struct {
		when string
		do   func() error
		path string
	}{
		{"the interpreter is gone", func() error { return os.Rename(interpreter, interpreter+"2") }, ""},
		{"it is a loop", func() error { return os.Symlink(interpreter, interpreter) }, ""},
		{"it is another file", func() error { return errors.Join(os.Remove(interpreter), os.WriteFile(interpreter, nil, 0o755)) }, interpreter},
		{"so is the script", func() error { return errors.Join(os.Remove(script), os.WriteFile(script, nil, 0o755)) }, script},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		want(c.when, c.path)
	}
}

// TestDescriptors: what is opened is closed at an execve, and closed again here,
// whatever comes of it.
func TestDescriptors(t *testing.T) {
	dir := t.TempDir()
	root, err := InRoot("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root.Dir)
	other, err := root.OpenFD("/", unix.O_PATH)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	for name, fd := range map[string]int{"a root": root.Dir, "a file below it": other} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %x, %v", name, flags, err)
		}
	}
	if fd, err := Here.OpenFD(dir, unix.O_PATH); err != nil {
		t.Error(err)
	} else {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("a file: flags %x, %v", flags, err)
		}
		unix.Close(fd)
	}
	loader := write(t, dir, "loader", static)
	paths := []string{
		dir, write(t, dir, "program", program64(wide(), loader+"\x00", "")), write(t, dir, "text", "text"),
		write(t, dir, "script", "#!"+loader+"\n"), write(t, dir, "broken", "#!\n"), write(t, dir, "loaderless", program64(wide(), dir+"\x00", "")),
	}
	count := func() int {
		t.Helper()
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := count()
	for _, path := range paths {
		for range 20 {
			Here.Executable(path)
			Grants(path)
			Planned(path, nil)
			Here.OpenToAll(path)
			Here.Denier(path)
		}
	}
	if after := count(); after > before+10 { // the runtime may have opened some
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
