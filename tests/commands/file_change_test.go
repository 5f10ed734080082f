package commands

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// randomText is set text, right more often than not.
func randomText(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var clauses []string
	for range r.IntN(4) {
		var items []string
		for range 1 + r.IntN(3) {
			items = append(items, pick("cap_chown", "CAP_KILL", "cap_net_raw", "cap_bpf", "cap_checkpoint_restore", "7", "0x21", "010", "40", "41", "63", "all"))
		}
		if r.IntN(30) == 0 {
			items = append(items, pick("chown", "64", "cap_nonesuch", "-1", "", "none"))
		}
		clause := strings.Join(items, ",")
		if r.IntN(8) == 0 {
			clause = ""
		}
		clause += pick("=", "=", "=", "+", "=+", "==", "-") + pick("p", "ep", "eip", "ei", "i", "e", "", "ee", "x")
		if r.IntN(4) == 0 {
			clause += pick("+", "-", "=") + pick("e", "p", "ip", "")
		}
		clauses = append(clauses, clause)
	}
	return strings.Join(clauses, pick(" ", "  ", "\t", "\n"))
}

// attribute is the value of a file's capabilities, nil for none.
func attribute(t *testing.T, path string) []byte {
	t.Helper()
	var value [filecap.MaxSize]byte
	n, err := unix.Getxattr(path, filecap.XattrName, value[:])
	if err == unix.ENODATA {
		return nil
	}
	must(t, err)
	return value[:n]
}

// TestFileSetAsSetcap: the same texts as setcap takes, to the same bytes, which
// libcap's Go package reads the same.
func TestFileSetAsSetcap(t *testing.T) {
	testenv.Root(t)
	setcap := testenv.Tool(t, "/usr/sbin/setcap")
	r := rand.New(rand.NewPCG(11, 3))
	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	taken, refused := 0, 0
	for range 1000 {
		text := randomText(r)
		for _, path := range []string{theirs, ours} {
			os.Remove(path)
			must(t, os.WriteFile(path, []byte("\x7fELF"), 0o755))
		}
		rootid := ""
		if r.IntN(4) == 0 {
			rootid = strconv.Itoa(1 + r.IntN(100000))
		}
		peer, args := []string{text, theirs}, []string{"file", "--set", text, ours}
		if rootid != "" {
			peer, args = append([]string{"-n", rootid}, peer...), append(args, "--rootid="+rootid)
		}
		wants := exec.Command(setcap, peer...).Run() == nil
		got := capsh(t, args...)
		if wants != (got.Code == 0) || !wants && got.Code != 2 {
			t.Errorf("setcap %q: %v; exit status %d, %s", peer, wants, got.Code, got.Err)
			continue
		}
		want := attribute(t, theirs)
		if value := attribute(t, ours); !bytes.Equal(value, want) {
			t.Errorf("%q, rootid %q: wrote %x, setcap %x", text, rootid, value, want)
		}
		if !wants {
			refused++
			continue
		}
		taken++
		other, err := cap.GetFile(ours)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		c, err := filecap.Decode(want)
		must(t, err)
		for bit := cap.Value(0); bit < 41; bit++ {
			p, _ := other.GetFlag(cap.Permitted, bit)
			i, _ := other.GetFlag(cap.Inheritable, bit)
			if p != (c.Permitted>>bit&1 != 0) || i != (c.Inheritable>>bit&1 != 0) {
				t.Errorf("%q: GetFile has %v of %v", text, other, bit)
			}
		}
	}
	if taken < 300 || refused < 100 {
		t.Errorf("%d texts taken, %d refused: the test says little", taken, refused)
	}
}

