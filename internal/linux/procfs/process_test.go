package procfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

var everything = Options{Threads: true, UserNS: true, Label: true}

// TestEveryProcess compares all threads of the host with the lines of their
// status, read a second way, and with helper.Capget(2).
func TestEveryProcess(t *testing.T) {
	pids, err := Proc.PIDs()
	if err != nil || !slices.Contains(pids, os.Getpid()) || !slices.IsSorted(pids) {
		t.Fatalf("PIDs = %v, %v", pids, err)
	}
	compared := 0
	for _, pid := range pids {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		for _, dir := range tasks {
			tid, _ := strconv.Atoi(filepath.Base(dir))
			p, err := Proc.Process(pid, tid, everything)
			text, err2 := os.ReadFile(dir + "/status")
			if err2 != nil || err != nil && !strings.Contains(err.Error(), "status") {
				continue // it ended meanwhile
			}
			if err != nil {
				t.Error(err)
				continue
			}
			e, prm, i, err := helper.Capget(tid)
			if again, _ := os.ReadFile(dir + "/status"); sets(again) != sets(text) || err != nil {
				continue // it changed meanwhile
			}
			if p.TID != p.PID && p.PID == os.Getpid() {
				continue // threads of this test come and go
			}
			compared++
			if err := naivelyEqual(withState(string(text), p.RunState), &p); err != nil && !strings.HasPrefix(err.Error(), "threads") {
				t.Errorf("%d/%d: %v", pid, tid, err)
			}
			if p.Effective != e || p.Permitted != prm || p.Inheritable != i {
				t.Errorf("%d/%d: %+v, capget says %x %x %x", pid, tid, p.Sets, e, prm, i)
			}
		}
	}
	if compared < 5 {
		t.Errorf("only %d threads compared", compared)
	}
}

// sets are the lines of a status that speak of credentials.
func sets(text []byte) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "Uid") || strings.HasPrefix(line, "Name") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// withState replaces the run state, which changes between two readings.
func withState(text string, state byte) string {
	before, after, _ := strings.Cut(text, "State:\t")
	return before + "State:\t" + string(state) + after[1:]
}

func wantReason(t *testing.T, err error, reason Reason, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != reason || err.Error() != text {
		t.Errorf("error %v (%T), want reason %d, %q", err, err, reason, text)
	}
}

