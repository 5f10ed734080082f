package kernel

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// landlockNames are setpriv's words for the kernel's rights, in the order of their
// bits, as far as the version of the interface here has them.
var landlockNames = map[string][]string{
	"fs": {"execute", "write-file", "read-file", "read-dir", "remove-dir", "remove-file", "make-char", "make-dir",
		"make-reg", "make-sock", "make-fifo", "make-block", "make-sym", "refer", "truncate", "ioctl-dev"},
	"net":   {"bind-tcp", "connect-tcp"},
	"scope": {"abstract-unix-socket", "signal"},
}

// TestLandlock: with random rules a command may do what it may where a small C
// program set the same rules, by the kernel's numbers.
func TestLandlock(t *testing.T) {
	testenv.Root(t)
	const version = 1
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	testenv.Need(t, "Landlock ABI 6", errno == 0 && abi >= 6, fmt.Sprintf("ABI %d, %v", abi, errno))
	capset := testenv.Build(t, "capset")
	judge := filepath.Join(t.TempDir(), "judge")
	testenv.CompileC(t, "testdata/landlock.c", judge)
	listener, err := net.Listen("unix", "@landlock-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	denied := 0
	for n := range 200 {
		set := randomRules(r, judge)
		probe := []string{judge, "probe", "40443", "40080", strconv.Itoa(os.Getpid())}
		want := verdict(t, judge, append(append([]string{capset, "-q", "--", judge, "rules"}, set.numbers...), append([]string{"--"}, probe...)...))
		got := verdict(t, judge, append(append([]string{capset, "-q"}, set.words...), append([]string{"--"}, probe...)...))
		if got != want {
			t.Errorf("seed %d, set %d, %q:\n%s\nwant\n%s", seed, n, set.words, got, want)
		}
		denied += strings.Count(want, fmt.Sprintf(" %d\n", unix.EACCES))
	}
	if denied < 1000 {
		t.Errorf("only %d denials in all", denied)
	}
	t.Logf("seed %d, %d denials", seed, denied)
}

// ruleSet is a set of rules in capset's words and in the kernel's numbers.
type ruleSet struct{ words, numbers []string }

func randomRules(r *rand.Rand, judge string) (s ruleSet) {
	masks := map[string]uint64{}
	for _, kind := range []string{"fs", "net", "scope"} {
		if names, mask := some(r, landlockNames[kind], ^uint64(0)); mask != 0 && r.IntN(4) > 0 {
			masks[kind] = mask
			s.words = append(s.words, "--landlock-access="+kind+":"+names)
		}
	}
	if len(masks) == 0 {
		masks["scope"] = 2
		s.words = append(s.words, "--landlock-access=scope:signal")
	}
	for _, kind := range []string{"fs", "net", "scope"} {
		s.numbers = append(s.numbers, strconv.FormatUint(masks[kind], 10))
	}
	add := func(word, kind, names string, mask uint64, object string) {
		s.words = append(s.words, "--landlock-rule="+word+":"+names+":"+object)
		s.numbers = append(s.numbers, kind, strconv.FormatUint(mask, 10), object)
	}
	for _, i := range []int{0, 2} { // to execute and to read, or the probe could not run
		if masks["fs"]>>i&1 != 0 {
			add("path-beneath", "path", landlockNames["fs"][i], 1<<i, judge)
		}
	}
	for range r.IntN(4) {
		object := []string{"a", "a/b", "c", "a/file", "."}[r.IntN(5)]
		handled := masks["fs"]
		if object == "a/file" {
			handled &= 1<<0 | 1<<1 | 1<<2 | 1<<14 | 1<<15
		}
		if names, mask := some(r, landlockNames["fs"], handled); mask != 0 {
			add("path-beneath", "path", names, mask, object)
		}
	}
	for range r.IntN(3) {
		if names, mask := some(r, landlockNames["net"], masks["net"]); mask != 0 {
			add("net-port", "port", names, mask, []string{"40443", "40080"}[r.IntN(2)])
		}
	}
	return s
}

// some are names out of a list, among those of a mask.
func some(r *rand.Rand, names []string, among uint64) (list string, mask uint64) {
	var words []string
	for i, name := range names {
		if among>>i&1 != 0 && r.IntN(2) == 0 {
			words, mask = append(words, name), mask|1<<i
		}
	}
	return strings.Join(words, ","), mask
}

// verdict is what a command prints in a fresh directory.
func verdict(t *testing.T, judge string, argv []string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"a", "a/b", "c"} {
		if err := os.MkdirAll(filepath.Join(dir, sub, "gonedir"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"file", "gone", "moves"} {
			if err := os.WriteFile(filepath.Join(dir, sub, name), []byte("text"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(judge, filepath.Join(dir, sub, "true")); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	got := testenv.Run(t, cmd)
	if got.Code != 0 || got.Out == "" {
		t.Fatalf("%q: %+v", argv, got)
	}
	return got.Out
}
