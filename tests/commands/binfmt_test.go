package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"
)

// formats is a user namespace with binfmt_misc of its own (Linux 6.7), where all
// ids are as outside.
type formats struct {
	t   *testing.T
	pid string
	// exec is a program that executes another, and holds then what capsh would.
	exec string
}

func newFormats(t *testing.T) formats {
	t.Helper()
	testenv.Root(t)
	testenv.Tool(t, "nsenter")
	testenv.Tool(t, "setpriv")
	const script = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && echo mounted && exec cat`
	cmd := exec.Command("sh", "-c", script)
	ids := []syscall.SysProcIDMap{{Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: ids, GidMappings: ids,
		GidMappingsEnableSetgroups: true}
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	said := make([]byte, 8)
	n, err := stdout.Read(said)
	testenv.Need(t, "binfmt_misc in a user namespace (Linux 6.7)", string(said[:n]) == "mounted\n", fmt.Sprint(err))
	f := formats{t, strconv.Itoa(cmd.Process.Pid), filepath.Join(openDir(t), "exec")}
	testenv.CompileC(t, "testdata/exec.c", f.exec)
	return f
}

// run runs a command as user 1000 in the namespace.
func (f formats) run(args ...string) testenv.Result {
	f.t.Helper()
	enter := []string{"-t", f.pid, "-U", "-m", "--", "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--"}
	return testenv.Run(f.t, exec.Command("nsenter", append(enter, args...)...))
}

// write writes to a file of binfmt_misc.
func (f formats) write(name, text string) {
	f.t.Helper()
	const script = `printf %s "$1" >/proc/sys/fs/binfmt_misc/$0`
	cmd := exec.Command("nsenter", "-t", f.pid, "-U", "-m", "--", "sh", "-c", script, name, text)
	if r := testenv.Run(f.t, cmd); r.Code != 0 {
		f.t.Fatalf("%s to %s: %s", text, name, r.Err)
	}
}

// becomes checks that the kernel makes of a file what capsh predicts, or that
// neither takes it. It returns the error of the prediction.
func (f formats) becomes(what, file string) (told string) {
	f.t.Helper()
	said := f.run(program(f.t), "predict", "--json", file)
	real := f.run(f.exec, file, "/proc/self/status")
	if said.Code != 0 {
		if !strings.HasPrefix(said.Err, "capsh: ") {
			f.t.Fatalf("%s: %q", what, said.Err)
		}
		if real.Code == 0 && !strings.Contains(said.Err, "unknown here") {
			f.t.Errorf("%s: refused, %q, but it runs", what, said.Err)
		}
		return said.Err
	}
	p := decodePrediction(f.t, said)
	_, status, found := strings.Cut(real.Out, "Name:\t")
	if !found {
		f.t.Errorf("%s: predicted, but %q, %q", what, real.Out, real.Err)
		return ""
	}
	if mine, kernel := p.After.credentials(testenv.SplitStatus(status)); mine != kernel {
		f.t.Errorf("%s:\npredicted %s\nkernel    %s\n%q", what, mine, kernel, p.Rules)
	}
	return ""
}

// openDir is a directory that every user may search.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "capsh-formats-") // /tmp is nosuid on some hosts
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// formatFiles makes interpreters, and files of several kinds that they can be for.
func formatFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = openDir(t)
	cat, err := os.ReadFile("/bin/cat")
	must(t, err)
	raw, kill := caps.NetRaw.Set(), caps.Kill.Set()
	for name, c := range map[string]struct {
		text string
		caps filecap.Caps
	}{
		"cat":       {string(cat), filecap.Caps{}},
		"cat-p":     {string(cat), filecap.Caps{Version: 2, Permitted: raw}},
		"cat-ep":    {string(cat), filecap.Caps{Version: 2, Permitted: raw, Effective: true}},
		"script":    {"#!" + dir + "/cat-p\n", filecap.Caps{}},
		"text":      {"neither\n", filecap.Caps{}},
		"of-text":   {"..MAGIC text", filecap.Caps{Version: 2, Permitted: kill}},
		"of-script": {"#!" + dir + "/cat\n", filecap.Caps{Version: 2, Permitted: kill, Effective: true}},
		"of.binary": {string(cat), filecap.Caps{Version: 2, Permitted: kill, Effective: true}},
	} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(c.text), 0o755))
		if c.caps.Version != 0 {
			setCaps(t, path, c.caps)
		}
	}
	return dir
}

// TestFormats: what binfmt_misc makes of a file is predicted, or not known.
func TestFormats(t *testing.T) {
	f, dir := newFormats(t), formatFiles(t)
	known := 0
	for file, kind := range map[string]string{
		"of-text":   `M:2:M\x41\xffIC:\xff\xff\x00\xff\xff`,
		"of-script": `M::#!:`,
		"of.binary": `E::binary:`,
	} {
		for _, interpreter := range []string{"cat", "cat-p", "cat-ep", "script", "text", "gone"} {
			for _, flags := range []string{"", "P", "O", "C", "F", "FC"} {
				if strings.Contains(flags, "F") && !strings.HasPrefix(interpreter, "cat") {
					continue // not registered, or not known to be no binary
				}
				f.write("register", ":one:"+kind+":"+filepath.Join(dir, interpreter)+":"+flags)
				told := f.becomes(file+" by "+interpreter+" with "+flags, filepath.Join(dir, file))
				if told == "" {
					known++
				}
				if (flags == "F") != strings.Contains(told, "which file binfmt_misc opened as "+filepath.Join(dir, interpreter)) {
					t.Errorf("%s by %s with flags %q: %q", file, interpreter, flags, told)
				}
				f.write("one", "-1")
			}
		}
	}
	if known < 30 {
		t.Errorf("%d outcomes compared: the test says little", known)
	}
}

