package discover

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"capsh/internal/testenv"
)

// TestKilled: capset is killed at random moments, 20 of them or as many as
// DISCOVER_KILLS says, and nothing is left of what it started.
func TestKilled(t *testing.T) {
	testenv.Root(t)
	capset := testenv.Build(t, "capset")
	moments := 20
	if n, err := strconv.Atoi(os.Getenv("DISCOVER_KILLS")); err == nil {
		moments = n
	}
	const script = `trap "" TERM HUP INT; sleep 100 & setsid sh -c 'trap "" TERM; exec <&- >&- 2>&-; sleep 100 & sleep 100' & ` +
		`unshare -p -f sleep 100 & test $$ = 1 || sleep 0.05; exit 0`
	for range moments {
		mark := "DISCOVER_KILLED=" + strconv.FormatUint(rand.Uint64(), 16)
		cmd := exec.Command(capset, "--discover=prove", "--check", "sleep 0.01", "--reset", "sleep 0.01 & :", "--", "/bin/sh", "-c", script)
		cmd.Env = append(os.Environ(), mark)
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(errs).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond) // a random moment
		cmd.Process.Kill()
		cmd.Wait()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			left := marked(t, mark)
			if left == "" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("left behind: %s", left)
			}
		}
	}
}
