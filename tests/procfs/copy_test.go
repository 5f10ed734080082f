package procfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// save copies what is told of a process from /proc into plain files.
func save(t *testing.T, pid int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	from, to := "/proc/"+itoa(pid), dir+"/"+itoa(pid)
	files := []string{"status", "uid_map", "gid_map", "setgroups"}
	threads, err := filepath.Glob(from + "/task/*/status")
	must(t, err)
	for _, path := range threads {
		files = append(files, strings.TrimPrefix(path, from+"/"))
	}
	for _, file := range files {
		text, err := os.ReadFile(from + "/" + file)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(to+"/"+file), 0o755))
		must(t, os.WriteFile(to+"/"+file, text, 0o644))
	}
	// The link is a file in a copy made without -d, and a dangling link with.
	link, err := os.Readlink(from + "/ns/user")
	must(t, err)
	must(t, os.Mkdir(to+"/ns", 0o755))
	must(t, os.Symlink(link, to+"/ns/user"))
	must(t, os.MkdirAll(dir+"/sys/kernel", 0o755))
	last, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	must(t, err)
	must(t, os.WriteFile(dir+"/sys/kernel/cap_last_cap", last, 0o644))
	return dir
}

// A saved copy says what the process said, all but what only a BPF program reads.
func TestSavedCopy(t *testing.T) {
	setpriv := testenv.Tool(t, "setpriv")
	for seed := range 6 {
		p := start(t, "assorted", itoa(seed))
		for _, args := range []string{"--print", "--current", "--json --print", "--mode", "--json --mode", "--print --has-b=cap_kill"} {
			run := func(more ...string) testenv.Result {
				words := append([]string{"--bounding-set=-bpf", capsh(t), "--pid=" + itoa(p.pid)}, strings.Fields(args)...)
				r := testenv.Run(t, exec.Command(setpriv, append(words, more...)...))
				r.Out = strings.ReplaceAll(r.Out, `"state":"R"`, `"state":"S"`)
				return r
			}
			var before, saved testenv.Result
			for after := run(); after != before; after = run() { // Go may just have started a thread
				before, saved = after, run("--proc="+save(t, p.pid))
			}
			if before != saved {
				t.Errorf("%s: live %+v\nsaved %+v", args, before, saved)
			}
		}
	}
}

// A copy that is broken is refused; no set is empty because it wasn't readable.
func TestBrokenCopy(t *testing.T) {
	testenv.Root(t)
	p := start(t, "name", "x")
	pid := itoa(p.pid)
	original, err := os.ReadFile("/proc/" + pid + "/status")
	must(t, err)
	text := string(original)
	without := func(name string) string {
		before, after, _ := strings.Cut(text, "\n"+name+":")
		_, after, _ = strings.Cut(after, "\n")
		return before + "\n" + after
	}
	with := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	broken := map[string]string{
		"empty":               "",
		"a single newline":    "\n",
		"binary":              "\x00\xff\x1b[31m\x00",
		"no colon":            "Name\n",
		"cut in a set":        text[:strings.Index(text, "CapEff:")+12],
		"cut after a line":    text[:strings.Index(text, "CapEff:")],
		"a short mask":        with("CapEff:\t0", "CapEff:\t"),
		"a long mask":         with("CapEff:\t", "CapEff:\t0"),
		"a mask of no digits": with("CapEff:\t0", "CapEff:\tx"),
		"an empty mask":       with("CapEff:\t", "CapEff:\n\t"),
		"two masks":           with("CapEff:", "CapEff:\t0000000000000000\nCapEff:"),
		"three ids":           with("Uid:\t0\t", "Uid:\t"),
		"a huge id":           with("Uid:\t0\t", "Uid:\t4294967296\t"),
		"another process":     with("Tgid:\t"+pid, "Tgid:\t1"),
		"another thread":      with("\nPid:\t"+pid, "\nPid:\t1"),
		"words as groups":     with("Groups:\t", "Groups:\tx "),
		"spaces for tabs":     strings.ReplaceAll(text, "\t", " "),
		"NoNewPrivs 2":        with("NoNewPrivs:\t0", "NoNewPrivs:\t2"),
	}
	for _, name := range []string{"Tgid", "Pid", "CapInh", "CapPrm", "CapEff", "CapBnd"} {
		broken["without "+name] = without(name)
	}
	for name, status := range broken {
		t.Run(name, func(t *testing.T) {
			if status == text {
				t.Fatal("this status is not broken at all")
			}
			dir := save(t, p.pid)
			must(t, os.WriteFile(dir+"/"+pid+"/status", []byte(status), 0o644))
			refuseCopy(t, dir, pid, nil)
		})
	}
}

