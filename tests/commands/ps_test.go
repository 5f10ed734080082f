package commands

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/testenv"
)

// TestPsAgrees: of 260 processes in random states ps says what their status
// files, getpcaps and pscap say.
func TestPsAgrees(t *testing.T) {
	testenv.Libcap(t)
	parent := crowd(t, "random", "260", "1")
	found := children(list(t, "ps", "--all", "--threads"), parent)
	if len(found) != 260 {
		t.Fatalf("%d of 260 processes", len(found))
	}
	pscap := pscapSets(t)
	foreign, threads := 0, 0
	for _, p := range found {
		status, err := testenv.ReadStatus(path(p.PID, "status"))
		must(t, err)
		for _, d := range p.Disagreements(status) {
			t.Errorf("process %d: %s", p.PID, d)
		}
		threads += checkThreads(t, p)
		foreign += checkUserNS(t, p)
		checkGetpcaps(t, p)
		checkPscap(t, p, pscap[p.PID])
	}
	if foreign == 0 || threads == 0 {
		t.Errorf("%d in user namespaces of their own, %d threads that differ: too tame", foreign, threads)
	}
}

// checkThreads compares the differing threads with all that there are.
func checkThreads(t *testing.T, p listed) int {
	t.Helper()
	own, err := testenv.ReadStatus(path(p.PID, "status"))
	must(t, err)
	tasks, err := os.ReadDir(path(p.PID, "task"))
	must(t, err)
	want := map[int]bool{}
	for _, task := range tasks {
		status, err := testenv.ReadStatus(path(p.PID, "task/"+task.Name()+"/status"))
		must(t, err)
		if status.Credentials() != own.Credentials() {
			tid, _ := strconv.Atoi(task.Name())
			want[tid] = true
		}
	}
	for _, thread := range p.DifferingThreads {
		if !want[thread.TID] {
			t.Errorf("thread %d/%d does not differ", p.PID, thread.TID)
		}
		status, err := testenv.ReadStatus(path(p.PID, "task/"+strconv.Itoa(thread.TID)+"/status"))
		must(t, err)
		for _, d := range thread.Disagreements(status) {
			t.Errorf("thread %d/%d: %s", p.PID, thread.TID, d)
		}
	}
	if len(want) != len(p.DifferingThreads) {
		t.Errorf("process %d: %d threads differ, %d are listed", p.PID, len(want), len(p.DifferingThreads))
	}
	return len(want)
}

// checkUserNS compares the user namespace with the link; the result is 1 where it
// is not that of the test.
func checkUserNS(t *testing.T, p listed) int {
	t.Helper()
	link, err := os.Readlink(path(p.PID, "ns/user"))
	if err != nil || p.UserNamespace.Inode == nil {
		if (err == nil) != (p.UserNamespace.Inode != nil) {
			t.Errorf("process %d: %v, but inode %v", p.PID, err, p.UserNamespace.Inode)
		}
		return 0
	}
	if want := fmt.Sprintf("user:[%d]", *p.UserNamespace.Inode); link != want {
		t.Errorf("process %d: %s, listed as %s", p.PID, link, want)
	}
	if own, _ := os.Readlink("/proc/self/ns/user"); link != own {
		return 1
	}
	return 0
}

func checkGetpcaps(t *testing.T, p listed) {
	t.Helper()
	sets, _, err := testenv.Getpcaps(p.PID)
	must(t, err)
	epi := caps.EPI{Effective: mask(t, p.Masks.Effective), Permitted: mask(t, p.Masks.Permitted), Inheritable: mask(t, p.Masks.Inheritable)}
	if got := string(epi.AppendText(nil, caps.Named)); got != sets {
		t.Errorf("process %d: getpcaps has %q, ps %q", p.PID, sets, got)
	}
}

func mask(t *testing.T, text string) caps.Set {
	t.Helper()
	s, err := caps.ParseMask(text)
	must(t, err)
	return s
}

// pscapSets is what pscap (libcap-ng) says of each process that has something
// effective: a line that ends in what is permitted, and marks behind.
func pscapSets(t *testing.T) map[int]string {
	t.Helper()
	r := testenv.Run(t, exec.Command(testenv.Tool(t, "pscap"), "-a"))
	sets := map[int]string{}
	for line := range strings.Lines(r.Out) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue // the rest of a name with a newline
		}
		pid, err := strconv.Atoi(f[1])
		if err != nil {
			continue
		}
		sets[pid] = strings.TrimRight(line, " @+\n")
	}
	return sets
}

// checkPscap compares with pscap's line, which is empty for what has nothing
// effective. It prints a newline in a name as it is.
func checkPscap(t *testing.T, p listed, line string) {
	t.Helper()
	names := strings.ToLower(strings.ReplaceAll(strings.Join(p.Capabilities.Permitted, ", "), "CAP_", ""))
	full := len(p.Capabilities.Permitted) == caps.Named && strings.HasSuffix(line, " full")
	switch {
	case strings.Contains(p.Name, "\n"):
	case (line != "") != (len(p.Capabilities.Effective) > 0), line != "" && !full && !strings.HasSuffix(line, " "+names):
		t.Errorf("process %d %q: pscap has %q, ps %q", p.PID, p.Name, line, names)
	}
}

