package procfs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
)

// Environments in which capsh has to show itself by other means than
// /proc/thread-self: each begins as root in a mount namespace of its own.
var selfWorlds = []struct{ name, prepare string }{
	{"as it is", `true`},
	{"no /proc", `umount -l /proc`},
	{"an empty /proc", `mount -t tmpfs none /proc`},
	{"a forged /proc", `sed 's/^\(Cap...:\).*/\1\t000001ffffffffff/' /proc/thread-self/status >/tmp/forged
		mount -t tmpfs none /proc; mkdir /proc/thread-self; mv /tmp/forged /proc/thread-self/status`},
	{"a dead PID namespace's /proc", `unshare -p -f mount -t proc proc /proc`},
	{"the /proc of an outer PID namespace", `wrap="unshare -p -f"`},
	{"hidepid=2", `mount -t proc -o hidepid=2 proc /proc`},
	{"hidepid=4 and subset=pid", `mount -t proc -o hidepid=4,subset=pid proc /proc`},
	{"a read-only root", `mount -o remount,bind,ro /`},
	{"no /etc/passwd", `mount -t tmpfs none /etc`},
	{"few descriptors", `ulimit -n 8`},
}

// What runs capsh, each beginning in a different state.
var selfStates = []string{
	``,
	`setpriv --reuid=1000 --regid=1000 --clear-groups`,
	`/usr/sbin/capsh --drop=cap_chown,cap_mknod --groups=5,1,4294967294 --gid=1000 --keep=1 --uid=1000
		--caps=cap_kill,cap_net_raw=eip --addamb=cap_kill --no-new-privs --shell=/usr/bin/env --`,
	`setpriv --bounding-set=-chown --securebits=+noroot,+noroot_locked,+no_setuid_fixup`,
	`unshare -U`,
	mapped,
}

// mapped needs a /proc to come about.
const mapped = `unshare -Ur`

// In every world and state, --print is what the installed libcap prints there,
// to the byte.
func TestSelf(t *testing.T) {
	testenv.Libcap(t)
	testenv.Tool(t, "setpriv")
	for _, world := range selfWorlds {
		t.Run(world.name, func(t *testing.T) {
			for _, state := range selfStates {
				if state == mapped && strings.HasSuffix(world.name, " /proc") {
					continue
				}
				state = strings.Join(strings.Fields(state), " ")
				script := "wrap=; " + world.prepare + "; $wrap " + state + ` "$1" --print`
				want := shell(t, script, "/usr/sbin/capsh")
				got := shell(t, script, capsh(t))
				if want.Code != 0 || !strings.HasPrefix(want.Out, "Current: ") {
					t.Fatalf("%s: libcap's capsh does not run here: %+v", state, want)
				}
				if got != want {
					t.Errorf("%s: got %+v\nwant %+v", state, got, want)
				}
			}
		})
	}
}

// Without a /proc, JSON has all that system calls show, and null for the rest.
func TestSelfJSONWithoutProc(t *testing.T) {
	testenv.Libcap(t)
	script := `"$capsh" --json --print; ` + `%s` + `"$capsh" --json --print`
	r := shell(t, strings.Replace(script, "%s", "umount -l /proc; ", 1))
	with, without, _ := strings.Cut(r.Out, "\n")
	a, b := testenv.ParseReport(t, []byte(with)), testenv.ParseReport(t, []byte(without))
	if a.Masks != b.Masks || a.UID != b.UID || a.GID != b.GID || *a.NoNewPrivs != *b.NoNewPrivs ||
		b.Securebits == nil || a.Securebits.Value != b.Securebits.Value {
		t.Errorf("with /proc %s\nwithout %s", with, without)
	}
	if b.Seccomp != nil || b.State != nil || b.Label != nil || b.UserNamespace.Inode != nil ||
		b.UserNamespace.UIDMap != nil || b.UserNamespace.Setgroups != nil || b.DifferingThreads != nil {
		t.Errorf("something is said to be known that can't be: %s", without)
	}
}

