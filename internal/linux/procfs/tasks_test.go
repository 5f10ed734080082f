package procfs

import (
	"bufio"
	"bytes"
	"capsh/internal/testenv/helper"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
)

// tabled is a scan with the table, however few processes there are.
func tabled(t testing.TB) *Scan {
	t.Helper()
	testenv.Root(t)
	s, err := Proc.Scan()
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "BPF iterators", err == nil && s.mayHaveIt && s.seesAll(),
		"no BTF, or not the first namespaces, or no CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE")
	s.begin()
	s.mayHaveIt = false
	return s
}

// odd are names of processes that their status files escape.
var odd = []string{"plain", "new\nline", `back\slash`, `\n`, "\xff\xfe\x80", "tab\tbell\a", "fifteen-letters", "", "(x) R 1"}

// assorted starts processes that differ in all that a record has.
func assorted(t *testing.T) (pids []int) {
	userNS := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 70000}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 70000}},
	}
	for i := range 60 {
		attr := &syscall.SysProcAttr{}
		switch i % 5 {
		case 1:
			attr = userNS
		case 2:
			attr.Cloneflags = syscall.CLONE_NEWNS
		}
		h := helper.Start(t, "assorted", attr, "PROBE_SEED="+strconv.Itoa(i))
		pids = append(pids, h.PID)
	}
	for _, mode := range []string{"headless", "filtered", "thread", "wait"} {
		h := helper.Start(t, mode, nil)
		t.Cleanup(func() { h.Cmd.Process.Kill() })
		pids = append(pids, h.PID)
	}
	nested := helper.Start(t, "nest", nil, "PROBE_DEPTH=5")
	for word := range strings.FieldsSeq(nested.First) {
		pid, _ := strconv.Atoi(word)
		pids = append(pids, pid)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		h := helper.Start(t, "wait", nil)
		t.Cleanup(func() { h.Cmd.Process.Kill() })
		unix.Kill(h.PID, signal)
		pids = append(pids, h.PID)
	}
	return pids
}

// helperAssorted changes this process, and gives it threads that differ.
func helperAssorted() {
	seed, _ := strconv.Atoi(os.Getenv("PROBE_SEED"))
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	os.WriteFile("/proc/self/comm", []byte(odd[seed%len(odd)]), 0)
	ready := make(chan bool)
	for range seed % 4 {
		state := random.Uint64()
		go func() {
			runtime.LockOSThread()
			if state%3 > 0 {
				helper.RandomState(rand.New(rand.NewPCG(state, 0)))
			}
			ready <- true
			select {}
		}()
		<-ready
	}
	if seed%2 == 0 {
		helper.RandomState(random)
	} else {
		groups := make([]uint32, seed/2+2) // 16, too: then the record is full
		for i := range groups {
			groups[i] = random.Uint32() >> random.IntN(32) >> 1
		}
		helper.SetGroups(groups)
	}
	if seed%7 == 0 {
		helper.Must("seccomp", helper.RefusePrctl(unix.PR_SET_KEEPCAPS, 0))
	}
	fmt.Println("ready")
}

// helperHeadless ends its leader; another thread stays.
func helperHeadless() {
	go func() {
		runtime.LockOSThread()
		helper.Must("drop", helper.SetCaps(0, 0, 0))
		fmt.Println("ready")
		select {}
	}()
	unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
}

// helperFiltered has a thread that differs in its seccomp filter only.
func helperFiltered() {
	if os.Getenv("PROBE_HOW") == "" {
		helper.Must("no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		again("no new privileges")
	}
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		helper.Must("seccomp", helper.RefusePrctl(unix.PR_SET_KEEPCAPS, 0))
		done <- true
		select {}
	}()
	<-done
	fmt.Println("ready")
}

