// Command bench measures how long programs take from start to end, beside a
// baseline and their peers: starts, listings of many processes, and what it costs to
// be watched. Runs are
// interleaved, so that what disturbs the machine disturbs all; medians and their
// ratios are printed. Start it by make bench: it expects the programs in bin/.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// row is one program with its arguments. Env is added to the environment.
type row struct {
	name string
	argv []string
	env  []string
	user bool // run it as an ordinary user
}

// group is a table: rows against a baseline, which runs twice, as two copies: how
// far they are apart is what a ratio is worth. A row whose program isn't installed
// is named and left out.
type group struct {
	title    string
	baseline row
	rows     []row
}

func main() {
	rounds := flag.Int("n", 1000, "runs of each program")
	bin := flag.String("bin", "bin", "directory of the built programs")
	only := flag.String("only", "", "start: no loads of processes; ps or trace: nothing else")
	ofOne := flag.Bool("memory", false, "run the program that the arguments are, print its memory")
	flag.Parse()
	err := error(nil)
	if *ofOne {
		err = printMemory(flag.Args())
	} else {
		err = run(*rounds, *bin, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds int, bin, only string) error {
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	switch only {
	case "ps":
		return measurePs(bin, scratch)
	case "trace":
		return traces(bin).measure(traceRounds)
	}
	groups, err := tables(bin, scratch)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := g.measure(rounds); err != nil {
			return err
		}
	}
	if err := sizes(bin, scratch); err != nil || only == "start" {
		return err
	}
	if err := traces(bin).measure(traceRounds); err != nil {
		return err
	}
	return measurePs(bin, scratch)
}

// tables is what gets measured.
func tables(bin, scratch string) ([]group, error) {
	naive, err := build(scratch, "naive")
	if err != nil {
		return nil, err
	}
	empty, err := build(scratch, "empty")
	if err != nil {
		return nil, err
	}
	const print, decode = "--print", "--decode=00000000a80425fb"
	capsh := filepath.Join(bin, "capsh")
	var groups []group
	for _, ask := range []string{print, decode} {
		groups = append(groups, group{
			title:    "capsh " + ask + "; the goal is 1.10",
			baseline: row{name: "with pflag and cap", argv: []string{naive, ask}},
			rows: []row{
				{name: "capsh", argv: []string{capsh, ask}},
				{name: "libcap's capsh", argv: []string{"/usr/sbin/capsh", ask}},
				{name: "empty Go program", argv: []string{empty}},
			},
		})
	}
	if os.Geteuid() != 0 {
		fmt.Println("capset: only root can start a program as another user")
		return groups, nil
	}
	launch, err := launchers(bin, scratch)
	return append(groups, launch), err
}

// build makes the program of tests/bench/NAME, static as the real ones are.
func build(dir, name string) (string, error) {
	prog := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", prog, "./tests/bench/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return prog, nil
}

func (g group) measure(rounds int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for the user that a target runs as
		return err
	}
	again := g.baseline
	again.name += ", again"
	var rows []row
	for _, r := range append([]row{g.baseline, again}, g.rows...) {
		if _, err := os.Stat(r.argv[0]); err != nil {
			fmt.Printf("%s: not here (%s)\n", r.name, r.argv[0])
			continue
		}
		copied, err := r.copied(dir, len(rows))
		if err != nil {
			return err
		}
		rows = append(rows, copied)
	}
	times, err := interleave(rows, rounds)
	if err != nil {
		return err
	}
	fmt.Printf("%s (%d runs each)\n  %-28s %10s %10s %8s\n", g.title, rounds, "", "median µs", "fastest", "ratio")
	base := median(times[0])
	for i, r := range rows {
		m := median(times[i])
		fmt.Printf("  %-28s %10.0f %10.0f %8.3f\n", r.name, micros(m), micros(slices.Min(times[i])), float64(m)/float64(base))
	}
	return nil
}

// copied is r with a fresh copy of its program: how the page cache happens to lay
// out a file alone moves its start by up to a tenth.
func (r row) copied(dir string, number int) (row, error) {
	text, err := os.ReadFile(r.argv[0])
	if err != nil {
		return row{}, err
	}
	path := filepath.Join(dir, strconv.Itoa(number)+"-"+filepath.Base(r.argv[0]))
	r.argv = append([]string{path}, r.argv[1:]...)
	return r, os.WriteFile(path, text, 0o755)
}

// interleave runs all rows once a round and gives each row's times. The order is
// another one each round: the kernel still clears up behind one program while the
// next starts, which made a row 5 % slower than the one behind it.
func interleave(rows []row, rounds int) ([][]time.Duration, error) {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	times := make([][]time.Duration, len(rows))
	for i := range times {
		times[i] = make([]time.Duration, 0, rounds)
	}
	warmUp := min(20, rounds)
	for round := range warmUp + rounds {
		for _, i := range rand.Perm(len(rows)) {
			took, err := spawn(rows[i], null.Fd())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].name, err)
			}
			if round >= warmUp {
				times[i] = append(times[i], took)
			}
		}
	}
	return times, nil
}

// spawn runs one program (Go's ForkExec is a vfork) and waits for its end.
// Failing is an error: it would be measured as fast.
func spawn(r row, null uintptr) (time.Duration, error) {
	attr := &syscall.ProcAttr{
		Env:   append(os.Environ(), r.env...),
		Files: []uintptr{null, null, 2},
	}
	if r.user {
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var status syscall.WaitStatus
	start := time.Now()
	pid, err := syscall.ForkExec(r.argv[0], r.argv, attr)
	if err != nil {
		return 0, err
	}
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	took := time.Since(start)
	if err == nil && status.ExitStatus() != 0 {
		err = fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return took, err
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// sizes lists the binaries' sizes.
func sizes(bin, scratch string) error {
	fmt.Println("size, bytes; the goal is 4.5 MB for capsh and 3.5 MB for capset")
	for _, path := range []string{filepath.Join(scratch, "empty"), filepath.Join(bin, "capsh"), filepath.Join(bin, "capset")} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Printf("  %-28s %10s\n", filepath.Base(path), strconv.FormatInt(info.Size(), 10))
	}
	return nil
}
