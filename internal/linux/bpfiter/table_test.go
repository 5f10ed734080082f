package bpfiter

import (
	"bufio"
	"bytes"
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
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

func init() {
	helper.Run(map[string]func(){
		"wait": helper.Wait, "thread": helper.Threads, "idle-leader": helper.IdleLeader,
		"assorted": helperAssorted, "headless": helperHeadless, "filtered": helperFiltered,
		"nest": helperNest, "unavailable": helperUnavailable,
	})
}

// need skips a test where there is no table.
func need(t testing.TB) {
	t.Helper()
	testenv.Root(t)
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	self, all := procfs.Proc.SeesAll()
	testenv.Need(t, "BPF iterators", err == nil && all && permitted(&self),
		"no BTF, or not the initial namespaces, or no CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE")
}

// spy is a table that notes what it gave. It is read however few processes there are.
type spy struct {
	procfs.Table
	mu      sync.Mutex
	records map[int]procfs.Record
}

func (s *spy) open(r procfs.TableRequest) procfs.Table {
	r.Processes = pays
	s.Table, s.records = Open(r), map[int]procfs.Record{}
	if s.Table == nil {
		return nil
	}
	return s
}

func (s *spy) UpTo(pid int, list []procfs.Record) []procfs.Record {
	before := len(list)
	list = s.Table.UpTo(pid, list)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range list[before:] {
		s.records[int(r.PID)] = r
	}
	return list
}

// of is what the table has of a process, and whether that is all.
func (s *spy) of(pid int) (there, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, there := s.records[pid]
	return there, r.Whole()
}

// each calls visit for each process of a scan with the table, one at a time.
func each(t testing.TB, capsOnly bool, visit func(s *spy, r *procfs.Reader, pid int)) {
	t.Helper()
	need(t)
	var table spy
	s, err := procfs.Proc.Scan(procfs.ScanOptions{CapsOnly: capsOnly, OpenTable: table.open})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var one sync.Mutex
	procfs.Batches(s, func(r *procfs.Reader) func([]int) bool {
		return func(pids []int) bool {
			one.Lock()
			defer one.Unlock()
			for _, pid := range pids {
				visit(&table, r, pid)
			}
			return true
		}
	}, func(bool) {})
	if s.Err() != nil {
		t.Error(s.Err())
	}
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
	self, err := procfs.Proc.Self()
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

// TestAgrees: what the table says of the host's processes is what their files
// say. One that changes in between is looked at again.
func TestAgrees(t *testing.T) {
	crowd := assorted(t)
	whole := map[int]bool{}
	for _, pid := range crowd {
		whole[pid] = false
	}
	pending := map[int]string{}
	for round := range 10 {
		pending = disagreements(t, pending, round == 0, whole)
		if len(pending) == 0 {
			break
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(pending)) {
		t.Errorf("process %d: %s", pid, pending[pid])
	}
	wholly := 0
	for pid, all := range whole {
		if _, err := procfs.Proc.Process(pid, 0, procfs.Options{}); err != nil {
			t.Error(err)
		}
		if all {
			wholly++
		}
	}
	if len(whole) != 72 {
		t.Errorf("%d processes, not 72", len(whole))
	}
	if wholly < 40 || wholly > len(crowd)-4 {
		t.Errorf("%d of %d processes are wholly in the table", wholly, len(crowd))
	}
}

// disagreements compares the table with the files of the processes that are among
// those given, or of all. Of those in whole it notes whether the table has all.
func disagreements(t *testing.T, among map[int]string, all bool, whole map[int]bool) map[int]string {
	files, err := procfs.Proc.Scan(procfs.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	byFile := files.Reader()
	found := map[int]string{}
	each(t, false, func(table *spy, r *procfs.Reader, pid int) {
		there, complete := table.of(pid)
		if _, ok := among[pid]; !all && !ok || pid == os.Getpid() || !there {
			return
		}
		what := disagreement(pid, r, byFile, complete)
		if _, ok := whole[pid]; ok {
			whole[pid] = complete
			what += misplaced(pid, complete)
		}
		if what != "" {
			found[pid] = what
		}
	})
	return found
}

// disagreement compares what two readers say of a process; "" for the same, or if it
// has ended.
func disagreement(pid int, r, byFile *procfs.Reader, whole bool) string {
	var got cred.Process
	idle := r.LacksCaps(pid)
	there, err := r.Status(pid, &got)
	if err == nil && there {
		err = r.Threads(&got, false)
	}
	want, wantErr := procfs.Proc.Process(pid, 0, procfs.Options{Threads: true, UserNS: true})
	if err != nil || !there || wantErr != nil {
		return ""
	}
	got.UserNS = want.UserNS
	if got.UserNS.Inode = r.UserNS(pid).Inode; r.MountNS(pid) != byFile.MountNS(pid) {
		return fmt.Sprint("mount namespace ", r.MountNS(pid), ", by file ", byFile.MountNS(pid))
	}
	if nothing := want.Held() == 0; whole && nothing != idle {
		return fmt.Sprint("lacks capabilities: ", idle, ", by file ", nothing)
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
	p, err := procfs.Proc.Process(pid, 0, procfs.Options{})
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

// TestThreadsAlike: the threads of a process are read only where one may differ.
func TestThreadsAlike(t *testing.T) {
	need(t)
	alike, differing := helper.Start(t, "wait", nil), helper.Start(t, "thread", nil)
	table := start(false)
	defer table.Close()
	table.UpTo(1<<30, nil)
	if !table.ThreadsAlike(alike.PID) {
		t.Error("the threads of a process that are alike are said not to be")
	}
	if table.ThreadsAlike(differing.PID) {
		t.Error("the threads of a process that differ are said not to")
	}
}

// TestCapsOnly: where only those count that have capabilities, of the others only
// that they lack them is said, of these all; and a thread counts whose leader lacks
// them.
func TestCapsOnly(t *testing.T) {
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	idle, root, mixed := helper.Start(t, "wait", nobody), helper.Start(t, "wait", nil), helper.Start(t, "idle-leader", nil)
	seen := 0
	each(t, true, func(table *spy, r *procfs.Reader, pid int) {
		if pid != idle.PID && pid != root.PID && pid != mixed.PID {
			return
		}
		seen++
		path := procfs.Proc.Path(pid, pid)
		if got, want := r.ProcessLacksCaps(pid), pid == idle.PID; got != want {
			t.Errorf("%s: lacks capabilities: %v", path, got)
		}
		if _, whole := table.of(pid); whole != (pid == root.PID) {
			t.Errorf("%s: all is said: %v", path, whole)
		}
		var p cred.Process
		if there, err := r.Status(pid, &p); !there || err != nil || p.PID != pid || pid == idle.PID && p.UID.Real != 65534 {
			t.Errorf("%v, %v, %+v", there, err, p)
		}
	})
	if seen != 3 {
		t.Errorf("%d of 3 processes seen", seen)
	}
}

// TestManyTimes: nothing is left of a scan, whether it went to its end or not.
func TestManyTimes(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	each(t, false, func(*spy, *procfs.Reader, int) {})
	before, goroutines := open(), runtime.NumGoroutine()
	for i := range 20 {
		table := start(false)
		table.UpTo(i*50, nil)
		table.Close()
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
		r := procfs.Record{PID: 7}
		copy(r.Comm[:15], name)
		copy(r.Comm[len(name)+1:], bytes.Repeat([]byte{'x'}, 16))
		var p cred.Process
		if r.Process(&p); p.Name != name {
			t.Errorf("%q: read as %q", name, p.Name)
		}
	}
}
