package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

var launchFlag = flag.Int("launches", 2000, "how many random launches to run (or KERNEL_CASES)")

// roleLaunch takes the start state in os.Args[1] and execs the rest, which is
// capset with a command. It must not be mistaken for the test.
const roleLaunch = "launch"

func init() {
	if os.Getenv(roleVar) != roleLaunch {
		return
	}
	runtime.LockOSThread()
	var s start
	err := json.Unmarshal([]byte(os.Args[1]), &s)
	if err == nil {
		err = s.take()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
	stop()
	// A launcher with more file capabilities than may be is itself refused.
	err = unix.Exec(os.Args[2], os.Args[2:], []string{roleVar + "=" + roleStop, "PATH=/"})
	fmt.Fprintln(os.Stderr, "exec:", err)
	os.Exit(exitRefused)
}

// exitRefused is the status where capset itself could not be started.
const exitRefused = 99

// launch is one random call of capset.
type launch struct {
	testCase
	// Launcher is what privileges the file of capset has.
	Launcher file
	Options  []string
}

// has says that one of some options is given.
func (l *launch) has(names ...string) bool {
	return slices.ContainsFunc(l.Options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return slices.Contains(names, strings.TrimPrefix(name, "--"))
	})
}

// fromAll says that capset starts with all that there is.
func (l *launch) fromAll() bool {
	s := &l.Start
	return s.Origin.Initial && s.UID == cred.Same(0) && s.Bounding == all &&
		s.Securebits&^cred.KeepCaps == 0 && !s.NoNewPrivs && !l.Launcher.HasCaps
}

// kept is what the options say is to be kept, worked out in the plainest way.
func (l *launch) kept() (set caps.Set) {
	for _, o := range l.Options { // --from does not stand first, but counts first
		switch o {
		case "--from=docker":
			set = 0xa80425fb
		case "--from=podman":
			set = 0x800405fb
		}
	}
	for _, o := range l.Options {
		name, value, _ := strings.Cut(o, "=")
		list, _ := caps.ParseList(value, 0)
		switch name {
		case "--keep":
			set |= list
		case "--cap-drop":
			set &^= list
		}
	}
	return set
}

// judge says whether what the command got is what was asked for.
func (l *launch) judge(got *cred.State) error {
	if l.has("allow-mismatch", "bounding", "inheritable", "permitted", "ambient") || l.has("best-effort") && l.has("allow-new-privs") {
		return nil
	}
	asked := l.kept()
	if slices.Contains(l.Options, "--from=current") {
		return nil
	}
	if !l.has("best-effort") && (got.Effective != asked || got.Permitted != asked) || !asked.Contains(got.Permitted) {
		return fmt.Errorf("asked for %v", asked)
	}
	if !l.has("allow-new-privs") && !got.NoNewPrivs.Value {
		return errors.New("new privileges are allowed")
	}
	return nil
}

func makeLaunch(seed, index uint64) launch {
	l := launch{testCase: makeCase(seed, index)}
	r := random{rand.New(rand.NewPCG(seed, index+1<<40))}
	l.Start.SharedFS, l.Start.Traced = false, false // not what a launcher knows
	l.Start.Namespace, l.Start.Origin = 0, r.origin()
	l.Start.UID, l.Start.GID, l.Start.Groups = r.idsIn(l.Start.Origin)
	if !r.oneIn(8) { // it refuses other ids than its own
		l.Start.UID = cred.Same(l.Start.UID.Real)
		l.Start.GID = cred.Same(l.Start.GID.Real)
	}
	l.Launcher = file{Mode: 0o755}
	if r.oneIn(4) {
		l.Launcher.HasCaps = true
		l.Launcher.Caps = filecap.Caps{Permitted: r.set(), Inheritable: r.set(), Effective: r.oneIn(2), Version: 2}
	}
	l.Options = r.options()
	if r.oneIn(3) { // with all capabilities and about ids alone hardly a launch is refused
		l.Start.Sets = cred.Sets{Effective: all, Permitted: all, Inheritable: all, Bounding: all, Ambient: all}
		l.Start.Securebits, l.Start.NoNewPrivs = 0, false
		l.Start.UID, l.Start.GID = cred.Same(l.Start.UID.Real), cred.Same(l.Start.GID.Real)
		l.Launcher, l.File = file{Mode: 0o755}, file{Mode: 0o755}
		l.Options = append([]string{"--quiet"}, r.idOptions(1)...)
	}
	return l
}

