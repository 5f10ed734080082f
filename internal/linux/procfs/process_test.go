package procfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// readBoth reads with and without an open directory.
func readBoth(t *testing.T, r Root, pid, tid int, check func(p cred.Process, err error)) {
	t.Helper()
	for _, o := range []Options{{}, everything} {
		check(r.Process(pid, tid, o))
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

func TestManyGroups(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "groups", nil)
	p, err := Proc.Process(h.PID, 0, Options{})
	if err != nil || len(p.Groups) != 65536 || p.Groups[0] != 4294900000 || p.Groups[65535] != 4294965535 || p.Bounding == 0 {
		t.Errorf("%d groups, %v", len(p.Groups), err)
	}
}

// TestKernelThreads: they are distinguished from processes without status's Kthread line,
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