// TestFormatsOrder: the last to be registered is the first to be asked; what is
// turned off is not.
func TestFormatsOrder(t *testing.T) {
	f, dir := newFormats(t), formatFiles(t)
	file := filepath.Join(dir, "of-text")
	chosen := func(want string) {
		t.Helper()
		if told := f.becomes(want, file); told != "" {
			t.Errorf("%s: %s", want, told)
		}
		p := decodePrediction(t, f.run(program(t), "predict", "--json", file))
		if len(p.Interpreters) != 1 || p.Interpreters[0] != filepath.Join(dir, want) {
			t.Errorf("interpreters %q, want %s", p.Interpreters, want)
		}
	}
	none := func(when string) {
		t.Helper()
		if told := f.becomes(when, file); !strings.Contains(told, "exec format error") {
			t.Errorf("%s: %q", when, told)
		}
	}
	none("nothing is registered")
	f.write("register", ":z:M:2:MAGIC::"+dir+"/cat:")
	chosen("cat")
	f.write("register", ":a:M:2:MAGIC::"+dir+"/cat-p:")
	chosen("cat-p")
	f.write("register", ":m:M:2:MAGIC::"+dir+"/cat-ep:")
	chosen("cat-ep")
	f.write("m", "0")
	chosen("cat-p")
	f.write("m", "1")
	f.write("status", "0")
	none("all is turned off")
	f.write("status", "1")
	chosen("cat-ep")
}

