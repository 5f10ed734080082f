package commands

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"capsh/internal/testenv"
)

// script runs a shell script as root in namespaces of its own; $0 is capsh.
func script(t *testing.T, flags, text string, args ...string) testenv.Result {
	t.Helper()
	testenv.Root(t)
	argv := append(strings.Fields(flags), "sh", "-c", text, program(t))
	return testenv.Run(t, exec.Command(testenv.Tool(t, "unshare"), append(argv, args...)...))
}

// TestPsHidepid: who sees only its own processes is told so; that others are
// not there is not to be read as that they hold nothing.
func TestPsHidepid(t *testing.T) {
	setpriv := testenv.Tool(t, "setpriv")
	for _, option := range []string{"invisible", "noaccess"} {
		r := script(t, "-m", `mount -t proc -o hidepid=`+option+` proc /proc || exit 9
			for command in ps tree; do
				`+setpriv+` --reuid=1000 --regid=1000 --clear-groups "$0" $command --all --json; echo "status $?"
			done`)
		testenv.Need(t, "a procfs with hidepid="+option, r.Code != 9, r.Err)
		if strings.Count(r.Out, "status 1") != 2 || strings.Count(r.Err, "hidepid="+option) < 2 {
			t.Errorf("%s: %s\n%s", option, r.Out, r.Err)
		}
		if !strings.Contains(r.Out, `"name":"capsh"`) {
			t.Errorf("%s: does not see itself: %s", option, r.Out)
		}
	}
}

// TestPsPIDNamespace: with a procfs of its own a PID namespace has only its
// processes; with that of the machine the ids are the machine's, though
// capget(2) would take them for others.
func TestPsPIDNamespace(t *testing.T) {
	r := script(t, "-pf --mount-proc", `exec "$0" ps --all --json`)
	inside := decodeListed(t, r.Out)
	if len(inside) != 1 || inside[0].PID != 1 || inside[0].Name != "capsh" {
		t.Errorf("in a PID namespace: %s%s", r.Out, r.Err)
	}

	parent := crowd(t, "random", "100", "6")
	want := children(list(t, "ps"), parent)
	r = script(t, "-pf", `exec "$0" ps --json`)
	got := children(decodeListed(t, r.Out), parent)
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d processes seen from inside, %d from outside: %s", len(got), len(want), r.Err)
	}
	for i := range got {
		if got[i].PID != want[i].PID || got[i].Masks != want[i].Masks {
			t.Errorf("process %d %+v is process %d %+v from inside", want[i].PID, want[i].Masks, got[i].PID, got[i].Masks)
		}
	}
}

// TestPsUserNamespace: from inside a user namespace the machine's processes are
// the foreign ones.
func TestPsUserNamespace(t *testing.T) {
	r := script(t, "-Ur", `exec "$0" ps "$$" "$1"`, strconv.Itoa(os.Getpid()))
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%s%s", r.Out, r.Err)
	}
	for _, line := range lines[1:] {
		foreign := strings.Fields(line)[0] == strconv.Itoa(os.Getpid())
		// Without the right to look it is not known.
		if marks := strings.Fields(line)[4]; (marks[2] == '-') == foreign {
			t.Errorf("foreign %v: %s", foreign, line)
		}
	}
}

// TestPsContainer: a container is told by its cgroup, here one that a directory
// in a copy of a procfs shows; its processes are found by its id and runtime.
func TestPsContainer(t *testing.T) {
	proc := t.TempDir()
	id := strings.Repeat("0123456789abcdef", 4)
	for pid, cgroup := range map[int]string{7: "0::/system.slice/docker-" + id + ".scope\n", 8: "0::/user.slice\n", 9: ""} {
		status, err := os.ReadFile("/proc/self/status")
		must(t, err)
		text := strings.NewReplacer("Tgid:\t"+strconv.Itoa(os.Getpid()), "Tgid:\t"+strconv.Itoa(pid),
			"\nPid:\t"+strconv.Itoa(os.Getpid()), "\nPid:\t"+strconv.Itoa(pid), "Threads:\t", "Threads:\t1\nIgnored:\t").Replace(string(status))
		dir := proc + "/" + strconv.Itoa(pid)
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.WriteFile(dir+"/status", []byte(text), 0o644))
		if cgroup != "" {
			must(t, os.WriteFile(dir+"/cgroup", []byte(cgroup), 0o644))
		}
	}
	found := list(t, "ps", "--all", "--proc="+proc)
	if len(found) != 3 || found[0].Container == nil || *found[0].Container.ID != id || !*found[0].Contained ||
		*found[1].Contained || found[2].Contained != nil {
		t.Errorf("%+v", found)
	}
	for word, want := range map[string]int{"docker": 1, id[:5]: 1, "docker:" + id[:12]: 1, "podman": 0, "1234": 0} {
		r := capsh(t, "ps", "--all", "--proc="+proc, "--json", "--container="+word)
		if n := strings.Count(r.Out, "\n"); n != want || (r.Code == 0) != (want > 0) {
			t.Errorf("--container=%s: %d processes, exit status %d", word, n, r.Code)
		}
	}
}

