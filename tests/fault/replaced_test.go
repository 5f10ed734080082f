package fault

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// exchange swaps two paths in one step, as an attacker would.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// exits is a program for amd64 that exits with a status: an ELF header, one
// segment of the whole file, and "mov edi, status; mov eax, SYS_exit; syscall".
func exits(status byte) string {
	const base, headers = 0x400000, 64 + 56
	code := []byte{0xbf, status, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05}
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	size := uint64(headers + len(code))
	for _, v := range []any{
		uint16(2), uint16(62), uint32(1), uint64(base + headers), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000),
	} {
		binary.Write(&b, binary.LittleEndian, v)
	}
	b.Write(code)
	return b.String()
}

// twoCommands makes the directories good and bad below a directory, each with a
// command. That in good exits with 0. That in bad exits with another status, and
// has a file capability that clears the ambient set: with --keep capset starts it
// only if it has not examined it.
func twoCommands(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, status := range map[string]byte{"good": 0, "bad": 7} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, dir+"/"+name+"/true", exits(status), 0o755)
		write(t, dir+"/"+name+"/script", "#!true\n", 0o755)
	}
	out, err := exec.Command(testenv.Tool(t, "setcap"), "cap_net_raw=p", dir+"/bad/true").CombinedOutput()
	testenv.Need(t, "file capabilities", err == nil, string(out))
	return dir
}

// swapAtEvery runs capset once for each call before the execve, and swaps at the
// entry of that call, but for those of prctl. The bad command must not be started, and the good one only
// where its path still leads to it.
func swapAtEvery(t *testing.T, p program, swap func() error) {
	t.Helper()
	clean := trace(t, p, nil)
	if !clean.started || clean.code != 0 {
		t.Fatalf("without a swap: started %v, exit status %d, stderr %q", clean.started, clean.code, clean.err)
	}
	refusals := 0
	for i := range clean.calls {
		c := &clean.calls[i]
		if c.NR == unix.SYS_EXECVE {
			t.Logf("%d refusals", refusals)
			return
		}
		if c.NR == unix.SYS_PRCTL { // they are most calls, and look at no file
			continue
		}
		swapped := p
		swapped.before = func(now *call) error {
			if now.Index == i {
				return swap()
			}
			return nil
		}
		r := trace(t, swapped, nil)
		refused := !r.started && r.code == 125 && strings.Count(r.err, "\n") == 1
		if refused {
			refusals++
		}
		if !refused && !(r.started && r.code == 0) {
			t.Errorf("swapped at call %v: started %v, exit status %d, stderr %q", c, r.started, r.code, r.err)
		}
		if err := swap(); err != nil { // back
			t.Fatal(err)
		}
	}
	t.Fatal("no execve")
}

// TestReplaced: between the look at a command and its execve the file, its
// interpreter or its directory is replaced.
func TestReplaced(t *testing.T) {
	capset := build(t, "capset")
	dir := twoCommands(t)
	t.Chdir(dir) // relative paths begin here
	file := func() error { return exchange(dir+"/good/true", dir+"/bad/true") }
	directory := func() error { return exchange(dir+"/good", dir+"/bad") }
	for name, c := range map[string]struct {
		swap func() error
		args []string
	}{
		"file":                  {file, []string{dir + "/good/true"}},
		"found in PATH":         {file, []string{"--env=PATH=" + dir + "/good", "true"}},
		"interpreter":           {file, []string{"--chdir=good", "./script"}},
		"directory of the file": {directory, []string{"good/true"}},
		"chdir":                 {directory, []string{"--chdir=good", "./true"}},
		"chdir and procfs":      {directory, []string{"--chdir=good", "/proc/self/cwd/true"}},
		"chroot":                {directory, []string{"--chroot=good", "/true"}},
		"chroot and chdir":      {directory, []string{"--chroot=.", "--chdir=good", "./true"}},
	} {
		t.Run(name, func(t *testing.T) {
			argv := append([]string{capset, "--quiet", "--keep=kill", "--user=1000:1000"}, c.args...)
			swapAtEvery(t, program{argv: argv, env: environ}, c.swap)
		})
	}
}

// TestDirectoryReplaced: the directory that the command starts in, and the root
// directory, are the ones in which all was looked up, also where the command is
// not in them.
func TestDirectoryReplaced(t *testing.T) {
	capset := build(t, "capset")
	dir := twoCommands(t)
	for name, c := range map[string]struct {
		nr   uint64
		args []string
		why  string
	}{
		"chdir": {unix.SYS_CHDIR, []string{"--chdir=" + dir + "/good", "/bin/true"},
			"the working directory is not the directory that " + dir + "/good was"},
		"chroot": {unix.SYS_CHROOT, []string{"--chroot=" + dir + "/good", "--allow-mismatch", "/true"},
			"the root directory is not the directory that " + dir + "/good was"},
	} {
		p := program{argv: append([]string{capset, "--quiet"}, c.args...), env: environ}
		p.before = func(now *call) error {
			if now.NR == c.nr && now.Path != "/" {
				return exchange(dir+"/good", dir+"/bad")
			}
			return nil
		}
		r := trace(t, p, nil)
		if r.started || r.code != 125 || !strings.Contains(r.err, c.why) {
			t.Errorf("%s: started %v, exit status %d, stderr %q", name, r.started, r.code, r.err)
		}
	}
}
