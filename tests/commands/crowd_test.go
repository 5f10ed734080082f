package commands

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"capsh/internal/testenv"
)

// listed is a line of ps --json and tree --json.
type listed struct {
	testenv.Report
	User      *string
	Contained *bool
	Container *struct {
		Runtime, ID *string
		PodUID      *string `json:"pod_uid"`
		Name        *string
	}
	Depth  *int
	Gained []string
}

// decodeListed reads lines; a member that is not known here is an error.
func decodeListed(t *testing.T, text string) (list []listed) {
	t.Helper()
	for line := range strings.Lines(text) {
		var l listed
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil || d.More() {
			t.Fatalf("%v: %q", err, line)
		}
		list = append(list, l)
	}
	return list
}

// ps runs capsh ps --json or tree --json and wants it to go well.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	r := capsh(t, append([]string{args[0], "--json"}, args[1:]...)...)
	if r.Code != 0 || r.Err != "" {
		t.Fatalf("capsh %q: exit status %d, %s", args, r.Code, r.Err)
	}
	return decodeListed(t, r.Out)
}

// crowd starts the processes of testdata/crowd.c and gives the id of their
// parent.
func crowd(t *testing.T, args ...string) int {
	t.Helper()
	testenv.Root(t)
	path := filepath.Join(t.TempDir(), "crowd")
	testenv.CompileC(t, "testdata/crowd.c", path)
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	late := time.AfterFunc(10*time.Minute, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	t.Cleanup(func() {
		late.Stop()
		stdin.Close()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		// Until all are reaped: lsns gives up on the names that some have.
		for end := time.Now().Add(20 * time.Second); syscall.Kill(-cmd.Process.Pid, 0) == nil && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("crowd: %q, %v", line, err)
	}
	return cmd.Process.Pid
}

// children are those of one process among a list.
func children(all []listed, of int) (list []listed) {
	for _, p := range all {
		if p.PPID != nil && *p.PPID == of {
			list = append(list, p)
		}
	}
	return list
}

func path(pid int, file string) string { return "/proc/" + strconv.Itoa(pid) + "/" + file }
