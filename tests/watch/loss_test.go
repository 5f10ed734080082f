package watch

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/watch"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/testenv"
)

// asking builds the program that makes the kernel check CAP_SETPCAP.
func asking(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "asking")
	testenv.CompileC(t, "testdata/asking.c", path)
	return path
}

// TestShortChildren: ten thousand short-lived children are seen, each of them, or what
// was lost is counted.
func TestShortChildren(t *testing.T) {
	watchable(t)
	const children = 10_000
	count, processes := 0, make(map[int]bool)
	found, _ := run(t, exec.Command(asking(t), strconv.Itoa(children), "1"), func(c checks.Check, _ checks.Verdict) {
		if c.Cap == caps.Setpcap {
			count++
			processes[c.PID] = true
		}
	})
	if found.Lost == 0 && (count != children || len(processes) != children || hasTracepoint() && !found.Complete()) {
		t.Errorf("%d checks of %d processes, none lost, %q", count, len(processes), found.Incomplete)
	}
	if found.Lost > 0 && (found.Complete() || count+int(found.Lost) < children) {
		t.Errorf("%d checks and %d lost, %q", count, found.Lost, found.Incomplete)
	}
}

// TestLoss: where nobody reads the records, most get lost. What is left and what was
// lost are all there was, the loss is not silent, and the counters know the capability
// of which every record was lost.
func TestLoss(t *testing.T) {
	tracepoint(t)
	const times = 400_000
	ended, program := make(chan struct{}), asking(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer onOneCPU(t)() // each has a buffer of its own, and the other's stays empty
	w, err := watch.Start(commandsOfThisThread, func(checks.Check, checks.Verdict) { <-ended })
	if err != nil {
		t.Fatal(err)
	}
	script := `"$0" 1 ` + strconv.Itoa(times) + `; chown 12:34 "$0"`
	runErr := exec.Command("/bin/sh", "-c", script, program).Run()
	close(ended)
	found, err := w.Stop()
	if err != nil || runErr != nil {
		t.Fatal(err, runErr)
	}
	seen := int(found.Lost)
	for _, s := range found.Seen {
		seen += s.Count
	}
	if found.Lost == 0 || seen < times || seen > times+1000 { // the rest of what the shell does
		t.Errorf("%d seen and lost of %d, %d of them lost", seen, times, found.Lost)
	}
	if found.Complete() {
		t.Error("a run with losses is complete")
	}
	if !found.Missed().Has(caps.Chown) {
		t.Errorf("the counters missed cap_chown: granted %s, missed %s", found.Granted, found.Missed())
	}
}

// onOneCPU keeps this thread and its children on one processor until undo.
func onOneCPU(t *testing.T) (undo func()) {
	t.Helper()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !all.IsSet(cpu) {
		cpu++
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	return func() { _ = unix.SchedSetaffinity(0, &all) }
}