// helperNest starts itself in a PID namespace within its own, and so on. It prints its
// id in the outermost and those of the processes that it has started.
func helperNest() {
	self, err := Proc.Self()
	helper.Must("self", err)
	inner := "\n"
	if depth, _ := strconv.Atoi(os.Getenv("PROBE_DEPTH")); depth > 0 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "PROBE_DEPTH="+strconv.Itoa(depth-1))
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
		cmd.Stdin = os.Stdin
		out, err := cmd.StdoutPipe()
		helper.Must("pipe", err)
		helper.Must("start", cmd.Start())
		inner, err = bufio.NewReader(out).ReadString('\n')
		helper.Must("nested", err)
	}
	fmt.Print(self, " ", inner)
}

// TestTasksAgree: what the table says of the machine's processes is what their files
// say. One that changes in between is looked at again.
func TestTasksAgree(t *testing.T) {
	crowd := assorted(t)
	told := map[int]bool{}
	for _, pid := range crowd {
		told[pid] = false
	}
	pending := map[int]string{}
	for round := range 10 {
		pending = disagreements(t, pending, round == 0, told)
		if len(pending) == 0 {
			break
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(pending)) {
		t.Errorf("process %d: %s", pid, pending[pid])
	}
	wholly := 0
	for pid, all := range told {
		if _, err := Proc.Process(pid, 0, Options{}); err != nil {
			t.Error(err)
		}
		if all {
			wholly++
		}
	}
	if len(told) != 72 {
		t.Errorf("%d processes, not 72", len(told))
	}
	if wholly < 40 || wholly > len(crowd)-4 {
		t.Errorf("%d of %d processes are wholly in the table", wholly, len(crowd))
	}
}

// disagreements compares the table with the files of the processes that are among
// those given, or of all. Of those in told it notes whether the table has all.
func disagreements(t *testing.T, among map[int]string, all bool, told map[int]bool) map[int]string {
	s := tabled(t)
	defer s.Close()
	files, err := Proc.Scan()
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	r, byFile := s.Reader(), files.Reader()
	found := map[int]string{}
	var b Batch
	for s.Next(&b) {
		r.records = b.records
		for _, pid := range b.PIDs {
			if _, ok := among[pid]; !all && !ok || pid == os.Getpid() || r.any(pid) == nil {
				continue
			}
			what := disagreement(pid, r, byFile)
			if _, ok := told[pid]; ok {
				told[pid] = r.record(pid) != nil
				what += misplaced(pid, told[pid])
			}
			if what != "" {
				found[pid] = what
			}
		}
	}
	if s.Err() != nil {
		t.Error(s.Err())
	}
	return found
}

// disagreement compares what two readers say of a process; "" for the same, or if it
// has ended.
func disagreement(pid int, r, byFile *Reader) string {
	var got cred.Process
	idle, whole := r.HoldsNothing(pid), r.record(pid) != nil
	there, err := r.Status(pid, &got)
	if err == nil && there {
		err = r.Threads(&got, false)
	}
	want, wantErr := Proc.Process(pid, 0, Options{Threads: true, UserNS: true})
	if err != nil || !there || wantErr != nil {
		return ""
	}
	got.UserNS = want.UserNS
	if got.UserNS.Inode = r.UserNS(pid).Inode; r.MountNS(pid) != byFile.MountNS(pid) {
		return fmt.Sprint("mount namespace ", r.MountNS(pid), ", by file ", byFile.MountNS(pid))
	}
	if nothing := want.Held() == 0; whole && nothing != idle {
		return fmt.Sprint("holds nothing: ", idle, ", by file ", nothing)
	}
	steady(&got)
	steady(&want)
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("\n got %+v\nwant %+v", got, want)
	}
	return ""
}

// misplaced says that the table has all of a process of which it can't, or has not
// though it could; "" if neither.
func misplaced(pid int, whole bool) string {
	p, err := Proc.Process(pid, 0, Options{})
	plain := (p.RunState == 'R' || p.RunState == 'S') && len(p.Groups) <= 16 && len(p.NSPID) <= 4
	if err != nil || plain != whole {
		return fmt.Sprintf("wholly in the table: %v, but it is %+v, %v", whole, p, err)
	}
	return ""
}

