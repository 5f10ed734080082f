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

// TestPsSorted: text and JSON come in the same order, that of the key.
func TestPsSorted(t *testing.T) {
	for _, key := range []string{"pid", "ppid", "user", "name", "container", "caps"} {
		var text, object, keys []string
		args := []string{"ps", "--sort=" + key, "1", strconv.Itoa(os.Getppid()), strconv.Itoa(os.Getpid())}
		for line := range strings.Lines(capsh(t, append(args, "-n", "-o", "pid,name")...).Out) {
			words := strings.Fields(line)
			text, keys = append(text, words[0]), append(keys, words[1])
		}
		for line := range strings.Lines(capsh(t, append(args, "--json")...).Out) {
			_, rest, _ := strings.Cut(line, `"pid":`)
			pid, _, _ := strings.Cut(rest, ",")
			object = append(object, pid)
		}
		if len(text) != 3 || !slices.Equal(text, object) || key == "name" && !slices.IsSorted(keys) {
			t.Errorf("%s: text %q %q, JSON %q", key, text, keys, object)
		}
	}
}

// TestTreeColumns: a tree in columns has the processes of the tree without, each below its
// parent, and the words of ps.
func TestTreeColumns(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	plain := capsh(t, "tree", "--all", pid)
	r := capsh(t, "tree", "--all", "-n", "-o", "has,pid,command", pid)
	if r.Code != 0 || r.Err != "" || strings.Count(r.Out, "\n") != strings.Count(plain.Out, "\n") {
		t.Errorf("%+v, without columns\n%s", r, plain.Out)
	}
	at := slices.IndexFunc(strings.Split(r.Out, "\n"), func(line string) bool {
		before, after, ok := strings.Cut(line, " "+pid+" ")
		return ok && strings.TrimSpace(before) != "" && strings.HasPrefix(strings.TrimLeft(after, " │└─`-"), os.Args[0])
	})
	if at < 1 || strings.HasPrefix(r.Out, "HAS") {
		t.Errorf("%s is not below its parents in\n%s", pid, r.Out)
	}
	for _, args := range [][]string{{"-o", "args"}, {"-o", "pid", "--json"}, {"-n", "--json"}} {
		if r := capsh(t, append([]string{"tree"}, args...)...); r.Code != 2 || r.Out != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}
