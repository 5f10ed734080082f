package commands

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// grants is an object of capsh file --json.
type grants struct {
	Version         int
	Path, Mode      string
	UID, GID        uint32
	Setuid, Setgid  bool
	HasCapabilities bool `json:"has_capabilities"`
	FileCaps        *struct {
		XattrVersion           int    `json:"xattr_version"`
		RootID                 uint32 `json:"root_id"`
		Permitted, Inheritable []string
		Effective              bool
		Setcap                 string
	} `json:"file_capabilities"`
	Honoured bool
	Ignored  []string `json:"ignored_because"`
	Unknown  []string `json:"unknown_because"`
}

// grantsOf runs capsh file --json.
func grantsOf(t *testing.T, code int, args ...string) []grants {
	t.Helper()
	r := capsh(t, append([]string{"file", "--json"}, args...)...)
	if r.Code != code || code == 0 && r.Err != "" {
		t.Fatalf("capsh file %q: exit status %d, %s", args, r.Code, r.Err)
	}
	return decodeGrants(t, r.Out)
}

func decodeGrants(t *testing.T, text string) (list []grants) {
	t.Helper()
	for line := range strings.Lines(text) {
		var g grants
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&g); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		list = append(list, g)
	}
	return list
}

// paths are those of the ones that pass.
func paths(list []grants, pass func(*grants) bool) (out []string) {
	for i := range list {
		if pass(&list[i]) {
			out = append(out, list[i].Path)
		}
	}
	slices.Sort(out)
	return out
}

func isSetid(g *grants) bool { return g.Setuid || g.Setgid }

// agreeWithPeers compares a walk with getcap -r and find on the same tree.
func agreeWithPeers(t *testing.T, list []grants, root string) {
	t.Helper()
	getcap, err := exec.Command(testenv.Tool(t, "/usr/sbin/getcap"), "-n", "-r", root).Output()
	must(t, err)
	rest := string(getcap)
	for _, g := range list {
		if !g.HasCapabilities {
			continue
		}
		line := g.Path + " " + g.FileCaps.Setcap
		if g.FileCaps.RootID != 0 {
			line += fmt.Sprintf(" [rootid=%d]", g.FileCaps.RootID)
		}
		before, after, ok := strings.Cut(rest, line+"\n")
		if !ok {
			t.Errorf("getcap does not say %q", line)
		}
		rest = before + after
	}
	if rest != "" {
		t.Errorf("only getcap says %q", rest)
	}
	found, err := exec.Command("find", root, "-type", "f", "-perm", "/6000", "-print0").Output()
	must(t, err)
	want := strings.FieldsFunc(string(found), func(r rune) bool { return r == 0 })
	slices.Sort(want)
	if got := paths(list, isSetid); !slices.Equal(got, want) {
		t.Errorf("setuid or setgid: %q, find has %q", got, want)
	}
}

// TestFileUsr: the system's own files.
func TestFileUsr(t *testing.T) {
	for _, root := range []string{"/usr", "/etc", "/var/lib/dpkg"} {
		agreeWithPeers(t, grantsOf(t, 0, "-r", root), root)
	}
}

// hostile are names that could be taken for something else.
var hostile = []string{
	"new\nline", "\x1b[31mred", "blank at the end ", "=ep", "quote\"'\\", "-r", "…", "cap_kill=ep",
	strings.Repeat("n", 255),
}

// writeGranting makes a file that carries what r says.
func writeGranting(t *testing.T, r *rand.Rand, path string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte("\x7fELF"), 0o755))
	must(t, os.Chown(path, r.IntN(3), r.IntN(3)))
	if r.IntN(3) == 0 { // behind chown, which clears it
		must(t, unix.Chmod(path, 0o755|uint32(r.IntN(4))<<10))
	}
	if r.IntN(2) == 0 {
		setCaps(t, path, filecap.Caps{
			Permitted:   caps.Set(r.Uint64()) & caps.First(41),
			Inheritable: caps.Set(r.Uint64()&r.Uint64()) & caps.First(41),
			Effective:   r.IntN(2) == 0,
			Version:     2,
		})
	}
}

func setCaps(t *testing.T, path string, c filecap.Caps) {
	t.Helper()
	value, err := c.Encode()
	must(t, err)
	must(t, unix.Setxattr(path, filecap.XattrName, value, 0))
}

