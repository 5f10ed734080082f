package commands

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestPsColumns: parent and command line are what ps(1) says, in any order of
// columns and without a header.
func TestPsColumns(t *testing.T) {
	cmd := exec.Command(testenv.Tool(t, "sleep"), "987654", "0")
	cmd.Env = []string{"A=b"}
	must(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	pid := strconv.Itoa(cmd.Process.Pid)
	out, err := exec.Command(testenv.Tool(t, "ps"), "-o", "ppid=,pid=,user=,comm=,args=", "-p", pid).Output()
	must(t, err)
	r := capsh(t, "ps", "-n", "-o", "ppid,pid,user,name,command", pid)
	if got, want := strings.Fields(r.Out), strings.Fields(string(out)); r.Code != 0 || !slices.Equal(got, want) || len(got) != 7 {
		t.Errorf("exit status %d, %q, ps(1) says %q; %s", r.Code, got, want, r.Err)
	}
	r = capsh(t, "ps", "-p", pid, "-o", "command,pid")
	if lines := strings.Split(r.Out, "\n"); len(lines) != 3 || strings.Join(strings.Fields(lines[0]), " ") != "COMMAND PID" || !strings.HasSuffix(lines[1], " "+pid) {
		t.Errorf("%q", r.Out)
	}
}

// TestPsZombie: a process that has ended is marked.
func TestPsZombie(t *testing.T) {
	cmd := exec.Command(testenv.Tool(t, "sh"), "-c", "exit")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	bufio.NewReader(out).ReadByte() // its end
	pid := strconv.Itoa(cmd.Process.Pid)
	for {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		must(t, err)
		if strings.Contains(string(text), ") Z ") {
			break
		}
	}
	r := capsh(t, "ps", "-n", "-o", "name,command", pid)
	if r.Out != "sh (zombie)  [sh (zombie)]\n" {
		t.Errorf("%q, %s", r.Out, r.Err)
	}
}

// TestPsKernelThreads: text and JSON have the same processes, kernel threads only
// with --all or where they are asked for.
func TestPsKernelThreads(t *testing.T) {
	comm, err := os.ReadFile("/proc/2/comm")
	testenv.Need(t, "kernel threads", err == nil && string(comm) == "kthreadd\n", "process 2 is another")
	has := func(args ...string) bool {
		var pids []string
		for line := range strings.Lines(capsh(t, append(args, "--json")...).Out) {
			_, rest, _ := strings.Cut(line, `"pid":`)
			pid, _, _ := strings.Cut(rest, ",")
			pids = append(pids, pid)
		}
		text := capsh(t, args...).Out
		in := slices.Contains(pids, "2")
		if in != strings.Contains(text, "kthreadd") && !strings.Contains(text, "kernel threads") {
			t.Errorf("%q: in JSON %v, the text is\n%s", args, in, text)
		}
		return in
	}
	for _, command := range []string{"ps", "tree"} {
		if has(command) || !has(command, "--all") || !has(command, "2") || !has(command, "--cap=sys_module") {
			t.Errorf("%s: kernel threads are there without --all, or missing with it", command)
		}
	}
}

// TestPsWatch: the list comes again and again, with what has changed.
func TestPsWatch(t *testing.T) {
	for _, command := range []string{"ps", "tree"} {
		cmd := exec.Command(program(t), command, "--watch=0.1", "--all", strconv.Itoa(os.Getpid()))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for times := 0; times < 3 && lines.Scan(); {
			if strings.Contains(lines.Text(), strconv.Itoa(os.Getpid())) {
				times++
			}
		}
		must(t, lines.Err())
		must(t, cmd.Process.Kill())
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Errorf("%s ended: %v", command, err)
		}
	}
}