func (r random) options() []string {
	list := []string{"--quiet"}
	add := func(oneIn int, option string, value func() string) {
		if r.oneIn(oneIn) {
			list = append(list, "--"+option+value())
		}
	}
	flag := func() string { return "" }
	of := func(words ...string) func() string { return func() string { return "=" + pick(r, words) } }
	capList := func() string { return "=" + r.list() }
	change := func() string {
		if r.oneIn(2) {
			return "=" + r.list()
		}
		return "=" + pick(r, []string{"-all", "+13", "-13", "-all,+net_raw", "-sys_admin,+setuid", "-7,-8"})
	}
	add(2, "keep", capList)
	add(5, "from", of("current", "docker", "podman", "none"))
	add(6, "cap-drop", capList)
	list = append(list, r.idOptions(3)...)
	add(8, "bounding", change)
	add(8, "inheritable", change)
	add(8, "permitted", change)
	add(8, "ambient", change)
	const keepCaps = 1 << 4 // which nobody can be asked for
	add(6, "securebits", func() string { return "=" + strconv.Itoa(r.IntN(256)&^keepCaps) })
	add(8, "lock", flag)
	add(3, "allow-new-privs", flag)
	add(2, "best-effort", flag)
	add(2, "allow-mismatch", flag)
	return list
}

// idOptions ask for a user once in so many launches, and for single ids.
func (r random) idOptions(oneIn int) (list []string) {
	add := func(oneIn int, option string, words ...string) {
		if r.oneIn(oneIn) {
			list = append(list, "--"+option+"="+pick(r, words))
		}
	}
	add(oneIn, "user", "1000:1000", "1001:1000", "0:0", "1000:1001", "5:5", ":1001", ":0", "65534:65534", "nobody")
	given := len(list)
	add(12, "ruid", "0", "1000")
	add(12, "euid", "0", "1000")
	add(12, "rgid", "1000", "65534")
	add(12, "egid", "0", "1001")
	if len(list) > given || r.oneIn(4) { // single ids ask for a word on the groups
		add(1, "groups", "none", "keep", "1000,1001", "0", "65534", "0,65534")
	}
	return list
}

// list is a list of capabilities, mostly few.
func (r random) list() string {
	set := r.set() & (1<<caps.Named - 1)
	if set == 0 {
		return "none"
	}
	return set.String()
}

// TestLaunch runs random launches twice: dry, and then really. What the dry run
// says the command will have is what it does have, and where it says that
// nothing will be started, nothing is.
func TestLaunch(t *testing.T) {
	testenv.Root(t)
	w, err := newWorld(t.TempDir())
	t.Cleanup(w.leave)
	testenv.Need(t, "tmpfs with file capabilities", err == nil, fmt.Sprint(err))
	capset, err := os.ReadFile(testenv.Build(t, "capset"))
	if err != nil {
		t.Fatal(err)
	}
	defer testenv.CleanBuilt()

	seed, first, count := whichCases(t, uint64(*launchFlag))
	t.Logf("seed %d, %d launches", seed, count)
	sum := launchAll(t, w, capset, seed, first, count)
	t.Logf("%d started, %d not", sum.ran.Load(), sum.refused.Load())
	if *caseFlag == "" && count >= 1000 && (sum.ran.Load() < int64(count)/10 || sum.refused.Load() == 0) {
		t.Error("hardly a launch of one kind: they prove nothing")
	}
}

func launchAll(t *testing.T, w world, capset []byte, seed, first, count uint64) *tally {
	var next atomic.Uint64
	var wg sync.WaitGroup
	var sum tally
	for i := range min(uint64(runtime.NumCPU()), count) {
		wg.Go(func() {
			runtime.LockOSThread()
			s, err := w.slot(fmt.Sprint("launch", i))
			if err == nil {
				err = os.WriteFile(filepath.Join(w.suid, s.name, "capset"), capset, 0o755)
			}
			if err != nil {
				t.Error(err)
				return
			}
			for sum.failed.Load() < 10 {
				n := next.Add(1) - 1
				if n >= count {
					return
				}
				if err := s.launch(makeLaunch(seed, first+n), &sum); err != nil {
					sum.failed.Add(1)
					t.Errorf("launch %d: %v\nagain: go test ./tests/kernel -run TestLaunch -case=%d:%d", n, err, seed, first+n)
				}
			}
		})
	}
	wg.Wait()
	return &sum
}

