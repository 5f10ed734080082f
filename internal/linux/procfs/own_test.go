package procfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

// TestOpenOwn: what is mounted over a file, be it another file of the same procfs, is
// not this process's own, and no magic link is followed. An attempt leaves no
// descriptor open.
func TestOpenOwn(t *testing.T) {
	testenv.Root(t)
	want := `self/status: ok, before openat2 ok
self/setgroups: another mount covers it, before openat2 another mount covers it
self/limits: another mount covers it, before openat2 ok
self/cwd: too many levels of symbolic links, before openat2 too many levels of symbolic links
self/root/etc: too many levels of symbolic links, before openat2 another mount covers it
self/nonesuch: no such file or directory, before openat2 no such file or directory
0 descriptors more
`
	h := helper.Start(t, "own", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS})
	if got := h.First + "\n" + h.Rest(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func helperOwn() {
	helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	helper.Must("/dev/null", unix.Mount("/dev/null", "/proc/self/setgroups", "", unix.MS_BIND, ""))
	helper.Must("version", unix.Mount("/proc/version", "/proc/self/limits", "", unix.MS_BIND, ""))
	result := func(fd int, err error) string {
		if err == nil {
			unix.Close(fd)
			return "ok"
		}
		for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
			err = next
		}
		return err.Error()
	}
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		helper.Must("descriptors", err)
		return len(list)
	}
	proc, err := openOwnRoot()
	helper.Must("proc", err)
	before := descriptors()
	for _, name := range []string{"self/status", "self/setgroups", "self/limits", "self/cwd", "self/root/etc", "self/nonesuch"} {
		fmt.Printf("%s: %s, before openat2 %s\n", name, result(OpenOwn(name, unix.O_RDONLY)),
			result(openSameDevice(proc, name, unix.O_RDONLY|unix.O_NOFOLLOW)))
	}
	fmt.Println(descriptors()-before, "descriptors more")
}

// TestSeesAll: only who sees the namespaces of the kernel's own process 2 does.
func TestSeesAll(t *testing.T) {
	testenv.Root(t)
	_, all := Proc.SeesAll() // as in the initial PID namespace
	for flags, want := range map[uintptr]string{0: fmt.Sprint("true ", all), unix.CLONE_NEWPID: "true false"} {
		h := helper.Start(t, "sees-all", &syscall.SysProcAttr{Cloneflags: flags, Unshareflags: unix.CLONE_NEWNS})
		if h.First != want {
			t.Errorf("with namespaces %#x: %q, want %q", flags, h.First, want)
		}
	}
}

func helperSeesAll() {
	helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	helper.Must("proc", unix.Mount("proc", "/proc", "proc", 0, ""))
	_, own := Proc.ownProcess()
	_, all := Proc.SeesAll()
	fmt.Println(own, all)
}

// TestThreadCount: the links of the task directory.
func TestThreadCount(t *testing.T) {
	one := exec.Command(testenv.Tool(t, "cat"))
	stdin, err := one.StdinPipe()
	if err == nil {
		err = one.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer one.Wait()
	defer stdin.Close()
	s, err := Proc.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Reader()
	if n := r.threadCount(one.Process.Pid); n != 1 {
		t.Errorf("cat has %d threads", n)
	}
	var p cred.Process
	for range 100 { // until the number stands still
		before := r.threadCount(os.Getpid())
		if _, err := r.Status(os.Getpid(), &p); err != nil {
			t.Fatal(err)
		}
		if after := r.threadCount(os.Getpid()); after == before {
			if p.Threads != after {
				t.Errorf("%d threads, status has %d", after, p.Threads)
			}
			return
		}
	}
}

// TestOptionalEmpty: an empty file says that there is nothing, unless it is a mask over
// a file of procfs. In a copy there are no masks.
func TestOptionalEmpty(t *testing.T) {
	h := helper.Start(t, "wait", nil)
	dir := t.TempDir()
	saveCopy(t, dir, h.PID)
	path := filepath.Join(dir, strconv.Itoa(h.PID), "uid_map")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	text, ok, err := Root(dir).Thread(h.PID, h.PID).Optional("uid_map")
	if len(text) != 0 || !ok || err != nil {
		t.Errorf("an empty file of a copy: %q, known %v, %v", text, ok, err)
	}
}

// TestStateWithoutWord: gVisor's status has the letter alone.
func TestStateWithoutWord(t *testing.T) {
	for state, ok := range map[string]bool{"S": true, "S (sleeping)": true, "": false, "Sx": false, "1 (odd)": false} {
		var p cred.Process
		before, rest, _ := strings.Cut(readSample(t, "linux-5.10"), "State:\t")
		_, after, _ := strings.Cut(rest, "\n")
		err := ParseStatus([]byte(before+"State:\t"+state+"\n"+after), &p)
		if (err == nil) != ok || ok && p.RunState != 'S' {
			t.Errorf("%q: state %c, %v", state, p.RunState, err)
		}
	}
}
