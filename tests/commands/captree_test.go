package commands

import (
	"maps"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/testenv"
)

// drawn is what captree or tree says of a thread: its process and the parent of
// that, its name, and its sets as libcap writes them.
type drawn struct {
	tid, pid, parent int
	name, sets, iab  string
}

// captreeFaults are the ways in which libcap's captree says something else than
// is so. For one, mend puts right what it says of a thread. Its process is said
// to be leader, and the truth is want.
var captreeFaults = []struct {
	why  string
	mend func(said *drawn, leader, want drawn)
}{
	{"asks for the sets of each thread by the id of its process, whose sets they then are", func(said *drawn, leader, want drawn) {
		if said.tid != said.pid && said.sets == leader.sets && said.iab == leader.iab {
			said.sets, said.iab = want.sets, want.iab
		}
	}},
	{"prints names as they stand in status: two of its escapes, and all that a terminal acts on", func(said *drawn, _, _ drawn) {
		raw := strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(said.name)
		said.name = string([]rune(raw))
	}},
}

// TestTreeBesideCaptree: tree and captree draw the same processes below the same
// parents, with the same sets; what differs is a known fault of captree's.
func TestTreeBesideCaptree(t *testing.T) {
	path := testenv.Tool(t, "captree")
	assorted := crowd(t, "random", "260", "7")
	crowd(t, "chain", "50")
	before := drawnByTree(t)
	captree := drawnByCaptree(t, path)
	after := drawnByTree(t)
	compared, ours, used := 0, 0, make([]int, len(captreeFaults))
	for pid, want := range before {
		if !maps.Equal(want, after[pid]) {
			continue // it ended or changed
		}
		compared++
		if want[pid].parent == assorted {
			ours++
		}
		for tid := range want {
			if _, there := captree[pid][tid]; !there {
				t.Errorf("thread %d/%d: captree does not have it", pid, tid)
			}
		}
		for tid, said := range captree[pid] {
			truth, told := want[tid]
			if !told { // it is as its process; tree has no word of it
				truth = want[pid]
				truth.tid, truth.name = tid, said.name
			}
			checkDrawn(t, said, captree[pid][pid], truth, used)
		}
	}
	t.Logf("%d processes compared", compared)
	if ours != 260 {
		t.Errorf("%d of 260 compared that stand still", ours)
	}
	for i, fault := range captreeFaults {
		if used[i] == 0 {
			t.Errorf("not seen any more: captree %s", fault.why)
		}
	}
}

// checkDrawn compares what captree says of a thread with what is so, and counts
// the faults that explain a difference.
func checkDrawn(t *testing.T, said, leader, want drawn, used []int) {
	t.Helper()
	mended := said
	for i, fault := range captreeFaults {
		if mended == want {
			break
		}
		was := mended
		fault.mend(&mended, leader, want)
		if mended != was {
			used[i]++
		}
	}
	if mended != want {
		t.Errorf("captree has %+v, tree %+v", said, want)
	}
}

// drawnByTree is what tree says, by process and thread. Of the threads it has
// those that differ from their process.
func drawnByTree(t *testing.T) map[int]map[int]drawn {
	t.Helper()
	all := map[int]map[int]drawn{}
	for _, p := range list(t, "tree", "--all") {
		all[p.PID] = map[int]drawn{}
		for _, r := range append(p.DifferingThreads, p.Report) {
			epi := caps.EPI{Effective: mask(t, r.Masks.Effective), Permitted: mask(t, r.Masks.Permitted), Inheritable: mask(t, r.Masks.Inheritable)}
			iab := caps.IAB{Inheritable: epi.Inheritable, Ambient: mask(t, r.Masks.Ambient), Dropped: ^mask(t, r.Masks.Bounding)}
			all[p.PID][r.TID] = drawn{r.TID, p.PID, *orZero(p.PPID), lasting(r.Name),
				string(epi.AppendText(nil, caps.Named)), string(iab.AppendText(nil, caps.Named))}
		}
	}
	return all
}

// lasting is the part of a name that stays: of "kworker/0:1-events", what the
// kernel's worker does at the moment goes away (wq_worker_comm, kernel/workqueue.c).
func lasting(name string) string {
	const worker = "kworker/"
	if !strings.HasPrefix(name, worker) {
		return name
	}
	if i := strings.IndexAny(name, "-+"); i > 0 {
		return name[:i]
	}
	return name
}

// TestLasting: a worker of the kernel has one name, whatever it does when it is
// listed, and no other thread loses a part of its own.
func TestLasting(t *testing.T) {
	for name, want := range map[string]string{
		"kworker/0:1-events": "kworker/0:1", "kworker/0:1+events": "kworker/0:1", "kworker/0:1": "kworker/0:1",
		"kworker/u8:2-ext4-rsv-conversion": "kworker/u8:2", "kworker/1:0H-kblockd": "kworker/1:0H",
		"kthreadd": "kthreadd", "a-b+c": "a-b+c", "my-kworker/0:1-x": "my-kworker/0:1-x",
	} {
		if got := lasting(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// A line of captree's is of a process, two columns further in than its parent,
// and of the threads that are as it is: "| +-NAME(PID+{TID,TID}) "SETS" [IAB]".
// Those of other threads of the process follow: "|   :>-NAME{TID,TID} …". Without
// sets is what ended while captree looked.
var captreeLine = regexp.MustCompile(`^((?:\| |  )*)(?:\+-(.*)\((\d+)(?:\+\{([\d,]+)\})?\)|:>-(.*)\{([\d,]+)\})(?: "([^"]*)")?(?: \[([^\]]*)\])?$`)

// drawnByCaptree is what captree says, of all threads.
func drawnByCaptree(t *testing.T, path string) map[int]map[int]drawn {
	t.Helper()
	r := testenv.Run(t, exec.Command(path, "--verbose", "0"))
	if r.Code != 0 || r.Err != "" {
		t.Fatalf("captree: exit status %d, %s", r.Code, r.Err)
	}
	all := map[int]map[int]drawn{}
	above := []int{0} // the process that has the last line, by depth
	kernel, lines, _ := strings.Cut(r.Out, "\n")
	if kernel != "--<kernel>(0)" {
		t.Fatalf("captree begins with %q", kernel)
	}
	for line := range strings.Lines(lines) {
		m := captreeLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("a line of captree's that is of no process or thread: %q", line)
		}
		depth, name, ids := len(m[1])/2, m[5], m[6]
		if m[3] != "" {
			pid, _ := strconv.Atoi(m[3])
			above = append(above[:depth], pid)
			name, ids = m[2], strings.TrimSuffix(m[3]+","+m[4], ",")
			all[pid] = map[int]drawn{}
		} else {
			depth--
		}
		for _, id := range strings.Split(ids, ",") {
			tid, _ := strconv.Atoi(id)
			all[above[depth]][tid] = drawn{tid, above[depth], above[depth-1], lasting(name), m[7], m[8]}
		}
	}
	return all
}
