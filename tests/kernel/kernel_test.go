package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

var (
	casesFlag = flag.Int("cases", 3000, "how many random cases to run (or KERNEL_CASES)")
	seedFlag  = flag.Uint64("seed", 0, "seed of the cases; 0: another each time")
	caseFlag  = flag.String("case", "", "run one case only, SEED:INDEX as a failure prints it")
)

// inside says that this process has a mount namespace of its own.
const inside = "KERNEL_TEST_INSIDE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case roleEnd:
		reportEnd()
		return
	case roleStop:
		reportEnd()
		stop()
		return
	case roleStart:
		runStart()
		return
	case roleProbe:
		runProbe()
		return
	case rolePeer:
		runPeer()
		return
	}
	flag.Parse()
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	os.Exit(runInside())
}

// runInside runs the test again in a mount namespace, where its mounts vanish
// with it, however it ends.
func runInside() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	runtime.LockOSThread() // the death signal is about this thread
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "tests/kernel: mount namespace:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// TestPredict runs random cases against the kernel. A failure prints how to
// run that one case again.
func TestPredict(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	world, err := newWorld(dir)
	t.Cleanup(world.leave)
	testenv.Need(t, "tmpfs with file capabilities", err == nil, fmt.Sprint(err))

	seed, first, count := whichCases(t, uint64(*casesFlag))
	t.Logf("seed %d, %d cases", seed, count)
	tally := runAll(t, world, seed, first, count)
	t.Logf("%d ran, %d refused", tally.ran.Load(), tally.refused.Load())
	if *caseFlag == "" && count >= 1000 && (tally.ran.Load() == 0 || tally.refused.Load() == 0) {
		t.Error("no case of one kind: the cases prove nothing")
	}
}

// whichCases are those that the flags and KERNEL_CASES ask for: count from number
// first on, of a seed.
func whichCases(t *testing.T, usual uint64) (seed, first, count uint64) {
	t.Helper()
	seed, count = *seedFlag, usual
	if env := os.Getenv("KERNEL_CASES"); env != "" {
		var err error
		if count, err = strconv.ParseUint(env, 10, 64); err != nil {
			t.Fatalf("KERNEL_CASES: %v", err)
		}
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if *caseFlag != "" {
		if _, err := fmt.Sscanf(*caseFlag, "%d:%d", &seed, &first); err != nil {
			t.Fatalf("-case=%s: %v", *caseFlag, err)
		}
		count = 1
	}
	return seed, first, count
}

type tally struct{ ran, refused, failed atomic.Int64 }

// runAll shares the cases among workers, each with a file of its own.
func runAll(t *testing.T, w world, seed, first, count uint64) *tally {
	var next atomic.Uint64
	var wg sync.WaitGroup
	var sum tally
	for i := range min(uint64(runtime.NumCPU()), count) {
		wg.Go(func() {
			runtime.LockOSThread() // a tracer is a thread
			s, err := w.slot(fmt.Sprint("slot", i))
			if err != nil {
				t.Error(err)
				return
			}
			for sum.failed.Load() < 10 {
				n := next.Add(1) - 1
				if n >= count {
					return
				}
				index := first + n
				if err := runCase(s, makeCase(seed, index), &sum); err != nil {
					sum.failed.Add(1)
					t.Errorf("case %d: %v\nagain: go test ./tests/kernel -run TestPredict -case=%d:%d", index, err, seed, index)
				}
			}
		})
	}
	wg.Wait()
	return &sum
}

// runCase is one exec: what is predicted, what happens, the difference.
func runCase(s *slot, c testCase, sum *tally) error {
	path, err := s.place(c.File)
	if err != nil {
		return err
	}
	said, err := s.run(path, c.Start)
	if err != nil {
		return fmt.Errorf("%w\ncase: %#v", err, c)
	}
	file := *said.File
	if file.UnsureOwner { // from inside that cannot be known, but it was placed from outside
		ids := namespaces[c.Start.Namespace].Map
		_, uid := cred.Inside(ids, c.File.UID)
		_, gid := cred.Inside(ids, c.File.GID)
		file.UnsureOwner, file.Unmapped = false, !uid || !gid
	}
	want, predictErr := execve.Predict(said.Before, &file)
	describe := func(format string, args ...any) error {
		var rules []string
		for r := range want.Rules.All() {
			rules = append(rules, r.String())
		}
		return fmt.Errorf(format+"\nnamespace: %s\nbefore: %#v\nfile: %#v\nplaced: %#v\nrules:\n  %s", append(args,
			namespaces[c.Start.Namespace].Name, *said.Before, *said.File, c.File, strings.Join(rules, "\n  "))...)
	}
	switch {
	case said.Errno != 0:
		sum.refused.Add(1)
		if said.Errno != unix.EPERM || !errors.Is(predictErr, execve.ErrRefused) {
			return describe("execve: %v, predicted: %v", said.Errno, predictErr)
		}
		return nil
	case predictErr != nil:
		return describe("execve succeeded, predicted: %v", predictErr)
	}
	sum.ran.Add(1)
	if !reflect.DeepEqual(want.After, *said.After) || want.Secure != said.Secure {
		return describe("predicted: %#v secure=%v\ngot:       %#v secure=%v", want.After, want.Secure, *said.After, said.Secure)
	}
	return nil
}

// world is a file system that knows file capabilities, mounted twice, once with
// nosuid.
type world struct{ suid, nosuid string }

func newWorld(dir string) (world, error) {
	w := world{suid: filepath.Join(dir, "suid"), nosuid: filepath.Join(dir, "nosuid")}
	// The way down must be open to every user.
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			return w, err
		}
	}
	if err := errors.Join(os.Mkdir(w.suid, 0o755), os.Mkdir(w.nosuid, 0o755)); err != nil {
		return w, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return w, fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("tmpfs", w.suid, "tmpfs", 0, "mode=0755"); err != nil {
		return w, fmt.Errorf("tmpfs: %w", err)
	}
	if err := unix.Mount(w.suid, w.nosuid, "", unix.MS_BIND, ""); err != nil {
		return w, fmt.Errorf("bind mount: %w", err)
	}
	err := unix.Mount("", w.nosuid, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_NOSUID, "")
	return w, err
}

