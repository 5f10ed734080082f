package commands

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestTableAgrees: where there are so many processes that the kernel's table is read,
// ps and tree say the same as without it.
func TestTableAgrees(t *testing.T) {
	testenv.Libcap(t)
	onHost(t)
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "BPF iterators", err == nil, "the kernel has no BTF")
	parent := crowd(t, "random", "1100", "3")
	for _, args := range [][]string{
		{"ps", "--json"}, {"ps", "--all", "--threads", "--json"}, {"ps", "--json", "--user=0"}, {"tree", "--all", "--json"},
	} {
		with, loaded := traced(t, parent, args)
		without, forbidden := traced(t, parent, args, "/usr/sbin/capsh", "--drop=cap_bpf", "--", "-c", `exec "$0" "$@"`)
		if !strings.Contains(loaded, "BPF_PROG_LOAD") || forbidden != "" {
			t.Errorf("%q: with the table it makes these calls:\n%swithout:\n%s", args, loaded, forbidden)
		}
		if len(with) < 200 || !slices.Equal(with, without) {
			t.Errorf("%q: %d processes with the table, %d without, not the same:\n%s", args, len(with), len(without), firstDifference(with, without))
		}
	}
}

// traced runs capsh, by way of another program if there is one before it. It gives the
// lines of the processes whose parent that is, and the calls of bpf(2).
func traced(t *testing.T, parent int, args []string, before ...string) (lines []string, calls string) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	argv := slices.Concat([]string{"-f", "-qq", "-e", "trace=bpf", "-e", "signal=none", "-o", trace}, before, []string{program(t)}, args)
	r := testenv.Run(t, exec.Command(testenv.Tool(t, "strace"), argv...))
	text, err := os.ReadFile(trace)
	if err != nil || r.Code != 0 || r.Err != "" {
		t.Fatalf("%q: exit status %d, %s, %v", args, r.Code, r.Err, err)
	}
	for line := range strings.Lines(r.Out) {
		if strings.Contains(line, `"ppid":`+strconv.Itoa(parent)+",") {
			lines = append(lines, line)
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "bpf(") { // strace writes other lines when it is detached
			calls += line
		}
	}
	return lines, calls
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + b[i]
		}
	}
	return "one has more"
}