// TestFileSet: what is written is what the kernel gives; a dry run writes nothing.
func TestFileSet(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	app := filepath.Join(dir, "app")
	text, err := os.ReadFile(program(t))
	must(t, err)
	must(t, os.WriteFile(app, text, 0o711)) // which another user may not read
	asUser := func(path string, args ...string) testenv.Result {
		cmd := exec.Command(path, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		return testenv.Run(t, cmd)
	}
	if r := capsh(t, "file", "--dry-run", "--set=cap_net_raw=ep", app); r.Code != 0 || !strings.HasSuffix(r.Out, "  cap_net_raw=ep\n") || attribute(t, app) != nil {
		t.Errorf("dry run: exit status %d, %q, wrote %x", r.Code, r.Out, attribute(t, app))
	}
	if r := capsh(t, "file", "--set=cap_net_raw=ep", app); r.Code != 0 || !strings.HasSuffix(r.Out, "  cap_net_raw=ep\n") {
		t.Errorf("exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	if r := asUser(app, "--has-p=cap_net_raw"); r.Code != 0 {
		t.Errorf("an execve does not give it: %q", r.Err)
	}
	// One that may write them need not be able to read the file.
	writer := filepath.Join(dir, "writer")
	must(t, os.WriteFile(writer, text, 0o755))
	if r := asUser(writer, "file", "--remove", app); r.Code != 1 || !strings.Contains(r.Err, "operation not permitted (needs CAP_SETFCAP)") {
		t.Errorf("without CAP_SETFCAP: exit status %d, %q", r.Code, r.Err)
	}
	capsh(t, "file", "--set=cap_setfcap=p", writer)
	if r := asUser(writer, "file", "--set=cap_kill=p", app); r.Code != 0 || !strings.HasSuffix(r.Out, "  cap_kill=p\n") {
		t.Errorf("CAP_SETFCAP permitted alone: exit status %d, %q, %q", r.Code, r.Out, r.Err)
	}
	if r := capsh(t, "file", "--remove", "--dry-run", app); r.Code != 0 || !strings.HasSuffix(r.Out, "  nothing\n") || attribute(t, app) == nil {
		t.Errorf("dry run of --remove: exit status %d, %q", r.Code, r.Out)
	}
	if r := capsh(t, "file", "--remove", app); r.Code != 0 || attribute(t, app) != nil {
		t.Errorf("--remove: exit status %d, %q", r.Code, r.Err)
	}
	if r := capsh(t, "file", "--remove", app); r.Code != 1 || !strings.Contains(r.Err, "has no file capabilities to remove") {
		t.Errorf("--remove again: exit status %d, %q", r.Code, r.Err)
	}
}

// TestFileSetRefuses: what is no regular file is not opened or changed, and the
// other files of the command line are changed all the same.
func TestFileSetRefuses(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("file"), nil, 0o755))
	must(t, os.WriteFile(at("other"), nil, 0o755))
	must(t, os.Symlink("other", at("link")))
	must(t, unix.Mkfifo(at("fifo"), 0o755))
	for name, want := range map[string]string{
		"link": "is a symbolic link: name the file", "fifo": "is not a regular file", ".": "is a directory", "none": "no such file",
	} {
		os.Remove(at("file"))
		must(t, os.WriteFile(at("file"), nil, 0o755))
		r := capsh(t, "file", "--set=cap_kill=p", at(name), at("file"))
		if r.Code != 1 || !strings.Contains(r.Err, want) || attribute(t, at("other")) != nil || attribute(t, at("file")) == nil {
			t.Errorf("%s: exit status %d, %q", name, r.Code, r.Err)
		}
	}
	for _, test := range []struct{ args, want string }{
		{"--set=cap_kill=p --remove", "exclude each other"},
		{"--rootid=1", "--rootid requires --set"},
		{"--dry-run", "--dry-run requires"},
		{"--set=cap_kill=p -r", "without --recursive"},
		{"--set=cap_kill=p --set=cap_kill=p", "given twice"},
		{"--set=cap_kill=p --rootid=0", "not a number from 1"},
		{"--set=cap_kill=p --rootid=4294967295", "not a number from 1"},
		{"--set=cap_kill=p --rootid=010", "not a number from 1"},
	} {
		r := capsh(t, append([]string{"file", at("other")}, strings.Fields(test.args)...)...)
		if r.Code != 2 || !strings.Contains(r.Err, test.want) || attribute(t, at("other")) != nil {
			t.Errorf("%q: exit status %d, %q", test.args, r.Code, r.Err)
		}
	}
}

// TestFileSetThroughLink: a link that takes the file's place at any moment does not
// lead the write elsewhere.
func TestFileSetThroughLink(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("victim"), nil, 0o755))
	must(t, os.WriteFile(at("file"), nil, 0o755))
	must(t, os.Symlink("victim", at("link")))
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, at("file"), unix.AT_FDCWD, at("link"), unix.RENAME_EXCHANGE)
			}
		}
	}()
	wrote, refused := 0, 0
	for i := 0; i < 2000 && (wrote == 0 || refused == 0 || i < 200); i++ {
		if r := capsh(t, "file", "--set=cap_kill=p", at("file")); r.Code == 0 {
			wrote++
		} else {
			refused++
		}
	}
	close(done)
	<-stopped
	if attribute(t, at("victim")) != nil {
		t.Error("the file that the link leads to was changed")
	}
	if wrote == 0 || refused == 0 {
		t.Errorf("%d written, %d refused: the test says little", wrote, refused)
	}
}

// TestFileBeyondBounding: what is said of a file whose capability this process
// cannot get is what an execve does.
func TestFileBeyondBounding(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	text, err := os.ReadFile(program(t))
	must(t, err)
	must(t, os.WriteFile(app, text, 0o755))
	for _, test := range []struct {
		set, want string
		code      int // of an execve of it that asks for CAP_KILL, 126 if it fails
	}{
		{"cap_net_raw=ep", "IGNORED: an execve by this process fails with EPERM: its bounding set lacks cap_net_raw", 126},
		{"cap_kill,cap_net_raw=ep", "IGNORED: an execve by this process fails with EPERM: its bounding set lacks cap_net_raw", 126},
		{"cap_net_raw=p", "IGNORED: this process gets none of the capabilities: its bounding set lacks cap_net_raw", 1},
		{"cap_kill,cap_net_raw=p", "note: this process gets only some of the capabilities: its bounding set lacks cap_net_raw", 0},
		{"cap_kill=ep", "", 0},
	} {
		r := capsh(t, "file", "--set="+test.set, app)
		if r.Code != 0 {
			t.Fatalf("%q", r.Err)
		}
		within := func(args ...string) testenv.Result {
			return testenv.Run(t, exec.Command(testenv.Tool(t, "setpriv"), append([]string{"--bounding-set=-net_raw", "--inh-caps=-all", "--securebits=+noroot", "--"}, args...)...))
		}
		r = within(program(t), "file", app)
		_, after, _ := strings.Cut(strings.TrimSuffix(r.Out, "\n"), test.set)
		if strings.TrimSpace(after) != test.want {
			t.Errorf("%s: %q %q, want %q", test.set, r.Out, r.Err, test.want)
		}
		if r = within(app, "--has-p=cap_kill"); r.Code != test.code {
			t.Errorf("%s: the execve ends with %d, %q", test.set, r.Code, r.Err)
		}
	}
}