// leave lets the directory be removed; a mount that never was is no matter.
func (w world) leave() {
	unix.Unmount(w.nosuid, unix.MNT_DETACH)
	unix.Unmount(w.suid, unix.MNT_DETACH)
}

// slot is where one worker puts its files: a program and a chain of scripts
// that leads to it, under both mounts.
type slot struct {
	world
	name string
	env  []string
}

func (w world) slot(name string) (*slot, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	s := &slot{world: w, name: name}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "GO") { // GOCOVERDIR and the like
			s.env = append(s.env, e)
		}
	}
	return s, errors.Join(
		os.Mkdir(filepath.Join(w.suid, name), 0o755),
		os.WriteFile(filepath.Join(w.suid, name, "program"), self, 0o755))
}

// place gives the slot's files the privileges of f and returns what to exec.
func (s *slot) place(f file) (string, error) {
	top := s.suid
	if f.NoSuid {
		top = s.nosuid
	}
	dir := filepath.Join(top, s.name)
	path := filepath.Join(dir, "program")
	if err := f.bless(path); err != nil {
		return "", err
	}
	for i := range f.Scripts {
		script := filepath.Join(dir, fmt.Sprint("script", i))
		if err := os.WriteFile(script, []byte("#! "+path+" -x\n"), 0o755); err != nil {
			return "", err
		}
		path = script
	}
	if f.Scripts > 0 && f.OnScript {
		return path, f.bless(path)
	}
	if f.Scripts > 0 {
		return path, file{Mode: 0o755}.bless(path)
	}
	return path, nil
}

// bless sets owner, mode and file capabilities, in the order in which none
// undoes another.
func (f file) bless(path string) error {
	if err := os.Chown(path, int(f.UID), int(f.GID)); err != nil {
		return err
	}
	if err := unix.Chmod(path, f.Mode); err != nil {
		return fmt.Errorf("chmod %s: %w", path, err)
	}
	if !f.HasCaps {
		if err := unix.Removexattr(path, "security.capability"); err != nil && err != unix.ENODATA {
			return fmt.Errorf("removexattr %s: %w", path, err)
		}
		return nil
	}
	value, err := f.Caps.Encode()
	if err != nil {
		return err
	}
	if err := unix.Setxattr(path, "security.capability", value, 0); err != nil {
		return fmt.Errorf("setxattr %s %x: %w", path, value, err)
	}
	return nil
}

// run starts a process with the given state that execs path, and returns what
// it said before and after.
func (s *slot) run(path string, state start) (message, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return message{}, err
	}
	defer r.Close()
	spec, err := json.Marshal(state)
	if err != nil {
		return message{}, err
	}
	program := filepath.Join(s.suid, s.name, "program")
	pid, err := syscall.ForkExec("/proc/self/exe", []string{program, path, string(spec)}, &syscall.ProcAttr{
		Env:   append(s.env, roleVar+"="+roleStart),
		Files: []uintptr{2, w.Fd(), 2},
		Sys:   attributes(namespaces[state.Namespace]),
	})
	w.Close()
	if err != nil {
		return message{}, fmt.Errorf("start: %w", err)
	}
	if err := wait(pid); err != nil {
		return message{}, err
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		return message{}, err
	}
	return readMessages(out.Bytes())
}

// readMessages merges the one or two lines of a run.
func readMessages(text []byte) (m message, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for d.More() {
		if err := d.Decode(&m); err != nil {
			return m, fmt.Errorf("%w in %q", err, text)
		}
	}
	if m.Failed != "" {
		return m, errors.New(m.Failed)
	}
	if m.Before == nil || (m.After == nil) == (m.Errno == 0) {
		return m, fmt.Errorf("the processes said only %q", text)
	}
	return m, nil
}

// wait waits for a child of this thread, and lets it go on where it is traced.
func wait(pid int) error {
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err == syscall.EINTR {
			continue
		} else if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		switch {
		case status.Exited() && status.ExitStatus() == 0:
			return nil
		case !status.Stopped():
			return fmt.Errorf("the process ended with %#x", status)
		}
		sig := status.StopSignal()
		if sig == syscall.SIGTRAP { // the exec
			sig = 0
		}
		if err := syscall.PtraceCont(pid, int(sig)); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("ptrace: %w", err)
		}
	}
}

func attributes(n namespace) *syscall.SysProcAttr {
	if n.Map == nil {
		return &syscall.SysProcAttr{}
	}
	a := newUserNamespace()
	a.GidMappingsEnableSetgroups = true
	a.UidMappings, a.GidMappings = mappings(n.Map), mappings(n.Map)
	return a
}

// newUserNamespace has a process start with all capabilities in a new one.
func newUserNamespace() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	// Root of the host may be no one in there and lose at the exec what the
	// new namespace gave; ambient capabilities stay.
	kernel, err := self.ReadKernel()
	if err != nil {
		panic(err)
	}
	for c := range kernel.Bits {
		a.AmbientCaps = append(a.AmbientCaps, uintptr(c))
	}
	return a
}

func mappings(list []cred.IDRange) (m []syscall.SysProcIDMap) {
	for _, r := range list {
		m = append(m, syscall.SysProcIDMap{ContainerID: int(r.Inside), HostID: int(r.Outside), Size: int(r.Count)})
	}
	return m
}
