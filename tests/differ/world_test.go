package differ

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// A side is one of the two programs with all that belongs to it: copies with
// file capabilities and setuid, and a directory to chroot to.
type side struct {
	dir string
	// terminal gives the program a terminal as stdout. libcap's capsh loses
	// what it printed at an exec when stdout is a pipe; on a terminal it
	// writes line by line, and so shows what it meant.
	terminal bool
}

// A world is a directory with both sides and the stage.
type world struct {
	dir, stage   string
	ours, theirs *side
	known        []*difference
	cache        sync.Map // by state and arguments: what theirs does
	libcap       string   // the version of the installed libcap, "2.66"
}

// result is what a run left behind.
type result struct {
	out, errs string
	code      int // the exit status, 128 + the signal, or timedOut
}

const (
	timedOut    = 999
	stageFailed = 99 // as stage.c has it
)

var shared struct {
	once sync.Once
	w    *world
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.w != nil {
		os.RemoveAll(shared.w.dir)
	}
	testenv.CleanBuilt()
	os.Exit(code)
}

// theWorld is the one world of this process. DIFFER_OURS and DIFFER_PEER name
// other programs to be compared.
func theWorld(t *testing.T) *world {
	t.Helper()
	testenv.Root(t)
	peer := os.Getenv("DIFFER_PEER")
	if peer == "" {
		peer = testenv.Tool(t, "/usr/sbin/capsh")
	}
	shared.once.Do(func() {
		ours := os.Getenv("DIFFER_OURS")
		if ours == "" {
			ours = testenv.Build(t, "capsh")
		}
		shared.w = newWorld(t, ours, peer)
	})
	if shared.w == nil {
		t.Fatal("no world: see the first test that failed")
	}
	return shared.w
}

func newWorld(t *testing.T, ours, theirs string) *world {
	dir, err := os.MkdirTemp("", "differ-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, stage: filepath.Join(dir, "stage"), known: differences()}
	must(t, os.Chmod(dir, 0o755))
	testenv.CompileC(t, "testdata/stage.c", w.stage)
	libs := libraries(t, theirs)
	for _, lib := range libs {
		if strings.HasPrefix(filepath.Base(lib), "libcap.so") {
			real, err := filepath.EvalSymlinks(lib)
			must(t, err)
			w.libcap = strings.TrimPrefix(filepath.Base(real), "libcap.so.")
		}
	}
	w.ours = newSide(t, filepath.Join(dir, "ours"), ours, w.stage, libraries(t, ours))
	w.theirs = newSide(t, filepath.Join(dir, "them"), theirs, w.stage, libs)
	w.ours.terminal = os.Getenv("DIFFER_TERMINAL") != ""
	w.theirs.terminal = true
	return w
}

// libraries are the paths that ldd names; none for a static program.
func libraries(t *testing.T, program string) (paths []string) {
	out, _ := exec.Command(testenv.Tool(t, "ldd"), program).Output()
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			paths = append(paths, word)
		}
	}
	return paths
}

// allPermitted is a security.capability value: every capability permitted,
// none effective (VFS_CAP_REVISION_2 without VFS_CAP_FLAGS_EFFECTIVE).
var allPermitted = []byte{0, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0, 0, 0}

func newSide(t *testing.T, dir, program, stage string, libs []string) *side {
	s := &side{dir: dir}
	copyFile(t, program, filepath.Join(dir, "capsh"))
	copyFile(t, program, filepath.Join(dir, "setuid/capsh"))
	must(t, os.Chmod(filepath.Join(dir, "setuid/capsh"), 0o755|os.ModeSetuid))
	copyFile(t, program, filepath.Join(dir, "permitted/capsh"))
	must(t, unix.Setxattr(filepath.Join(dir, "permitted/capsh"), "security.capability", allPermitted, 0))
	copyFile(t, program, filepath.Join(dir, "root/bin/capsh"))
	copyFile(t, stage, filepath.Join(dir, "root/stage"))
	copyFile(t, stage, filepath.Join(dir, "root/bin/sh"))
	for _, lib := range libs {
		copyFile(t, lib, filepath.Join(dir, "root", lib))
	}
	return s
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, data, 0o755))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// command is what starts the program in the state. In the arguments @STAGE@ is
// the stage, @SIDE@ the side's directory, @ROOT@ the directory to chroot to.
func (w *world) command(ctx context.Context, s *side, st *state, argv []string) *exec.Cmd {
	place := strings.NewReplacer("@STAGE@", w.stage, "@SIDE@", s.dir, "@ROOT@", s.dir+"/root")
	args := append([]string{"run"}, st.ops...)
	args = append(args, "--", filepath.Join(s.dir, st.program()), "capsh")
	for _, a := range argv {
		args = append(args, place.Replace(a))
	}
	cmd := exec.CommandContext(ctx, w.stage, args...)
	cmd.Dir = "/"
	for _, e := range st.environ() {
		cmd.Env = append(cmd.Env, place.Replace(e))
	}
	return cmd
}

// theirsCached is what libcap's capsh does, less what the table of known
// differences mends; the same question is asked often.
func (w *world) theirsCached(st *state, argv []string) result {
	key := st.name + "\x00" + strings.Join(st.env, "\x01") + "\x00" + strings.Join(argv, "\x00")
	if r, ok := w.cache.Load(key); ok {
		return r.(result)
	}
	r := w.run(w.theirs, st, argv)
	for _, d := range w.known {
		if d.mend != nil {
			out := d.mend(r.out)
			if out != r.out {
				d.used.Store(true)
			}
			r.out = out
		}
	}
	w.cache.Store(key, r)
	return r
}

// run runs one side's program; what it leaves behind is killed.
func (w *world) run(s *side, st *state, argv []string) result {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := w.command(ctx, s, st, argv)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	out, outWrite, err := stdout(s.terminal)
	if err != nil {
		return result{errs: "stdout: " + err.Error(), code: timedOut}
	}
	errs, errsWrite, err := stdout(false)
	if err != nil {
		return result{errs: "stderr: " + err.Error(), code: timedOut}
	}
	cmd.Stdout, cmd.Stderr = outWrite, errsWrite
	printed, said := readAll(out, s.dir), readAll(errs, s.dir)
	err = cmd.Run()
	if s.terminal {
		outWrite.WriteString(endMark)
		defer outWrite.Close() // not before all is read
	} else {
		outWrite.Close()
	}
	errsWrite.Close()
	if cmd.Process != nil {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // ESRCH: nothing is left
	}
	return result{out: <-printed, errs: <-said, code: exitCode(ctx, err)}
}

// endMark is written to a terminal when its program has ended: as its last writer
// goes, a terminal now and then loses what was not read yet.
const endMark = "\x00end\x00"

// readAll reads to the end, or the mark, and calls the side's directory @SIDE@.
func readAll(f *os.File, dir string) <-chan string {
	text := make(chan string, 1)
	go func() {
		var all []byte
		var err error
		for buf := make([]byte, 64<<10); err == nil && !bytes.HasSuffix(all, []byte(endMark)); {
			var n int
			n, err = f.Read(buf)
			all = append(all, buf[:n]...)
		}
		f.Close()
		text <- strings.ReplaceAll(strings.TrimSuffix(string(all), endMark), dir, "@SIDE@")
	}()
	return text
}

func exitCode(ctx context.Context, err error) int {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return timedOut
	case errors.As(err, &exit):
		if status := exit.Sys().(interface{ Signal() unix.Signal }); exit.ExitCode() < 0 {
			return 128 + int(status.Signal())
		}
		return exit.ExitCode()
	case err != nil:
		return timedOut
	}
	return 0
}