// TestFormatsFile: capsh file shows a file's privileges as honoured where an execve of
// it gives capabilities, by its path and in a walk.
func TestFormatsFile(t *testing.T) {
	f, dir := newFormats(t), formatFiles(t)
	text, err := os.ReadFile("/bin/cat")
	must(t, err)
	suid := filepath.Join(dir, "suid.binary")
	must(t, os.WriteFile(suid, text, 0o755))
	must(t, os.Chmod(suid, 0o755|os.ModeSetuid))
	const reason = "binfmt_misc runs it with an interpreter, which determines the result"
	gave := map[bool]int{}
	compare := func(file, flags string) {
		t.Helper()
		path := filepath.Join(dir, file)
		real := f.run(f.exec, path, "/proc/self/status")
		_, permitted, found := strings.Cut(real.Out, "CapPrm:\t")
		if real.Code != 0 || !found {
			t.Fatalf("%s with %q: %d, %q, %q", file, flags, real.Code, real.Out, real.Err)
		}
		gives := !strings.HasPrefix(permitted, "0000000000000000\n")
		gave[gives]++
		for _, r := range []testenv.Result{
			f.run(program(t), "file", "--json", path),
			f.run(program(t), "file", "--json", "-r", dir),
		} {
			line, ok := "", false
			for l := range strings.Lines(r.Out) {
				if strings.Contains(l, `"path":"`+path+`"`) {
					line, ok = l, true
				}
			}
			if !ok || strings.Contains(line, `"honoured":true`) != gives || strings.Contains(line, reason) != (flags == "" || flags == "O") {
				t.Errorf("%s with flags %q: the kernel gives capabilities: %t; shown %s%s", file, flags, gives, line, r.Err)
			}
		}
	}
	for file, kind := range map[string]string{
		"of-text":     `M:2:MAGIC:`,
		"of-script":   `M::#!:`,
		"of.binary":   `E::binary:`,
		"suid.binary": `E::binary:`,
	} {
		for _, flags := range []string{"", "O", "C"} {
			f.write("register", ":one:"+kind+":"+dir+"/cat:"+flags)
			compare(file, flags)
			f.write("one", "-1")
		}
		if file != "of-text" { // which nothing else runs
			compare(file, "none")
		}
	}
	if gave[true] != 6 || gave[false] != 9 {
		t.Errorf("gave capabilities, or not: %v", gave)
	}
}

// TestFormatsLaunch: capset judges the file that decides.
func TestFormatsLaunch(t *testing.T) {
	f, dir := newFormats(t), formatFiles(t)
	capset := []string{"nsenter", "-t", f.pid, "-U", "-m", "--", testenv.Build(t, "capset")}
	launch := func(args ...string) testenv.Result {
		return testenv.Run(t, exec.Command(capset[0], append(capset[1:], args...)...))
	}
	file := filepath.Join(dir, "of-text")
	for _, dry := range []string{"--dry-run", "-q"} {
		if r := launch(dry, "-k", "kill", file); r.Code != 126 || !strings.Contains(r.Err, "exec format error") {
			t.Errorf("nothing registered: %d, %q", r.Code, r.Err)
		}
	}
	f.write("register", ":one:M:2:MAGIC::"+dir+"/cat-ep:")
	want := dir + "/cat-ep (the interpreter of " + file + ") has cap_net_raw=ep, but capset drops cap_net_raw from the bounding set"
	if r := launch("-u", "1000:1000", "-k", "kill", file); r.Code != 125 || !strings.Contains(r.Err, want) {
		t.Errorf("an interpreter with file capabilities: %d, %q", r.Code, r.Err)
	}
	f.write("register", ":c:M:2:MAGIC::"+dir+"/cat:C")
	setCaps(t, file, filecap.Caps{Version: 2, Permitted: caps.Kill.Set(), Effective: true})
	want = "capset: " + file + " has cap_kill=ep, but capset drops cap_kill from the bounding set"
	if r := launch("-u", "1000:1000", "-k", "net_raw", file); r.Code != 125 || !strings.Contains(r.Err, want) {
		t.Errorf("a file that decides itself: %d, %q", r.Code, r.Err)
	}
	f.write("register", ":two:M:2:MAGIC::"+dir+"/cat:F")
	if r := launch("-u", "1000:1000", "-k", "kill", file); r.Code != 125 || !strings.Contains(r.Err, "unknown here") {
		t.Errorf("an interpreter that was opened before: %d, %q", r.Code, r.Err)
	}
	if r := launch("-q", "-u", "1000:1000", file); r.Code != 0 || !strings.Contains(r.Out, "MAGIC") {
		t.Errorf("nothing can be gained: %d, %q, %q", r.Code, r.Out, r.Err)
	}
}