// TestFileTree: a tree of all kinds of files and names.
func TestFileTree(t *testing.T) {
	testenv.Root(t)
	r := rand.New(rand.NewPCG(1, 2))
	root := t.TempDir()
	folders := []string{root}
	for _, name := range append(hostile, "a", "b", "c") {
		dir := filepath.Join(folders[r.IntN(len(folders))], name)
		must(t, os.Mkdir(dir, 0o2755)) // setgid on a folder grants nothing
		folders = append(folders, dir)
	}
	for _, dir := range folders {
		for _, name := range hostile {
			path := filepath.Join(dir, "file "+name)[:min(len(filepath.Join(dir, "file "+name)), len(dir)+200)]
			writeGranting(t, r, path)
		}
	}
	special := filepath.Join(root, "special")
	must(t, os.Mkdir(special, 0o755))
	must(t, os.Symlink("/usr/bin/su", filepath.Join(special, "link")))
	must(t, os.Symlink("/", filepath.Join(special, "folder")))
	must(t, unix.Mkfifo(filepath.Join(special, "fifo"), 0o6777))
	must(t, unix.Mknod(filepath.Join(special, "device"), unix.S_IFCHR|0o6777, int(unix.Mkdev(1, 3))))
	foreign := filepath.Join(special, "foreign")
	must(t, os.WriteFile(foreign, nil, 0o755))
	setCaps(t, foreign, filecap.Caps{Permitted: caps.NetRaw.Set(), Effective: true, Version: 3, RootID: 100000})

	list := grantsOf(t, 0, "-r", root)
	agreeWithPeers(t, list, root)
	if len(list) < 20 {
		t.Errorf("only %d files: the test says little", len(list))
	}
	for _, g := range list {
		one := grantsOf(t, 0, "--", g.Path)
		if len(one) != 1 || !reflect.DeepEqual(one[0], g) {
			t.Errorf("by itself %+v, in the tree %+v", one, g)
		}
		if g.Path == foreign && (g.Honoured || g.FileCaps.XattrVersion != 3 || g.FileCaps.RootID != 100000) {
			t.Errorf("capabilities of another root: %v", g)
		}
	}
	// As text: a clean line each.
	text := capsh(t, "file", "-r", root).Out
	if n := strings.Count(text, "\n"); n != len(list) || strings.ContainsRune(text, '\x1b') {
		t.Errorf("%d lines for %d files: %q", n, len(list), text)
	}
	// What setcap makes of the text is what is there.
	for _, g := range list {
		if g.FileCaps == nil {
			continue
		}
		args := []string{g.FileCaps.Setcap, g.Path}
		if g.FileCaps.RootID != 0 {
			args = append([]string{"-n", fmt.Sprint(g.FileCaps.RootID)}, args...)
		}
		before := getCaps(t, g.Path)
		if out, err := exec.Command(testenv.Tool(t, "/usr/sbin/setcap"), args...).CombinedOutput(); err != nil {
			t.Errorf("setcap %q: %v, %s", args, err, out)
		}
		if after := getCaps(t, g.Path); after != before {
			t.Errorf("setcap %q: %q is now %q", args, before, after)
		}
	}
}

func getCaps(t *testing.T, path string) string {
	t.Helper()
	var value [filecap.MaxSize]byte
	n, err := unix.Getxattr(path, filecap.XattrName, value[:])
	must(t, err)
	return string(value[:n])
}