// TestPsHolders: without --all there are those that hold something, and with
// --cap those that have it, in any thread.
func TestPsHolders(t *testing.T) {
	parent := crowd(t, "random", "120", "2")
	all := children(list(t, "ps", "--all", "--threads"), parent)
	filter := func(keep func(r testenv.Report) bool) (pids []int) {
		for _, p := range all {
			if keep(p.Report) || slices.ContainsFunc(p.DifferingThreads, keep) {
				pids = append(pids, p.PID)
			}
		}
		return pids
	}
	has := func(set []string, name string) bool { return slices.Contains(set, name) }
	for _, test := range []struct {
		args []string
		keep func(p testenv.Report) bool
	}{
		{nil, func(p testenv.Report) bool {
			return len(p.Capabilities.Permitted)+len(p.Capabilities.Effective)+len(p.Capabilities.Inheritable)+len(p.Capabilities.Ambient) > 0
		}},
		{[]string{"--cap=net_raw,CAP_SYS_ADMIN"}, func(p testenv.Report) bool {
			return has(p.Capabilities.Permitted, "CAP_NET_RAW") || has(p.Capabilities.Permitted, "CAP_SYS_ADMIN")
		}},
		{[]string{"--all", "--user=1002"}, func(p testenv.Report) bool { return p.UID.Effective == 1002 }},
		{[]string{"--all", "--user=root"}, func(p testenv.Report) bool { return p.UID.Effective == 0 }},
		{[]string{`pla?n`, "/sl*"}, func(p testenv.Report) bool { return p.Name == "plain" || p.Name == "/slash/" }},
		{[]string{"--container=docker"}, func(p testenv.Report) bool { return false }},
	} {
		r := capsh(t, append([]string{"ps", "--json"}, test.args...)...)
		var got []int
		for _, p := range children(decodeListed(t, r.Out), parent) {
			got = append(got, p.PID)
		}
		if want := filter(test.keep); !slices.Equal(got, want) {
			t.Errorf("ps %q: %d processes, not %d:\n%v\n%v", test.args, len(got), len(want), got, want)
		}
	}
}