// gVisor's status has no ids: they are unknown, and the rest is shown.
func TestCopyWithoutIDs(t *testing.T) {
	testenv.Root(t)
	p := start(t, "name", "x")
	pid := itoa(p.pid)
	original, err := os.ReadFile("/proc/" + pid + "/status")
	must(t, err)
	var kept []string
	for line := range strings.Lines(string(original)) {
		if name, _, _ := strings.Cut(line, ":"); name != "Uid" && name != "Gid" && name != "Groups" {
			kept = append(kept, line)
		}
	}
	dir := save(t, p.pid)
	must(t, os.WriteFile(dir+"/"+pid+"/status", []byte(strings.Join(kept, "")), 0o644))
	run := func(args ...string) testenv.Result {
		return testenv.Run(t, exec.Command(capsh(t), append([]string{"--proc=" + dir, "--pid=" + pid}, args...)...))
	}
	for _, want := range []string{`"uid":{"real":null,`, `"gid":{"real":null,`, `"groups":null,`, `"effective":["CAP_CHOWN",`} {
		if r := run("--json", "--print"); r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("lacks %s: %+v", want, r)
		}
	}
	for _, question := range []string{"--is-uid=0", "--is-gid=0", "--is-uid=65534"} {
		if r := run(question); r.Code != 1 || r.Err == "" {
			t.Errorf("%s: %+v", question, r)
		}
	}
}

// refuseCopy checks that no action takes a copy.
func refuseCopy(t *testing.T, dir, pid string, attr *syscall.SysProcAttr) {
	t.Helper()
	for _, action := range []string{"--print", "--json --print", "--mode", "--has-b=cap_kill", "--is-uid=0"} {
		cmd := exec.Command(capsh(t), append(strings.Fields(action), "--proc="+dir, "--pid="+pid)...)
		cmd.SysProcAttr = attr
		refused(t, testenv.Run(t, cmd), 1, "process "+pid)
	}
}

// Neither is a copy that can't be read, and one that would hang is not waited for.
func TestUnreadableCopy(t *testing.T) {
	testenv.Root(t)
	p := start(t, "name", "x")
	pid := itoa(p.pid)
	user := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	for name, spoil := range map[string]func(status string) error{
		"no status":          os.Remove,
		"a dangling link":    func(path string) error { os.Remove(path); return os.Symlink("/none", path) },
		"a link to itself":   func(path string) error { os.Remove(path); return os.Symlink("status", path) },
		"a directory":        func(path string) error { os.Remove(path); return os.Mkdir(path, 0o755) },
		"a FIFO":             func(path string) error { os.Remove(path); return unix.Mkfifo(path, 0o644) },
		"a socket":           func(path string) error { os.Remove(path); return unix.Mknod(path, unix.S_IFSOCK|0o644, 0) },
		"not for all":        func(path string) error { return os.Chmod(path, 0o600) },
		"a closed directory": func(path string) error { return os.Chmod(filepath.Dir(path), 0o700) },
		"an endless device":  func(path string) error { os.Remove(path); return os.Symlink("/dev/tty", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := save(t, p.pid)
			must(t, spoil(dir+"/"+pid+"/status"))
			refuseCopy(t, dir, pid, user)
		})
	}
}