// readBoth reads with and without an open directory.
func readBoth(t *testing.T, r Root, pid, tid int, check func(p cred.Process, err error)) {
	t.Helper()
	for _, o := range []Options{{}, everything} {
		check(r.Process(pid, tid, o))
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

func TestThreadsThatDiffer(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "thread", nil)
	var fewer, locked, same int
	fmt.Sscan(h.First, &fewer, &locked, &same)
	p, err := Proc.Process(h.PID, 0, everything)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(p.Differing, func(a, b cred.Process) int { return a.Permitted.Len() - b.Permitted.Len() })
	if !p.ThreadsRead || p.Threads < 4 || len(p.Differing) != 2 {
		t.Fatalf("threads %d, read %v, differing %+v", p.Threads, p.ThreadsRead, p.Differing)
	}
	if d := p.Differing[1]; d.TID != locked || !d.NoNewPrivs.Value || d.Sets != p.Sets {
		t.Errorf("differing: %+v", d)
	}
	d := p.Differing[0]
	if d.TID != fewer || d.PID != h.PID || d.Permitted != caps.NetRaw.Set() || d.Effective != 0 {
		t.Errorf("differing: %+v", d)
	}
	// Seen from the other thread, all the rest differ.
	p, err = Proc.Process(h.PID, fewer, everything)
	if err != nil || p.TID != fewer || !p.UserNS.Inode.OK {
		t.Fatalf("%+v, %v", p, err)
	}
	tids := []int{}
	for _, d := range p.Differing {
		tids = append(tids, d.TID)
	}
	if len(tids) < 2 || !slices.Contains(tids, h.PID) || !slices.Contains(tids, same) || slices.Contains(tids, fewer) {
		t.Errorf("differing from %d: %v", fewer, tids)
	}
	if p, err := Proc.Process(h.PID, 0, Options{}); err != nil || p.ThreadsRead || p.Differing != nil {
		t.Errorf("threads read without being asked: %+v, %v", p, err)
	}
	// A thread's id is no process.
	readBoth(t, Proc, fewer, 0, func(_ cred.Process, err error) {
		wantReason(t, err, NotLeader, fmt.Sprintf("process %d: is a thread of process %d", fewer, h.PID))
	})
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

// TestChurn reads ids whose processes come and go: always a whole answer or one
// of two reasons.
func TestChurn(t *testing.T) {
	pids := make(chan int, 64)
	go func() {
		defer close(pids)
		for range 150 {
			cmd := exec.Command("true")
			if cmd.Start() == nil {
				pids <- cmd.Process.Pid
				cmd.Wait()
			}
		}
	}()
	for pid := range pids {
		for range 20 {
			p, err := Proc.Process(pid, 0, everything)
			var e *Error
			switch {
			case err == nil && p.PID == pid && p.Bounding != 0:
			case errors.As(err, &e) && (e.Reason == NoProcess || e.Reason == Vanished):
			default:
				t.Fatalf("%+v, %v", p, err)
			}
		}
	}
}

func TestHostileNames(t *testing.T) {
	for _, name := range []string{"a\nUid:\t0\t0", `back\slash`, `\n\\n`, ") R 1 (", "\x1b[31mred\x1b", "\xff\xfe\x80", "trailing\\", " ", "é☃"} {
		if len(name) > 15 {
			t.Fatalf("%q is longer than a comm", name)
		}
		h := helper.Start(t, "wait", nil, "HELPER_NAME="+name)
		p, err := Proc.Process(h.PID, 0, Options{})
		if err != nil || p.Name != name {
			t.Errorf("name %q, %v; want %q", p.Name, err, name)
		}
		h.Stop()
	}
}

func TestUserNamespace(t *testing.T) {
	testenv.Root(t)
	// As many ranges as there may be: more than one read of the map.
	var gids []cred.IDRange
	var gidMappings []syscall.SysProcIDMap
	for i := range 340 {
		gids = append(gids, cred.IDRange{Inside: uint32(i), Outside: uint32(1000 + i), Count: 1})
		gidMappings = append(gidMappings, syscall.SysProcIDMap{ContainerID: i, HostID: 1000 + i, Size: 1})
	}
	h := helper.Start(t, "wait", &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}, {ContainerID: 5000, HostID: 7, Size: 1}},
		GidMappings: gidMappings,
	})
	p, err := Proc.Process(h.PID, 0, everything)
	if err != nil {
		t.Fatal(err)
	}
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", h.PID))
	if err != nil || fmt.Sprintf("user:[%d]", p.UserNS.Inode.Value) != link || p.UserNS.Initial().Value || !p.UserNS.Initial().OK {
		t.Errorf("inode %+v, the link says %s, %v", p.UserNS.Inode, link, err)
	}
	uids := []cred.IDRange{{Inside: 0, Outside: 100000, Count: 1000}, {Inside: 5000, Outside: 7, Count: 1}}
	if !slices.Equal(p.UserNS.UIDMap.Value, uids) || !slices.Equal(p.UserNS.GIDMap.Value, gids) {
		t.Errorf("maps %+v", p.UserNS)
	}
	if s := p.UserNS.Setgroups; !s.OK || s.Value { // Go denies it unless told otherwise
		t.Errorf("setgroups %+v", s)
	}
	own, err := Proc.Process(os.Getpid(), 0, everything)
	if err != nil || !own.UserNS.Setgroups.Value || !own.UserNS.Initial().OK {
		t.Errorf("own namespace %+v, %v", own.UserNS, err)
	}
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

func TestManyGroups(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "groups", nil)
	p, err := Proc.Process(h.PID, 0, Options{})
	if err != nil || len(p.Groups) != 65536 || p.Groups[0] != 4294900000 || p.Groups[65535] != 4294965535 || p.Bounding == 0 {
		t.Errorf("%d groups, %v", len(p.Groups), err)
	}
}

