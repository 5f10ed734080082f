package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// trusted is a call that is believed when it reports success. The manual says of
// Landlock that it is not verified: no call reads a thread's rules. A file of which
// nothing comes is empty.
func trusted(c *call) bool {
	switch c.NR {
	case unix.SYS_LANDLOCK_RESTRICT_SELF:
		return c.Args[1] == 0
	case unix.SYS_LANDLOCK_ADD_RULE:
		return true
	}
	return c.NR == unix.SYS_READ && strings.HasPrefix(c.Path, "/etc/")
}

// TestFaked: whichever call reports success without being done, as a seccomp filter
// with errno 0 has it, either nothing is started or the command has all that was
// asked for.
func TestFaked(t *testing.T) {
	capset := build(t, "capset")
	for name, options := range launches(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			argv := append(append([]string{capset, "--quiet"}, options...), "--", "sh", "-c", showAll)
			everyFake(t, program{argv: argv, env: environ})
		})
	}
}

// TestFakedRoot: the same of another root, which shows what is in it.
func TestFakedRoot(t *testing.T) {
	capset := build(t, "capset")
	busybox := testenv.Tool(t, "busybox")
	dir := root(t)
	if err := os.MkdirAll(filepath.Dir(dir+busybox), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/id", dir+busybox); err != nil {
		t.Fatal(err)
	}
	everyFake(t, program{argv: []string{capset, "-q", "--chroot=" + dir, busybox, "ls", "/"}, env: environ})
}

// showAll shows all that a launch may set. Only setpriv shows the parent death
// signal, which is the shell's and none of its children's.
const showAll = `grep "^Cap\|^Sig[BI]\|^[UG]id\|^Groups\|^NoNew\|^Secc\|^Umask" /proc/self/status
cat /proc/self/limits; pwd -P; umask; ls / 2>&1; env | sort; stat -Lc "stdin is %u" /dev/stdin | grep 65534; exec setpriv --dump`

func everyFake(t *testing.T, p program) {
	clean := trace(t, p, nil)
	if !clean.started || clean.code != 0 {
		t.Fatalf("without a fault: exit status %d, stderr %q", clean.code, clean.err)
	}
	started := 0
	for _, c := range clean.calls {
		if c.InChild || trusted(&c) { // the command's children
			continue
		}
		r := trace(t, p, &fault{Index: c.Index})
		if r.started {
			started++
		}
		if err := judgeFaked(&c, &clean, &r); err != nil {
			t.Errorf("%v reports success and is not done: %v; exit status %d, stderr %q", &c, err, r.code, r.err)
		}
	}
	t.Logf("%d calls; with %d of them the command was started, and had all", len(clean.calls), started)
}

func judgeFaked(c *call, clean, r *run) error {
	switch {
	case r.injected == nil || r.injected.String() != c.String():
		return fmt.Errorf("another run has %v", r.injected)
	case r.started && (r.out != clean.out || r.code != clean.code):
		return fmt.Errorf("the command was started: %q instead of %q", without(r.out, clean.out), without(clean.out, r.out))
	case !r.started && (r.code < 125 || r.code > 127):
		return fmt.Errorf("exit status %d", r.code)
	case !r.started:
		return judgeMessage("capset: ", nil, r)
	}
	return nil
}

// without are the lines of a that b lacks.
func without(a, b string) []string {
	have := strings.Split(b, "\n")
	return slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool { return slices.Contains(have, line) })
}