// TestPsThreadsHold: a process holds something if only a thread of it does, which
// then has a line of its own; whoever looks, and by whatever calls.
func TestPsThreadsHold(t *testing.T) {
	parent := crowd(t, "idle", "3")
	pid := strconv.Itoa(children(list(t, "ps", "--all"), parent)[0].PID)
	setpriv := testenv.Tool(t, "setpriv")
	for _, before := range [][]string{nil, {setpriv, "--bounding-set=-bpf"}, {setpriv, "--reuid=1000", "--clear-groups"}} {
		for _, test := range []struct {
			args  []string
			found int
		}{
			{nil, 3}, {[]string{"--cap=sys_module"}, 3}, {[]string{"--cap=sys_module", pid}, 1}, {[]string{"--user=root"}, 3},
			{[]string{"--user=root", "--cap=chown", pid}, 1}, {[]string{"--user=1000", "--cap=chown"}, 0}, {[]string{"--user=1000", "--all"}, 3},
		} {
			words := append(append(slices.Clone(before), program(t), "ps", "--json"), test.args...)
			r := testenv.Run(t, exec.Command(words[0], words[1:]...))
			found := children(decodeListed(t, r.Out), parent)
			if len(found) != test.found {
				t.Errorf("%q: %d processes, not %d: %s", words, len(found), test.found, r.Err)
			}
			for _, p := range found {
				if p.UID.Effective != 1000 || test.args == nil && len(p.DifferingThreads) != 2 {
					t.Errorf("%q: %+v", words, p)
				}
			}
		}
	}
	for _, args := range [][]string{{"--cap=sys_module", pid}, {pid}, {"--all", pid}, {"--user=root", pid}} {
		r := capsh(t, append([]string{"ps"}, args...)...)
		lines := strings.Split(strings.TrimSpace(r.Out), "\n")
		if r.Code != 0 || len(lines) != 4 || !strings.HasSuffix(lines[1], " none") || !strings.HasPrefix(lines[2], pid+"/") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	r := capsh(t, "show", pid)
	if text := strings.Join(strings.Fields(r.Out), " "); !strings.Contains(text, ": no capability; 2 other threads have ") {
		t.Errorf("%s", r.Out)
	}
	r = capsh(t, "show", "--format=docker", pid)
	if r.Code != 0 || !strings.Contains(r.Err, "warning: 2 other threads have capabilities that are not asked for: cap_chown,") {
		t.Errorf("%+v", r)
	}
}

// TestPsNames: in text a process, or thread, has one line, whatever it is called,
// and no control character gets through.
func TestPsNames(t *testing.T) {
	parent := crowd(t, "random", "26", "3")
	var args []string
	for _, p := range children(list(t, "ps", "--all"), parent) {
		args = append(args, strconv.Itoa(p.PID))
	}
	for _, command := range []string{"ps", "tree"} {
		out := capsh(t, append([]string{command}, args...)...).Out
		for _, r := range out {
			if r != '\n' && (r < ' ' || r == 0x7f || r == 0x202e || r == 0xfffd) {
				t.Errorf("%s: %q gets through", command, r)
			}
		}
		lines := 0
		for line := range strings.Lines(out) {
			if id, _, _ := strings.Cut(strings.TrimSpace(line), " "); !strings.Contains(id, "/") {
				lines++ // not one of a thread
			}
		}
		if command == "ps" && lines != 27 {
			t.Errorf("%d lines for a title and 26 processes:\n%s", lines, out)
		}
	}
}

// The lines that say what to do where no process matches.
const (
	shortName = "  names are limited to 15 characters by the kernel; quote a pattern: 'nginx*'\n"
	withAll   = "  --all also lists processes without capabilities\n"
	knownBy   = "  containers are known by runtime, by the beginning of their id, and by name where the files of Docker or Podman are readable: capsh ps --all --columns=pid,container\n"
)

// TestPsExit: the exit status and the errors.
func TestPsExit(t *testing.T) {
	for _, test := range []struct {
		args string
		code int
		err  string
	}{
		{"ps 1", 0, ""},
		{"ps 2147483647", 1, "capsh: ps: process 2147483647: no such process\n"},
		{"ps 1 2147483647", 1, "capsh: ps: process 2147483647: no such process\n"},
		{"ps no-such-name", 1, "capsh: ps: no process matches 'no-such-name'\n" + shortName},
		{"tree no-such-name", 1, "capsh: tree: no process matches 'no-such-name'\n" + shortName},
		{"ps --user=65533 --cap=net_raw,bpf", 1, "capsh: ps: no process runs as 65533 and has cap_net_raw or cap_bpf\n"},
		{"ps -u 65533", 1, "capsh: ps: no process runs as 65533 and has a capability\n" + withAll},
		{"ps --all --container=no-such", 1, "capsh: ps: no process is in a container no-such\n" + knownBy},
		{"ps -o pid,cmd", 2, "capsh: ps: --columns: no column \"cmd\", did you mean command?\n"},
		{"ps -o pid,size", 2, "capsh: ps: --columns: no column \"size\": the columns are pid,ppid,user,name,container,mark,has,command\n"},
		{"ps -o pid --json", 2, "capsh: ps: --columns and --no-headers are for text: JSON has every member\n"},
		{"ps --watch --json", 2, "capsh: ps: --watch shows text only\n"},
		{"tree --watch=0", 2, "capsh: tree: --watch: \"0\" is not a number from 0.1 to 86400\n"},
		{"tree 2147483647", 1, "capsh: tree: process 2147483647: no such process\n"},
		{"ps -p 0", 2, "capsh: ps: --pid: \"0\" is not a process id\n"},
		{"ps [", 2, "capsh: ps: \"[\" is not a pattern as in glob(7)\n"},
		{"ps --cap=none", 2, "capsh: ps: --cap: needs a capability\n"},
		{"ps --user=no-such-user", 2, "capsh: ps: --user: no user \"no-such-user\" in /etc/passwd\n"},
		{"ps --sort=size", 2, "capsh: ps: --sort: must be one of pid, ppid, user, name, container, caps, not \"size\"\n"},
		{"ps 1/1", 2, "capsh: ps: 1 is a thread, and only processes are listed\n"},
		{"ps --proc=/no/such", 1, "capsh: ps: open /no/such: no such file or directory\n"},
		{"tree --proc=/etc", 1, "capsh: tree: /etc: not a procfs\n"},
	} {
		r := capsh(t, strings.Fields(test.args)...)
		if r.Code != test.code || r.Err != test.err {
			t.Errorf("%s: exit status %d, %q; want %d, %q", test.args, r.Code, r.Err, test.code, test.err)
		}
	}
}

// TestPsSort: by how much is held, most first; by name.
func TestPsSort(t *testing.T) {
	crowd(t, "random", "40", "4")
	out := capsh(t, "ps", "--sort=name").Out
	lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
	at := strings.Index(out, "NAME")
	var names []string
	for _, line := range lines {
		if len(line) > at {
			names = append(names, line[at:at+3])
		}
	}
	if len(names) < 40 || !slices.IsSorted(names) {
		t.Errorf("not by name:\n%s", out)
	}
	out = capsh(t, "ps", "--sort=caps").Out
	first, _, _ := strings.Cut(strings.SplitN(out, "\n", 2)[1], "\n")
	if !strings.HasSuffix(first, "full") && !strings.Contains(first, "all but") {
		t.Errorf("the first does not hold most: %s", first)
	}
}