// saveCopy writes a process's files as plain ones.
func saveCopy(t *testing.T, dir string, pid int) {
	t.Helper()
	for _, name := range []string{"status", "uid_map", "gid_map", "setgroups", fmt.Sprintf("task/%d/status", pid)} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strconv.Itoa(pid), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSavedCopy(t *testing.T) {
	h := helper.Start(t, "wait", nil)
	live, err := Proc.Process(h.PID, 0, Options{UserNS: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saveCopy(t, dir, h.PID)
	r, base := Root(dir), filepath.Join(dir, strconv.Itoa(h.PID))
	link := fmt.Sprintf("user:[%d]", live.UserNS.Inode.Value)
	os.Mkdir(base+"/ns", 0o755)
	read := func(o Options) cred.Process {
		t.Helper()
		p, err := r.Process(h.PID, 0, o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := read(Options{UserNS: true}); p.UserNS.Inode.OK || !p.UserNS.UIDMap.OK {
		t.Errorf("without ns/user: %+v", p.UserNS)
	}
	if p := read(Options{}); p.State.Sets != live.Sets || p.Name != live.Name || p.PID != h.PID {
		t.Errorf("copy %+v, live %+v", p, live)
	}
	for _, save := range []func() error{
		func() error { return os.Symlink(link, base+"/ns/user") },
		func() error { return os.WriteFile(base+"/ns/user", []byte(link+"\n"), 0o644) },
	} {
		if err := save(); err != nil {
			t.Fatal(err)
		}
		if p := read(everything); !reflect.DeepEqual(p.UserNS, live.UserNS) || p.Label.OK || !p.ThreadsRead {
			t.Errorf("copy %+v, live %+v", p.UserNS, live.UserNS)
		}
		os.Remove(base + "/ns/user")
	}
	for file, label := range map[string]string{"unconfined\n": "unconfined", "system_u:system_r:init_t:s0\x00": "system_u:system_r:init_t:s0", "docker-default (enforce)\n": "docker-default (enforce)"} {
		os.MkdirAll(base+"/attr", 0o755)
		os.WriteFile(base+"/attr/current", []byte(file), 0o644)
		if p := read(Options{Label: true}); p.Label != cred.Is(label) {
			t.Errorf("label %+v, want %q", p.Label, label)
		}
	}
	readBoth(t, r, 999999, 0, func(_ cred.Process, err error) {
		wantReason(t, err, NoProcess, "process 999999: no such process")
	})
	os.RemoveAll(base + "/task")
	if p := read(everything); p.ThreadsRead || p.Differing != nil {
		t.Errorf("threads known without task: %+v", p)
	}
	os.WriteFile(base+"/uid_map", []byte("0 0\n"), 0o644)
	_, err = r.Process(h.PID, 0, everything)
	wantReason(t, err, Malformed, fmt.Sprintf("process %d: uid_map: not of the kernel's form", h.PID))
	text, _ := os.ReadFile(base + "/status")
	tgid := fmt.Sprintf("Tgid:\t%d\n", h.PID)
	os.WriteFile(base+"/status", []byte(strings.Replace(string(text), tgid, "Tgid:\t0\n", 1)), 0o644)
	_, err = r.Process(h.PID, 0, Options{})
	wantReason(t, err, Vanished, fmt.Sprintf("process %d: vanished while it was read", h.PID))
	for _, name := range []string{"0", "007", "12x", "-3", "4294967296"} {
		os.Mkdir(filepath.Join(dir, name), 0o755)
	}
	if pids, err := r.PIDs(); err != nil || !slices.Equal(pids, []int{h.PID}) {
		t.Errorf("PIDs = %v, %v", pids, err)
	}
	os.WriteFile(base+"/status", []byte("Name:\tx\n"), 0o644)
	_, err = r.Process(h.PID, 0, Options{})
	wantReason(t, err, Malformed, fmt.Sprintf("process %d: status: has no line State", h.PID))
	os.Remove(base + "/status")
	readBoth(t, r, h.PID, 0, func(_ cred.Process, err error) {
		var e *Error
		if !errors.As(err, &e) || e.Reason == NoProcess || e.Reason == Vanished {
			t.Errorf("a copy without status: %v", err)
		}
	})
}

// TestKernelThreads: they are told from processes without status's Kthread line,
// whatever their name.
func TestKernelThreads(t *testing.T) {
	pids := []int{2, os.Getpid()} // kthreadd
	dir := t.TempDir()
	for _, pid := range pids {
		live, err := Proc.Process(pid, 0, Options{})
		if os.IsNotExist(err) || pid == 2 && !live.KernelThread.Value {
			testenv.Need(t, "the kernel's threads", false, "process 2 is none")
		}
		saveCopy(t, dir, pid)
		base := filepath.Join(dir, strconv.Itoa(pid))
		var old []string
		text, err := os.ReadFile(base + "/status")
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "Kthread:") && !strings.HasPrefix(line, "Vm") {
				old = append(old, line)
			}
		}
		stat, statErr := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err = errors.Join(err, statErr, os.WriteFile(base+"/status", []byte(strings.Join(old, "")), 0o644)); err != nil {
			t.Fatal(err)
		}
		if p, err := Root(dir).Process(pid, 0, Options{}); err != nil || p.KernelThread.OK {
			t.Errorf("%d without stat: %+v, %v", pid, p.KernelThread, err)
		}
		_, rest, _ := strings.Cut(string(stat), ")")
		for _, name := range []string{"x", "x) R 1 1 1", ""} {
			os.WriteFile(base+"/stat", []byte(strconv.Itoa(pid)+" ("+name+")"+rest), 0o644)
			p, err := Root(dir).Process(pid, 0, Options{})
			if err != nil || p.KernelThread != cred.Is(live.KernelThread.Value) {
				t.Errorf("%d, named %q: %+v, %v", pid, name, p.KernelThread, err)
			}
		}
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
