package procfs

import (
	"os"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

// scanAll lists what a scan gives, in its order.
func scanAll(t *testing.T, r Root) (pids []int) {
	t.Helper()
	s, err := r.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	Batches(s, func(*Reader) func([]int) []int { return slices.Clone[[]int] },
		func(list []int) { pids = append(pids, list...) })
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return pids
}

// TestScanLists: a scan sees what a listing before and one after both see, in
// ascending order.
func TestScanLists(t *testing.T) {
	before, err := Proc.PIDs()
	if err != nil {
		t.Fatal(err)
	}
	got := scanAll(t, Proc)
	after, err := Proc.PIDs()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("not in order, or not each once: %v", got)
	}
	for _, pid := range before {
		if slices.Contains(after, pid) && !slices.Contains(got, pid) {
			t.Errorf("process %d was not listed", pid)
		}
	}
}

// TestScanReads: a reader sees of a process what Process sees.
func TestScanReads(t *testing.T) {
	testenv.Root(t)
	s, err := Proc.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Reader()
	compared := 0
	for _, pid := range scanAll(t, Proc) {
		if pid == os.Getpid() {
			continue // its threads come and go
		}
		want, err := Proc.Process(pid, 0, Options{Threads: true, UserNS: true})
		if err != nil {
			continue // it has ended
		}
		var got cred.Process
		if there, err := r.Status(pid, &got); err != nil || !there {
			continue
		}
		empty := r.LacksCaps(pid)
		if err := r.Threads(&got, false); err != nil {
			t.Error(err)
		}
		got.UserNS.Inode = r.UserNS(pid).Inode
		want.UserNS.UIDMap, want.UserNS.GIDMap, want.UserNS.Setgroups = got.UserNS.UIDMap, got.UserNS.GIDMap, got.UserNS.Setgroups
		got.RunState, want.RunState = 0, 0
		if again, err := Proc.Process(pid, 0, Options{Threads: true}); err != nil || again.Threads != want.Threads || again.Sets != want.Sets {
			continue // it changes
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("process %d:\n got %+v\nwant %+v", pid, got, want)
		}
		if has := got.Effective|got.Permitted|got.Inheritable|got.Ambient != 0; has && empty {
			t.Errorf("process %d is said to lack capabilities, and has %+v", pid, got.Sets)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d processes compared", compared)
	}
}

// TestLacksCaps: capget says so of a process without capabilities, and of
// none in a procfs of which the ids mean others.
func TestLacksCaps(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "wait", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	for root, want := range map[Root]bool{Proc: true, copyOf(t, h.PID): false} {
		s, err := root.Scan(ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Reader().LacksCaps(h.PID); got != want {
			t.Errorf("%s: LacksCaps is %v, not %v", root, got, want)
		}
		s.Close()
	}
	s, _ := Proc.Scan(ScanOptions{})
	defer s.Close()
	r := s.Reader()
	if r.LacksCaps(os.Getpid()) {
		t.Error("root lacks capabilities")
	}
	for range 1000 { // it gives up where it spares nothing
		r.LacksCaps(os.Getpid())
	}
	if r.asked > 200 {
		t.Errorf("asked %d times in vain", r.asked)
	}
}

// TestIdleThreads: which threads are left out depends on what they have, not on
// whether it pays to ask capget.
func TestIdleThreads(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "idle-leader", nil)
	s, err := Proc.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, asked := range []int{0, 1000} { // the second has given up
		for _, capsOnly := range []bool{true, false} {
			r := s.Reader()
			r.asked = asked
			var p cred.Process
			if there, err := r.Status(h.PID, &p); err != nil || !there {
				t.Fatal(there, err)
			}
			if err := r.Threads(&p, capsOnly); err != nil {
				t.Fatal(err)
			}
			idle := 0
			for i := range p.Differing {
				if p.Differing[i].Held() == 0 {
					idle++
				}
			}
			if want := map[bool]int{true: 0, false: 1}[capsOnly]; idle != want || len(p.Differing) <= idle {
				t.Errorf("asked %d, capsOnly %v: %d threads, %d of them without capabilities", asked, capsOnly, len(p.Differing), idle)
			}
		}
	}
}

// TestBatchesInOrder: results come in order though the first takes longest, and
// never two at a time.
func TestBatchesInOrder(t *testing.T) {
	s := &Scan{dir: -1, listed: true}
	for pid := range 40 * batchSize {
		s.rest = append(s.rest, pid+1)
	}
	var got []int
	var busy sync.Mutex
	Batches(s, func(*Reader) func([]int) []int {
		return func(pids []int) []int {
			if pids[0] == 1 {
				time.Sleep(20 * time.Millisecond)
			}
			return slices.Clone(pids)
		}
	}, func(list []int) {
		if !busy.TryLock() {
			t.Error("two at a time")
			return
		}
		defer busy.Unlock()
		got = append(got, list...)
	})
	if len(got) != 40*batchSize || !slices.IsSorted(got) {
		t.Errorf("%d results, sorted: %v", len(got), slices.IsSorted(got))
	}
}
