package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// crowd is a load of sleeping processes. One in Every holds capabilities, as
// daemons and kernel threads do among the processes of users.
type crowd struct{ processes, threads, every int }

func (c crowd) String() string {
	return fmt.Sprintf("%d processes, %d threads, one in %d with capabilities", c.processes, c.processes*c.threads, c.every)
}

// psRounds is how often each listing runs: it takes 10,000 times as long as a
// start.
const psRounds = 15

// measurePs measures ps and tree under three loads, beside a C program that only
// reads. It needs root and a C compiler.
func measurePs(bin, scratch string) error {
	load, reader := filepath.Join(scratch, "load"), filepath.Join(scratch, "reader")
	for _, prog := range []string{load, reader} {
		out, err := exec.Command("gcc", "-O2", "-o", prog, "tests/bench/testdata/"+filepath.Base(prog)+".c").CombinedOutput()
		if err != nil {
			return fmt.Errorf("compiling %s: %w\n%s", prog, err, out)
		}
	}
	capsh := filepath.Join(bin, "capsh")
	getpcaps := "for p in /proc/[1-9]*; do /usr/sbin/getpcaps ${p#/proc/}; done 2>&1"
	listing := []row{
		{name: "capsh ps", argv: []string{capsh, "ps"}},
		{name: "capsh ps --json", argv: []string{capsh, "ps", "--json"}},
		{name: "capsh ps --all", argv: []string{capsh, "ps", "--all"}},
		{name: "capsh tree", argv: []string{capsh, "tree"}},
		{name: "pscap -a", argv: []string{"/usr/bin/pscap", "-a"}},
		{name: "captree", argv: []string{installed("captree"), "0"}},
	}
	loop := row{name: "getpcaps, each", argv: []string{"/bin/sh", "-c", getpcaps}}
	threaded := []row{
		{name: "capsh ps --threads", argv: []string{capsh, "ps", "--threads"}},
		{name: "capsh ps --threads --json", argv: []string{capsh, "ps", "--threads", "--json"}},
		{name: "capsh ps --threads --all", argv: []string{capsh, "ps", "--threads", "--all"}},
	}
	const withBPF, withoutBPF = "; the goal for ps is 0.45", ", as a user, so without BPF; the goal for ps is 1.2"
	base := row{name: "C, read every status", argv: []string{reader}}
	for _, m := range []struct {
		crowd
		goal     string
		baseline row
		rows     []row
		rounds   int
	}{
		{crowd{5000, 1, 4}, withBPF, base, listing, psRounds},
		{crowd{5000, 1, 4}, withoutBPF, asUser(base)[0], asUser(listing[:4]...), psRounds},
		{crowd{5000, 1, 4}, withBPF, base, []row{loop}, 1},
		{crowd{5000, 1, 1}, withBPF, base, listing[:4], psRounds},
		{crowd{20000, 1, 4}, withBPF, base, listing[:4], psRounds},
		{crowd{5000, 4, 4}, withBPF, row{name: "C, every thread's status", argv: []string{reader, "-t"}}, threaded, psRounds},
	} {
		stop, err := m.start(load)
		if err != nil {
			return err
		}
		g := group{title: m.String() + m.goal, baseline: m.baseline, rows: m.rows}
		err = g.measure(m.rounds)
		if err == nil && m.rounds > 1 {
			err = memory(m.rows)
		}
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// asUser is rows as an ordinary user, who may not use BPF.
func asUser(rows ...row) []row {
	list := slices.Clone(rows)
	for i := range list {
		list[i].user = true
	}
	return list
}

// start makes the load; stop ends it.
func (c crowd) start(load string) (stop func(), err error) {
	cmd := exec.Command(load, fmt.Sprint(c.processes), fmt.Sprint(c.threads), fmt.Sprint(c.every))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		stdin.Close()
		group := -cmd.Process.Pid
		syscall.Kill(group, syscall.SIGKILL)
		cmd.Wait()
		// The next load needs the ids of all that are still to be reaped.
		for range 1000 {
			if syscall.Kill(group, 0) != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		stop()
		return nil, fmt.Errorf("the load of %v did not start (root, pid_max, RLIMIT_NPROC?): %v", c, err)
	}
	return stop, nil
}

// memory prints the most memory that each of our own programs took. A copy of this
// program starts them: the kernel counts in what the one that called execve had
// (exec_mmap, fs/exec.c), and by now this one has much.
func memory(rows []row) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, r := range rows {
		if filepath.Base(r.argv[0]) != "capsh" || r.user {
			continue
		}
		most, err := exec.Command(self, append([]string{"-memory"}, r.argv...)...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("  %-28s %10s kB of memory\n", r.name, most)
	}
	return nil
}

// printMemory runs a program and prints the most memory that it took, in kB.
func printMemory(argv []string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Run(); err != nil {
		return err
	}
	fmt.Print(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	return nil
}