// TestPsCgroupNamespace: where cgroups tell nothing, a process is in no container
// only if its namespaces say so; who may not look at these does not know.
func TestPsCgroupNamespace(t *testing.T) {
	setpriv, other := testenv.Tool(t, "setpriv"), strconv.Itoa(os.Getpid())
	outside := list(t, "ps", other)[0].Contained
	for _, test := range []struct {
		command string
		knows   bool
	}{{`exec "$0" ps --json "$1"`, true}, {"exec " + setpriv + ` --reuid=1000 "$0" ps --json "$1"`, false}} {
		r := script(t, "-C", test.command, other)
		found := decodeListed(t, r.Out)
		if len(found) != 1 {
			t.Fatalf("%+v", r)
		}
		if inside := found[0].Contained; (inside != nil) != test.knows || test.knows && *inside != *outside {
			t.Errorf("%s: %s%s", test.command, r.Out, r.Err)
		}
	}
}

// TestPsDying: processes that end while they are read are left out, silently.
func TestPsDying(t *testing.T) {
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for range 2 {
		churn.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					exec.Command("/bin/true").Run()
				}
			}
		})
	}
	for i := range 15 {
		for _, args := range [][]string{{"ps", "--all", "--threads"}, {"ps", "--json"}, {"tree", "--all"}} {
			if r := capsh(t, args...); r.Code != 0 || r.Err != "" || strings.Count(r.Out, "\n") < 2 {
				t.Errorf("run %d, %q: exit status %d, %s", i, args, r.Code, r.Err)
			}
		}
	}
	close(stop)
	churn.Wait()
}

// TestPsUserNamespaces: lsns and ps --json agree on which user namespace each
// process is in.
func TestPsUserNamespaces(t *testing.T) {
	lsns, unshare := testenv.Tool(t, "lsns"), testenv.Tool(t, "unshare")
	want := map[int]uint64{}
	for _, flags := range [][]string{{"-U"}, {"-Ur"}, {"-n"}} {
		cmd := exec.Command(unshare, append(flags, "sleep", "100")...)
		must(t, cmd.Start())
		defer cmd.Wait()
		defer cmd.Process.Kill()
		for range 1000 { // until it is there
			if name, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/comm"); string(name) == "sleep\n" {
				break
			}
			time.Sleep(time.Millisecond)
		}
		want[cmd.Process.Pid] = lsnsUser(t, lsns, cmd.Process.Pid)
	}
	found := 0
	for _, p := range list(t, "ps", "--all") {
		if inode, ours := want[p.PID]; ours {
			found++
			if p.UserNamespace.Inode == nil || *p.UserNamespace.Inode != inode {
				t.Errorf("process %d: %+v, lsns says %d", p.PID, p.UserNamespace, inode)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d processes listed", found, len(want))
	}
}

// lsnsUser is what lsns says of a process. It gives up where another process ends
// while it looks, so it is asked again.
func lsnsUser(t *testing.T, lsns string, pid int) uint64 {
	t.Helper()
	var r testenv.Result
	for range 50 {
		r = testenv.Run(t, exec.Command(lsns, "-n", "-t", "user", "-o", "NS", "-p", strconv.Itoa(pid)))
		if inode, err := strconv.ParseUint(strings.TrimSpace(r.Out), 10, 64); err == nil {
			return inode
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("lsns -p %d: %+v", pid, r)
	return 0
}
