package procfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

func wantReason(t *testing.T, err error, reason Reason, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != reason || err.Error() != text {
		t.Errorf("error %v (%T), want reason %d, %q", err, err, reason, text)
	}
}

func TestNoSuchProcess(t *testing.T) {
	const never = 1<<31 - 1
	readBoth(t, Proc, never, 0, func(_ cred.Process, err error) {
		wantReason(t, err, NoProcess, "process 2147483647: no such process")
	})
	readBoth(t, Proc, os.Getpid(), never, func(_ cred.Process, err error) {
		wantReason(t, err, NoThread, fmt.Sprintf("process %d: no such thread 2147483647", os.Getpid()))
	})
	readBoth(t, Proc, os.Getpid(), 1, func(_ cred.Process, err error) {
		wantReason(t, err, NoThread, fmt.Sprintf("process %d: no such thread 1", os.Getpid()))
	})
	empty := Root(t.TempDir())
	for _, r := range []Root{empty, empty + "/none", "/etc", "/etc/passwd"} {
		readBoth(t, r, 1, 0, func(_ cred.Process, err error) {
			wantReason(t, err, NotProcfs, string(r)+": not a procfs")
		})
	}
	if _, err := empty.PIDs(); err == nil {
		t.Error("an empty directory has PIDs")
	}
}

func TestZombie(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Wait for its end, and leave it a zombie.
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	readBoth(t, Proc, cmd.Process.Pid, 0, func(p cred.Process, err error) {
		if err != nil || !p.Zombie() || p.Name != "true" || p.PPID != os.Getpid() {
			t.Errorf("%+v, %v", p, err)
		}
	})
	cmd.Wait()
	readBoth(t, Proc, cmd.Process.Pid, 0, func(p cred.Process, err error) {
		wantReason(t, err, NoProcess, fmt.Sprintf("process %d: no such process", cmd.Process.Pid))
	})
}

// TestVanished: the process ends after its directory was opened.
func TestVanished(t *testing.T) {
	h := helper.Start(t, "wait", nil)
	fd, err := unix.Open(Proc.Path(h.PID, h.PID), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	held := Thread{root: Proc, pid: h.PID, tid: h.PID, dir: fd, held: true}
	if p, err := held.process(everything); err != nil || p.PID != h.PID {
		t.Fatalf("%+v, %v", p, err)
	}
	status, err := os.Open(Proc.Path(h.PID, h.PID) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	h.Stop()
	text := fmt.Sprintf("process %d: vanished while it was read", h.PID)
	for _, o := range []Options{{}, everything} {
		p, err := held.process(o)
		wantReason(t, err, Vanished, text)
		if !reflect.DeepEqual(p, cred.Process{}) {
			t.Errorf("something was read of it: %+v", p)
		}
	}
	_, err = unix.Read(int(status.Fd()), make([]byte, 10))
	byPath := Thread{root: Proc, pid: h.PID, tid: h.PID}
	wantReason(t, byPath.explain("status", err), Vanished, text)
}

// TestMayNotLook: another user reads what all may read, the rest is unknown.
func TestMayNotLook(t *testing.T) {
	testenv.Root(t)
	r := inHelper(t, reading{Root: Proc, PID: os.Getpid(), UID: 65534})
	if r.Error != "" || r.UserNS != [2]bool{false, true} {
		t.Errorf("%+v", r)
	}
	r = inHelper(t, reading{Root: Proc, PID: os.Getpid()})
	if r.Error != "" || r.UserNS != [2]bool{true, true} {
		t.Errorf("as root: %+v", r)
	}
}

func TestHidepid(t *testing.T) {
	testenv.Root(t)
	e, p, i, err := helper.Capget(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	hidden := fmt.Sprintf("process %d is hidden (hidepid=invisible on ROOT); capget(2) shows %s", os.Getpid(),
		caps.EPI{Effective: e, Permitted: p, Inheritable: i}.Text(caps.Named))
	denied := fmt.Sprintf("process %d: reading status: operation not permitted (hidepid=noaccess on ROOT)", os.Getpid())
	for _, c := range []struct {
		options string
		uid     int
		reason  Reason
		text    string
	}{
		{"hidepid=2", 65534, MaybeHidden, hidden},
		{"hidepid=1", 65534, Denied, denied},
		{"hidepid=0", 65534, 0, ""},
		{"hidepid=2", 0, 0, ""},
	} {
		root := Root(t.TempDir())
		if err := os.Chmod(filepath.Dir(string(root)), 0o755); err != nil {
			t.Fatal(err)
		}
		r := inHelper(t, reading{Mount: "proc", Options: c.options, Root: root, PID: os.Getpid(), UID: c.uid})
		want := strings.Replace(c.text, "ROOT", string(root), 1)
		// 2 and 1 are how kernels before 5.8 show them.
		got := strings.NewReplacer("hidepid=2", "hidepid=invisible", "hidepid=1", "hidepid=noaccess").Replace(r.Error)
		if got != want || r.Reason != c.reason {
			t.Errorf("%s as uid %d: reason %d, %q; want %d, %q", c.options, c.uid, r.Reason, got, c.reason, want)
		}
	}
}

// TestHidepidNoProcess: capget(2) tells one that is hidden from one that is not there.
func TestHidepidNoProcess(t *testing.T) {
	testenv.Root(t)
	const none = 4 << 20 // more than pid_max can be
	r := inHelper(t, reading{Mount: "proc", Options: "hidepid=2", Root: Proc, PID: none, UID: 65534})
	if want := fmt.Sprintf("process %d: no such process", none); r.Error != want || r.Reason != NoProcess {
		t.Errorf("%+v, want %s", r, want)
	}
}

// TestNoProc: what is no procfs says so.
func TestNoProc(t *testing.T) {
	testenv.Root(t)
	r := inHelper(t, reading{Mount: "tmpfs", Root: Proc, PID: 1})
	if r.Error != "/proc: not a procfs" || r.Reason != NotProcfs {
		t.Errorf("%+v", r)
	}
}

// TestLargeStatus: what has no end is no status file, and is not read on.
func TestLargeStatus(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/1", 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(dir + "/1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(200 << 20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Root(dir).Process(1, 0, Options{})
	runtime.ReadMemStats(&after)
	wantReason(t, err, Malformed, "process 1: status: is not a status file: it has more than 1 MiB")
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes of memory for it", used)
	}
}
