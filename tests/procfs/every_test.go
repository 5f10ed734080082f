package procfs

import (
	"flag"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

var seedFlag = flag.Int64("seed", 0, "the seed of TestEveryProcess; 0 is a random one")

// Every process of this host, and fifty of our own with random credentials:
// what capsh says of it are its raw status lines, and libcap's words for them.
func TestEveryProcess(t *testing.T) {
	testenv.Root(t)
	testenv.Libcap(t)
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Int63()
	}
	t.Logf("-seed %d", seed)
	for i := range int64(50) {
		start(t, "assorted", strconv.FormatInt(seed+i, 10))
	}
	dirs, err := filepath.Glob("/proc/[1-9]*")
	must(t, err)
	var told, differing int
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		must(t, err)
		// What changes or ends while it is looked at is looked at again.
		for range 20 {
			before, _, was := raw(dir)
			text, report, problems := look(t, pid)
			after, threads, is := raw(dir)
			if before == nil || after == nil {
				break
			}
			if was != is {
				continue
			}
			told++
			if report == nil {
				t.Errorf("%d: %s", pid, problems)
				break
			}
			differing += len(report.DifferingThreads)
			problems = append(problems, report.Disagreements(after)...)
			problems = append(problems, textDisagrees(text, report, after)...)
			problems = append(problems, threadsDisagree(threads, report, after)...)
			if problems != nil {
				t.Errorf("%d (%s):\n%s", pid, after["Name"], strings.Join(problems, "\n"))
			}
			break
		}
	}
	t.Logf("%d of %d processes compared, %d threads that differ", told, len(dirs), differing)
	if told < 50 || differing == 0 {
		t.Errorf("too few to say anything")
	}
}

// raw is the status of a process and of its threads, and as one text all that is
// compared of them: the credentials, the ids, which a process that ends loses, and the time
// when it started, since another may get its id.
func raw(dir string) (leader testenv.Status, threads []testenv.Status, all string) {
	leader, err := testenv.ReadStatus(dir + "/status")
	if err != nil {
		return nil, nil, ""
	}
	paths, _ := filepath.Glob(dir + "/task/*/status")
	for _, path := range paths {
		s, err := testenv.ReadStatus(path)
		stat, statErr := os.ReadFile(filepath.Dir(path) + "/stat")
		if err != nil || statErr != nil {
			continue // a thread that ended
		}
		fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
		const startTime = 22 - 3 // proc_pid_stat(5); behind the name comes the third
		threads = append(threads, s)
		all += s["Tgid"] + " " + s["Pid"] + " " + s["NSpid"] + " " + fields[startTime] + "\n" + s.Credentials()
	}
	return leader, threads, all + leader["NSpid"] + leader.Credentials()
}

// look asks capsh, in text and JSON, and libcap; where they disagree, problems
// say so.
func look(t *testing.T, pid int) (text string, report *testenv.Report, problems []string) {
	t.Helper()
	id := "--pid=" + itoa(pid)
	r := testenv.Run(t, exec.Command(capsh(t), id, "--print"))
	j := testenv.Run(t, exec.Command(capsh(t), id, "--json", "--print"))
	c := testenv.Run(t, exec.Command(capsh(t), id, "--current"))
	if r.Code != 0 || j.Code != 0 || c.Code != 0 {
		return "", nil, []string{r.Err + j.Err + c.Err}
	}
	report, err := testenv.DecodeReport([]byte(j.Out))
	if err != nil {
		return "", nil, []string{err.Error()}
	}
	sets, iab, err := testenv.Getpcaps(pid)
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, text := range []string{r.Out, c.Out} {
		for _, want := range []string{"\nCurrent: " + sets + "\n", "\nCurrent IAB: " + iab + "\n"} {
			if !strings.Contains(text, want) {
				problems = append(problems, "libcap's "+want+"is not in\n"+text)
			}
		}
	}
	return r.Out, report, problems
}

// textDisagrees says which lines of --print are not what status and libcap's
// names for its masks make them.
func textDisagrees(text string, report *testenv.Report, s testenv.Status) (problems []string) {
	bounding, err := testenv.Decode(s["CapBnd"])
	ambient, err2 := testenv.Decode(s["CapAmb"])
	if err != nil || err2 != nil {
		return []string{"libcap's capsh --decode fails"}
	}
	wants := []string{
		"\nBounding set =" + bounding + "\n",
		"\nAmbient set =" + ambient + "\n",
		"\nuid=" + s.Fields("Uid")[0] + "(",
		" euid=" + s.Fields("Uid")[1] + "(",
		"\ngid=" + s.Fields("Gid")[0] + "(",
	}
	// Who may load a BPF program is told the securebits, though not of each process.
	if bits := regexp.MustCompile(`\nSecurebits: (unknown|\S+/0x\S+/\d+'b[01]+) \(no-new-privs=` + s["NoNewPrivs"] + `\)\n`); !bits.MatchString(text) {
		problems = append(problems, "no line of securebits in\n"+text)
	}
	for _, gid := range s.Fields("Groups") {
		wants = append(wants, gid+"(")
	}
	var ids []string
	for i := range report.DifferingThreads {
		ids = append(ids, itoa(report.DifferingThreads[i].TID))
	}
	if ids != nil {
		wants = append(wants, "\nThreads that differ: "+strings.Join(ids, " ")+" ("+itoa(len(ids))+" of ")
	} else if strings.Contains(text, "Threads that differ") {
		problems = append(problems, "the text has threads that differ, JSON has none")
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			problems = append(problems, "there is no "+strings.TrimSpace(want)+" in\n"+text)
		}
	}
	return problems
}

// threadsDisagree checks that the threads said to differ are just those whose
// status differs from the leader's, and that what is said of them is so.
func threadsDisagree(threads []testenv.Status, report *testenv.Report, leader testenv.Status) (problems []string) {
	told := map[string]*testenv.Report{}
	for i := range report.DifferingThreads {
		r := &report.DifferingThreads[i]
		told[itoa(r.TID)] = r
	}
	for _, s := range threads {
		r := told[s["Pid"]]
		switch differs := s.Credentials() != leader.Credentials(); {
		case differs && r == nil:
			problems = append(problems, "thread "+s["Pid"]+" differs and is not told of")
		case !differs && r != nil:
			problems = append(problems, "thread "+s["Pid"]+" does not differ")
		case r != nil:
			problems = append(problems, r.Disagreements(s)...)
		}
	}
	return problems
}