// mounts runs a script in a mount namespace of its own, in an empty folder, where
// $capsh is the program.
func mounts(t *testing.T, script string) testenv.Result {
	t.Helper()
	testenv.Root(t)
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "capsh="+program(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return testenv.Run(t, cmd)
}

// TestFileMounts: other file systems, and mounts that honour nothing.
func TestFileMounts(t *testing.T) {
	const tree = `
		mkdir -p top/in top/proc top/sys; mount -t tmpfs -o nosuid tmpfs top/in
		cp /bin/true top/su; cp /bin/true top/in/su; chmod 4755 top/su top/in/su
		cp /bin/true top/in/ping; setcap cap_net_raw=ep top/in/ping
		mount -t proc proc top/proc; mount -t sysfs sysfs top/sys; `
	r := mounts(t, tree+`"$capsh" file --json -r top`)
	list := decodeGrants(t, r.Out)
	want := []string{"top/in/ping", "top/in/su", "top/su"}
	if got := paths(list, func(*grants) bool { return true }); r.Code != 0 || !slices.Equal(got, want) {
		t.Errorf("exit status %d, %q, want %q; %s", r.Code, got, want, r.Err)
	}
	if got := paths(list, func(g *grants) bool { return g.Honoured }); !slices.Equal(got, []string{"top/su"}) {
		t.Errorf("honoured on a nosuid mount: %q", got)
	}
	r = mounts(t, tree+`"$capsh" file --json -rx top`)
	if got := paths(decodeGrants(t, r.Out), func(*grants) bool { return true }); !slices.Equal(got, []string{"top/su"}) {
		t.Errorf("on one file system: %q", got)
	}
	r = mounts(t, tree+`mount -o remount,noexec top/in; "$capsh" file top/in/su`)
	if !strings.Contains(r.Out, "IGNORED: the mount is noexec; the mount is nosuid") {
		t.Errorf("noexec: %q", r.Out)
	}
}

// TestFileHidden: values that getxattr(2) does not show. Only the disk of another
// host has them; execve takes version 1 and refuses the others.
func TestFileHidden(t *testing.T) {
	testenv.Tool(t, "debugfs")
	r := mounts(t, `
		truncate -s 16M img; mkfs.ext4 -q -O ^has_journal -I 256 img
		for f in short long v1; do
			debugfs -w -R "write $capsh $f" img >/dev/null 2>&1; debugfs -w -R "sif $f mode 0100755" img >/dev/null 2>&1
		done
		printf '\1\0\0\2\0\0' >short; head -c 40 /dev/zero >long; printf '\1\0\0\1\0\4\0\0\0\0\0\0' >v1
		for f in short long v1; do debugfs -w -R "ea_set -f $f /$f security.capability" img >/dev/null 2>&1; done
		mkdir mnt; mount -o loop,ro img mnt
		"$capsh" file mnt/short mnt/long mnt/v1; "$capsh" file --json -r mnt; "$capsh" predict mnt/v1 || echo unknown
		without="setpriv --securebits=+noroot --inh-caps=-all"
		$without mnt/v1 --has-p=cap_net_bind_service && echo honoured
		$without mnt/short --has-p=cap_net_bind_service || echo refused
		umount mnt`)
	if strings.Contains(r.Err, "failed to setup loop") || strings.Contains(r.Err, "mount:") {
		testenv.Need(t, "loop mounts", false, r.Err)
	}
	if r.Code != 0 || strings.Count(r.Out, "UNKNOWN: the kernel does not show the file capabilities") != 3 ||
		strings.Count(r.Out, `"honoured":null`) != 3 || !strings.HasSuffix(r.Out, "unknown\nhonoured\nrefused\n") {
		t.Errorf("exit status %d, %s%s", r.Code, r.Out, r.Err)
	}
}

// TestFileLarge: a large folder, and one that is so deep that its paths are
// longer than the kernel takes, and so broad that more folders are in use than
// may be open.
func TestFileLarge(t *testing.T) {
	testenv.Root(t)
	root := t.TempDir()
	large := filepath.Join(root, "large")
	must(t, os.Mkdir(large, 0o755))
	for i := range 20000 {
		fd, err := unix.Open(fmt.Sprintf("%s/%d", large, i), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o755)
		must(t, err)
		must(t, unix.Close(fd))
	}
	must(t, unix.Chmod(large+"/12345", 0o4755))

	const depth, name = 1200, "deep"
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	for range depth {
		must(t, unix.Mkdirat(dir, name, 0o755))
		must(t, unix.Mkdirat(dir, "beside", 0o755))
		next, err := unix.Openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		unix.Close(dir)
		dir = next
	}
	fd, err := unix.Openat(dir, "su", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o755)
	must(t, err)
	must(t, unix.Fchmod(fd, 0o4755))
	unix.Close(fd)
	unix.Close(dir)
	deep := root + strings.Repeat("/"+name, depth) + "/su"

	cmd := exec.Command(testenv.Tool(t, "prlimit"), "--nofile=300:300", program(t), "file", "--json", "-r", root)
	res := testenv.Run(t, cmd)
	if res.Code != 0 || res.Err != "" {
		t.Fatalf("exit status %d, %.200q", res.Code, res.Err)
	}
	got := paths(decodeGrants(t, res.Out), isSetid)
	if want := []string{deep, large + "/12345"}; !slices.Equal(got, want) {
		t.Errorf("%d files, of %d: %.200q", len(got), len(want), got)
	}
}

// TestFileUnreadable: what may not be read is said, and the rest is there.
func TestFileUnreadable(t *testing.T) {
	testenv.Root(t)
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755))
	must(t, os.Chmod(filepath.Dir(root), 0o755))
	for _, dir := range []string{"closed", "open", "blind"} {
		must(t, os.Mkdir(filepath.Join(root, dir), 0o755))
		must(t, os.WriteFile(filepath.Join(root, dir, "su"), nil, 0o755))
		must(t, unix.Chmod(filepath.Join(root, dir, "su"), 0o4711))
	}
	must(t, os.Chmod(filepath.Join(root, "closed"), 0o700))
	must(t, os.Chmod(filepath.Join(root, "blind"), 0o744)) // names, and no more
	cmd := exec.Command(program(t), "file", "-r", root, root+"/none", root+"/open/su")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	r := testenv.Run(t, cmd)
	if r.Code != 1 || strings.Count(r.Out, root+"/open/su  setuid root\n") != 2 || strings.Count(r.Out, "\n") != 2 {
		t.Errorf("exit status %d, %q", r.Code, r.Out)
	}
	for _, line := range []string{"/closed: permission denied", "/blind/su: permission denied", "/none: no such file or directory"} {
		if !strings.Contains(r.Err, root+line+"\n") {
			t.Errorf("stderr lacks %q: %q", line, r.Err)
		}
	}
	if strings.Count(r.Err, "capsh: file: ") != 3 || strings.Count(r.Err, "\n") != 3 {
		t.Errorf("stderr: %q", r.Err)
	}
}