// steady makes running and sleeping the same: it changes from moment to moment.
func steady(p *cred.Process) {
	for _, p := range append([]*cred.Process{p}, pointers(p.Differing)...) {
		if p.RunState == 'R' {
			p.RunState = 'S'
		}
	}
}

func pointers(list []cred.Process) (all []*cred.Process) {
	for i := range list {
		all = append(all, &list[i])
	}
	return all
}

// TestTasksThreads: the threads of a process are read only where one may differ.
func TestTasksThreads(t *testing.T) {
	alike, differing := helper.Start(t, "wait", nil), helper.Start(t, "thread", nil)
	s := tabled(t)
	defer s.Close()
	for b := new(Batch); s.Next(b); {
	}
	if !s.tasks.alike(alike.PID) {
		t.Error("the threads of a process that are alike are said not to be")
	}
	if s.tasks.alike(differing.PID) {
		t.Error("the threads of a process that differ are said not to")
	}
}

// TestTasksHolding: where only those count that hold something, of the others only
// that they don't is said, of these all; and a thread counts whose leader is idle.
func TestTasksHolding(t *testing.T) {
	tabled(t).Close()
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	idle, holder, mixed := helper.Start(t, "wait", nobody), helper.Start(t, "wait", nil), helper.Start(t, "idle-leader", nil)
	s, _ := Proc.Scan()
	defer s.Close()
	s.Holding()
	s.begin()
	s.mayHaveIt = false
	r := s.Reader()
	seen := 0
	for b := new(Batch); s.Next(b); {
		r.records = b.records
		for _, pid := range b.PIDs {
			if pid != idle.PID && pid != holder.PID && pid != mixed.PID {
				continue
			}
			seen++
			if got, want := r.NoneHolds(pid), pid == idle.PID; got != want {
				t.Errorf("%s: none holds: %v", Proc.Path(pid, pid), got)
			}
			if got, want := r.record(pid) != nil, pid == holder.PID; got != want {
				t.Errorf("%s: all is said: %v", Proc.Path(pid, pid), got)
			}
			var p cred.Process
			if there, err := r.Status(pid, &p); !there || err != nil || p.PID != pid || pid == idle.PID && p.UID.Real != 65534 {
				t.Errorf("%v, %v, %+v", there, err, p)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d of 3 processes seen", seen)
	}
}

// helperIdleLeader has threads that hold what the leader gives up, and one that
// gives it up as well but differs.
func helperIdleLeader() {
	helper.Must("drop", helper.SetCaps(0, 0, 0))
	ready := make(chan bool)
	go func() {
		runtime.LockOSThread()
		helper.Must("drop", helper.SetCaps(0, 0, 0))
		helper.Must("no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ready <- true
		select {}
	}()
	<-ready
	fmt.Println("ready")
}

// TestTasksManyTimes: nothing is left of a scan, whether it went to its end or not.
func TestTasksManyTimes(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	tabled(t).Close()
	before, goroutines := open(), runtime.NumGoroutine()
	for i := range 20 {
		s := tabled(t)
		var b Batch
		for n := 0; s.Next(&b) && n < i*2; n++ {
		}
		s.Close()
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	for n := 0; runtime.NumGoroutine() > goroutines; n++ { // the last may be about to end
		if time.Sleep(time.Millisecond); n == 1000 {
			t.Fatalf("%d goroutines before, %d after", goroutines, runtime.NumGoroutine())
		}
	}
}

// TestRecordName: a name has all of its bytes up to the first NUL.
func TestRecordName(t *testing.T) {
	for _, name := range odd {
		r := record{pid: 7}
		copy(r.comm[:15], name)
		copy(r.comm[len(name)+1:], bytes.Repeat([]byte{'x'}, 16))
		var p cred.Process
		if r.process(&p); p.Name != name {
			t.Errorf("%q: read as %q", name, p.Name)
		}
	}
}