// A chroot with nothing but the program in it.
func TestChrootWithNothing(t *testing.T) {
	testenv.Root(t)
	testenv.Libcap(t)
	root := t.TempDir()
	must(t, exec.Command("cp", capsh(t), root+"/capsh").Run())
	run := func(args ...string) testenv.Result {
		return testenv.Run(t, &exec.Cmd{
			Path: "/capsh", Args: append([]string{"capsh"}, args...), Dir: "/",
			SysProcAttr: &syscall.SysProcAttr{Chroot: root},
		})
	}
	want := testenv.Run(t, exec.Command("/usr/sbin/capsh", "--print")).Out
	for _, name := range []string{"root", "daemon"} {
		want = strings.ReplaceAll(want, "("+name+")", "(???)")
	}
	if r := run("--print"); r.Code != 0 || r.Err != "" || r.Out != want {
		t.Errorf("got %+v\nwant %s", r, want)
	}
	refused(t, run("--", "-c", "x"), 1, "/bin/bash", "/bin/sh")
	refused(t, run("-+", "-c", "x"), 1, "/bin/bash", "/bin/sh")
	refused(t, run("--pid=1", "--print"), 1, "/proc")
	refused(t, run("--user=root"), 1, "/etc/passwd")
	refused(t, run("--shell=/none", "--"), 1, "/none")
	if r := run("=="); r.Code != 1 {
		t.Errorf("== without a PATH: %+v", r)
	}
}

// 65536 groups, the most that the kernel takes (NGROUPS_MAX), in both readers.
func TestManyGroups(t *testing.T) {
	testenv.Root(t)
	testenv.Libcap(t)
	groups := make([]uint32, 65536)
	for i := range groups {
		groups[i] = uint32(i) * 65536
	}
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: groups}}
	sleeper := exec.Command("sleep", "1000")
	sleeper.SysProcAttr = attr
	must(t, sleeper.Start())
	defer func() { sleeper.Process.Kill(); sleeper.Wait() }()
	pid := itoa(sleeper.Process.Pid)
	status, err := testenv.ReadStatus("/proc/" + pid + "/status")
	must(t, err)

	run := func(args ...string) string {
		cmd := exec.Command(capsh(t), args...)
		cmd.SysProcAttr = attr
		r := testenv.Run(t, cmd)
		if r.Code != 0 || r.Err != "" {
			t.Fatalf("%v: %d %s", args, r.Code, r.Err)
		}
		return r.Out
	}
	for _, args := range [][]string{{"--print"}, {"--pid=" + pid, "--print"}} {
		_, line, _ := strings.Cut(run(args...), "\ngroups=")
		line, _, _ = strings.Cut(line, "\n")
		var ids []string
		for item := range strings.SplitSeq(line, ",") {
			id, _, _ := strings.Cut(item, "(")
			ids = append(ids, id)
		}
		if got, want := strings.Join(ids, " "), status["Groups"]; got != want {
			t.Errorf("%v: %d groups, not those of status", args, len(ids))
		}
	}
	own := testenv.ParseReport(t, []byte(run("--json", "--print")))
	if len(own.Groups) != len(groups) || own.Groups[65535] != groups[65535] {
		t.Errorf("JSON has %d groups", len(own.Groups))
	}
	other := testenv.ParseReport(t, []byte(run("--json", "--print", "--pid="+pid)))
	if list := other.Disagreements(status); list != nil {
		t.Errorf("%.1000q", list)
	}
}

// Every reporting action fails where its output is lost.
func TestFullDisk(t *testing.T) {
	self := itoa(os.Getpid())
	for _, args := range []string{
		"--print", "--current", "--json --print", "--pid=" + self + " --print", "--pid=" + self + " --json --mode",
		"--decode=1", "--json --decode=1", "--explain=cap_chown", "--suggest=net", "--modes", "--mode", "--license",
		"--version", "--help", "-h", "explain", "explain chown", "explain --json", "--inmode=NOPRIV",
		"--print -- -c exit", "--print -+ -c exit", "--print == --print", "--print =+ --print", "--nonsense",
	} {
		t.Run(args, func(t *testing.T) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			must(t, err)
			defer full.Close()
			cmd := exec.Command(capsh(t), strings.Fields(args)...)
			cmd.Stdout = full
			want := "no space left on device"
			if args == "--nonsense" {
				want = "nonsense" // the first mistake is the one that counts
			}
			refused(t, testenv.Run(t, cmd), 1, want)
		})
	}
}

// All eight ways to have the standard descriptors closed.
func TestClosedDescriptors(t *testing.T) {
	want := testenv.Run(t, exec.Command(capsh(t), "--print")).Out
	for bits := range 8 {
		var redirect string
		for fd, text := range []string{" <&-", " >&-", " 2>&-"} {
			if bits>>fd&1 == 1 {
				redirect += text
			}
		}
		t.Run("sh"+redirect, func(t *testing.T) {
			// Status on descriptor 3, which the program doesn't inherit.
			cmd := exec.Command("/bin/sh", "-c", `"$0" --print`+redirect+` 3>&-; echo $? >&3`, capsh(t))
			status, err := os.Create(filepath.Join(t.TempDir(), "status"))
			must(t, err)
			defer status.Close()
			cmd.ExtraFiles = []*os.File{status}
			r := testenv.Run(t, cmd)
			code, err := os.ReadFile(status.Name())
			must(t, err)
			out := want
			if bits&2 != 0 { // stdout is /dev/null
				out = ""
			}
			if r.Out != out || r.Err != "" || string(code) != "0\n" {
				t.Errorf("status %s, %+v", code, r)
			}
			closedInCommand(t, redirect, bits)
		})
	}
}