// TestFileNotUTF8: a name of any bytes is shown in plain text and valid JSON.
func TestFileNotUTF8(t *testing.T) {
	path := filepath.Join(t.TempDir(), "\xff\x80")
	must(t, os.WriteFile(path, nil, 0o755))
	if r := capsh(t, "file", path); r.Code != 0 || !strings.HasSuffix(r.Out, `/\xff\x80  nothing`+"\n") {
		t.Errorf("exit status %d, %q", r.Code, r.Out)
	}
	if list := grantsOf(t, 0, path); !strings.HasSuffix(list[0].Path, "/\ufffd\ufffd") {
		t.Errorf("%q", list[0].Path)
	}
}

// TestFileOne: what is said of one file.
func TestFileOne(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string, mode uint32) {
		must(t, os.WriteFile(at(name), []byte(content), 0o755))
		must(t, unix.Chmod(at(name), mode))
	}
	write("plain", "\x7fELF", 0o755)
	write("script", "#!/bin/sh\n", 0o6755)
	write("dead", "\x7fELF", 0o4644)
	write("halfdead", "\x7fELF", 0o2744)
	write("empty", "\x7fELF", 0o755)
	setCaps(t, at("empty"), filecap.Caps{Version: 2})
	must(t, os.Symlink("dead", at("link")))
	for name, want := range map[string]string{
		"plain":    "nothing",
		"script":   "setuid root; setgid root  IGNORED: a script, whose interpreter decides",
		"dead":     "setuid root  IGNORED: no one may execute it",
		"link":     "setuid root  IGNORED: no one may execute it",
		"halfdead": "setgid root  IGNORED: setgid without execute permission for the group",
		"empty":    "=",
	} {
		if r := capsh(t, "file", at(name)); r.Code != 0 || r.Out != at(name)+"  "+want+"\n" {
			t.Errorf("%s: exit status %d, %q, want %q", name, r.Code, r.Out, want)
		}
	}
	for _, test := range []struct {
		args []string
		code int
		err  string
	}{
		{nil, 2, "needs a PATH"},
		{[]string{"-x", dir}, 2, "--one-file-system requires"},
		{[]string{"--proc=/nonexistent", dir}, 2, "--proc: has no meaning for files"},
		{[]string{"--proc=/proc", dir}, 2, "--proc: has no meaning for files"},
		{[]string{"--recursiv", dir}, 2, "did you mean --recursive?"},
		{[]string{dir}, 1, dir + ": is a directory; -r looks in it"},
		{[]string{"/dev/null"}, 1, "/dev/null: not a regular file: invalid argument"},
		{[]string{""}, 2, "needs a PATH"},
		{[]string{"new\nline"}, 1, `new\nline: no such file`},
	} {
		r := capsh(t, append([]string{"file"}, test.args...)...)
		if r.Code != test.code || r.Out != "" || !strings.Contains(r.Err, test.err) || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("%q: exit status %d, %q", test.args, r.Code, r.Err)
		}
	}
}