// launch is one dry run, one real run, and the difference.
func (s *slot) launch(l launch, sum *tally) error {
	path, err := s.place(l.File)
	if err != nil {
		return err
	}
	capset := filepath.Join(s.suid, s.name, "capset")
	if err := l.Launcher.bless(capset); err != nil {
		return err
	}
	argv := append([]string{capset}, l.Options...)
	dry, err := s.capset(l.Start, append(argv, "--dry-run", "--json", "--", path))
	if err != nil {
		return err
	}
	real, err := s.capset(l.Start, append(argv, "--", path))
	if err != nil {
		return err
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf(format+"\norigin: %+v\nlaunch: %+v\ndry:  %+v\nreal: %+v", append(args, *l.Start.Origin, l, dry, real)...)
	}
	if dry.status != 0 {
		sum.refused.Add(1)
		if dry.status != real.status || real.out != "" {
			return wrong("the dry run says %d", dry.status)
		}
		if l.fromAll() && strings.Contains(dry.err, "needs CAP_") {
			return wrong("nothing is lacking")
		}
		return nil
	}
	var p planned
	if err := json.Unmarshal([]byte(dry.out), &p); err != nil {
		return wrong("%v", err)
	}
	if p.After == nil && p.UnknownReason != "" && real.status == 0 && real.after != nil {
		// What is unknown from inside is started only with --allow-mismatch.
		if !l.has("allow-mismatch") {
			return wrong("it was started, and what it has is not known")
		}
		sum.ran.Add(1)
		return l.judgeIDs(real.before, real.after)
	}
	if p.After == nil {
		sum.refused.Add(1)
		if real.status != 126 || real.out != "" {
			return wrong("it should have been refused")
		}
		return nil
	}
	sum.ran.Add(1)
	var m message
	if real.status == 125 && real.out == "" && strings.Contains(real.err, "(the ids look the same, but") && !l.Start.Origin.Initial {
		return nil // which a dry run cannot know
	}
	if err := json.Unmarshal([]byte(real.out), &m); err != nil || m.After == nil || real.status != 0 || real.after == nil {
		return wrong("it was not started: %v", err)
	}
	slices.Sort(m.After.Groups) // the kernel sorts them by their ids in the initial namespace
	if want := p.After.state(); !reflect.DeepEqual(want, *m.After) {
		return wrong("planned %+v\ngot     %+v", want, *m.After)
	}
	if err := l.judge(m.After); err != nil {
		return wrong("%w, got %+v", err, *m.After)
	}
	if err := l.judgeIDs(real.before, real.after); err != nil {
		return wrong("seen from the initial namespace: %w\nbefore %+v\nafter  %+v", err, *real.before, *real.after)
	}
	return nil
}

// planned is what counts of a dry run's JSON.
type planned struct {
	Before any
	After  *plannedState
	// UnknownReason is why After is not known, empty where the kernel would refuse.
	UnknownReason string `json:"unknown_reason"`
}

type plannedState struct {
	testenv.Report
}

// state is the state in our own terms.
func (p *plannedState) state() cred.State {
	mask := func(text string) caps.Set {
		n, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			panic(err)
		}
		return caps.Set(n)
	}
	ids := func(i testenv.IDs) cred.IDs {
		return cred.IDs{Real: i.Real, Effective: i.Effective, Saved: i.Saved, FS: i.FS}
	}
	s := cred.State{
		Sets: cred.Sets{Effective: mask(p.Masks.Effective), Permitted: mask(p.Masks.Permitted),
			Inheritable: mask(p.Masks.Inheritable), Bounding: mask(p.Masks.Bounding), Ambient: mask(p.Masks.Ambient)},
		UID: ids(p.UID), GID: ids(p.GID), NoNewPrivs: cred.Is(*p.NoNewPrivs),
		Securebits: cred.Is(cred.Securebits(p.Securebits.Value)),
	}
	if len(p.Groups) > 0 {
		s.Groups = slices.Sorted(slices.Values(p.Groups))
	}
	return s
}

// result is what a run of capset left, and its ids as the initial namespace sees
// them: before capset, and of the command if it was started.
type result struct {
	status        int
	out, err      string
	before, after *hostIDs
}

// capset runs a program from a start state.
func (s *slot) capset(state start, argv []string) (result, error) {
	spec, err := json.Marshal(state)
	if err != nil {
		return result{}, err
	}
	program := filepath.Join(s.suid, s.name, "program")
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{program, string(spec)}, argv...)
	cmd.Env = append(s.env, roleVar+"="+roleOrigin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	r, w, err := os.Pipe()
	if err != nil {
		return result{}, err
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return result{}, err
	}
	var seen sightings
	decodeErr := json.NewDecoder(r).Decode(&seen)
	if err := errors.Join(cmd.Wait(), decodeErr); err != nil || seen.Before == nil {
		return result{}, fmt.Errorf("the start state could not be taken: %w: %+v, %q", err, seen, stderr.String())
	}
	return result{seen.Status, out.String(), stderr.String(), seen.Before, seen.After}, nil
}
