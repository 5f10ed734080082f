package caps

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// kernels are the numbers of capabilities that libcap is tested with; a kernel
// that tells none counts as 41.
var kernels = []int{0, 38, 41, 45, 64}

// kernelBits is what libcap's cap_max_bits finds on a kernel of kernels.
func kernelBits(kernel int) int {
	if kernel == 0 {
		return Named
	}
	return kernel
}

// oracle is libcap itself, see testdata/oracle.c.
type oracle struct {
	bits int // cap_max_bits
	in   io.WriteCloser
	out  *bufio.Reader
}

// needOracles starts libcap once for every kernel, in their order.
func needOracles(tb testing.TB) []*oracle {
	tb.Helper()
	oracles, err := startOracles(tb)
	testenv.Need(tb, "libcap and a C compiler (libcap-dev, gcc)", err == nil, fmt.Sprint(err))
	return oracles
}

// fuzzOracles is needOracles for fuzz targets, which have something to say
// without libcap too: there is none then.
func fuzzOracles(f *testing.F) []*oracle {
	if os.Getenv("REQUIRE_ALL") == "1" {
		return needOracles(f)
	}
	oracles, err := startOracles(f)
	if err != nil {
		f.Logf("fuzzing WITHOUT libcap as judge: %v", err)
	}
	return oracles
}

func startOracles(tb testing.TB) ([]*oracle, error) {
	exe := filepath.Join(tb.TempDir(), "oracle")
	out, err := exec.Command("gcc", "-O2", "-Wall", "-o", exe, "testdata/oracle.c", "-lcap").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gcc: %w: %s", err, out)
	}
	var oracles []*oracle
	for _, kernel := range kernels {
		o, err := startOracle(tb, exe, kernel)
		if err != nil {
			return nil, fmt.Errorf("oracle %d: %w", kernel, err)
		}
		oracles = append(oracles, o)
	}
	return oracles, nil
}

func startOracle(tb testing.TB, exe string, kernel int) (*oracle, error) {
	cmd := exec.Command(exe, strconv.Itoa(kernel))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return nil, err
	}
	tb.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("oracle %d: %v", kernel, err)
		}
	})
	o := &oracle{bits: kernelBits(kernel), in: in, out: bufio.NewReader(out)}
	if line, err := o.line(); err != nil || line != strconv.Itoa(o.bits) {
		return nil, fmt.Errorf("cap_max_bits is %q, want %d (%v)", line, o.bits, err)
	}
	return o, nil
}

func (o *oracle) line() (string, error) {
	line, err := o.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// ask returns the answers to the questions, in order.
func (o *oracle) ask(tb testing.TB, questions ...string) []string {
	tb.Helper()
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(o.in, strings.Join(questions, "\n")+"\n")
		written <- err
	}()
	answers := make([]string, len(questions))
	for i := range answers {
		line, err := o.line()
		if err != nil {
			tb.Fatalf("oracle: after question %q: %v", questions[i], err)
		}
		answers[i] = line
	}
	if err := <-written; err != nil {
		tb.Fatalf("oracle: %v", err)
	}
	return answers
}

// asking is the question of a kind about a text, which may hold no NUL.
func asking(kind, text string) string { return fmt.Sprintf("%s .%x", kind, text) }

// verdict is what libcap makes of a set text or an IAB text.
type verdict struct {
	ok   bool
	sets [3]Set
	text string // the value, printed
}

// readVerdict reads the answer to such a text.
func readVerdict(tb testing.TB, answer string) (v verdict) {
	tb.Helper()
	if answer == "bad" {
		return v
	}
	if _, err := fmt.Sscanf(answer, "ok %x %x %x", &v.sets[0], &v.sets[1], &v.sets[2]); err != nil {
		tb.Fatalf("oracle: answer %q: %v", answer, err)
	}
	v.ok = true
	v.text = unhex(tb, answer[strings.LastIndexByte(answer, '.'):])
	return v
}

// unhex reads a text that libcap printed.
func unhex(tb testing.TB, answer string) string {
	tb.Helper()
	text, err := hex.DecodeString(strings.TrimPrefix(answer, "."))
	if err != nil {
		tb.Fatalf("oracle: answer %q: %v", answer, err)
	}
	return string(text)
}