// closedInCommand checks that what is closed is /dev/null for a command.
func closedInCommand(t *testing.T, redirect string, bits int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	script := `found=$(for fd in 0 1 2; do [ "$(readlink /proc/$$/fd/$fd)" = /dev/null ] && printf $fd; done); printf "$found" >"$OUT"`
	cmd := exec.Command("/bin/sh", "-c", `"$0" --shell=/bin/sh -- -c "$1"`+redirect, capsh(t), script)
	cmd.Env = append(os.Environ(), "OUT="+out)
	cmd.Stdin = strings.NewReader("") // a pipe
	r := testenv.Run(t, cmd)
	text, err := os.ReadFile(out)
	must(t, err)
	var want string
	for fd := range 3 {
		if bits>>fd&1 == 1 {
			want += itoa(fd)
		}
	}
	if string(text) != want || r.Code != 0 {
		t.Errorf("/dev/null for the command: %q, want %q; %+v", text, want, r)
	}
}

// Whatever JSON is asked for, it is JSON.
func TestJSONIsJSON(t *testing.T) {
	for _, args := range []string{
		"--print", "--current", "--mode", "--modes", "--decode=ffffffffffffffff", "--explain=41", "--explain=63",
		"--suggest=net", "--suggest=nothing-has-this", "--print --mode --modes", "--pid=1,1 --print", "--quiet --print",
	} {
		r := testenv.Run(t, exec.Command(capsh(t), append([]string{"--json"}, strings.Fields(args)...)...))
		if r.Code != 0 || r.Out == "" {
			t.Errorf("%s: %+v", args, r)
		}
		for line := range strings.Lines(r.Out) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: not JSON: %s", args, line)
			}
		}
	}
}

// A name of /etc/passwd with an escape sequence is printed raw to a pipe, as
// libcap's capsh does, and escaped to a terminal.
func TestNamesOnTerminal(t *testing.T) {
	testenv.Libcap(t)
	testenv.Tool(t, "script")
	const prepare = `dir=$(mktemp -d); mount -t tmpfs none $dir
		printf 'a\033[31mb:x:0:0::/:/bin/sh\n' >$dir/passwd; printf 'g\033]0;x\007:x:0:\n' >$dir/group
		mount --bind $dir/passwd /etc/passwd; mount --bind $dir/group /etc/group; `
	piped := shell(t, prepare+`"$1" --print`, capsh(t))
	if want := shell(t, prepare+`"$1" --print`, "/usr/sbin/capsh"); piped != want {
		t.Errorf("to a pipe: got %+v\nwant %+v", piped, want)
	}
	shown := shell(t, prepare+`script -qec "$1 --print" /dev/null </dev/null`, capsh(t))
	if strings.ContainsAny(shown.Out, "\033\007") || !strings.Contains(shown.Out, `uid=0(a\x1b[31mb)`) ||
		!strings.Contains(shown.Out, `gid=0(g\x1b]0;x\x07)`) {
		t.Errorf("to a terminal: %q", shown.Out)
	}
}

// Of several processes those that exist are shown; the status is 1, and the
// message names the others.
func TestSomeProcessesMissing(t *testing.T) {
	got := shell(t, `"$1" --pid=$$,4194303,1 --print`, capsh(t))
	if got.Code != 1 || strings.Count(got.Out, "Process: ") != 2 || got.Err != "capsh: process 4194303: no such process\n" {
		t.Errorf("%+v", got)
	}
	got = shell(t, `"$1" --pid=4194303,1 --json --print`, capsh(t))
	if got.Code != 1 || strings.Count(got.Out, "\n") != 1 || !strings.Contains(got.Out, `"pid":1,`) {
		t.Errorf("%+v", got)
	}
	got = shell(t, `"$1" --pid=4194303,1 --has-b=cap_chown`, capsh(t))
	if got.Code != 1 || !strings.Contains(got.Err, "4194303") {
		t.Errorf("a process that is not there answers yes: %+v", got)
	}
}
