package container

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// discovered is what these tests read of a result.
type discovered struct {
	Keep      *[]string
	Reason    *string
	Container *string
	User      *struct{ UID int }
	Warnings  []string
}

func readDiscovered(t testing.TB, r testenv.Result) (d discovered) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Out), &d); err != nil {
		t.Fatalf("%v\n%s%s", err, r.Out, r.Err)
	}
	return d
}

// TestDiscoverInside: in a container, as the first process, without a shell
// and without what watching needs, the answer is that of trials, and of what the
// container gives.
func TestDiscoverInside(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.bareImage(t)
		inside := func(want, warning string, options []string, args ...string) {
			t.Helper()
			r := e.run(t, append([]string{"--entrypoint=/capset"}, options...), image, append([]string{"--discover", "--json"}, args...)...)
			d := readDiscovered(t, r)
			if d.Keep == nil || strings.Join(*d.Keep, ",") != want || !strings.Contains(strings.Join(d.Warnings, "\n"), warning) {
				t.Errorf("%v %q: exit status %d, %s%s", options, args, r.Code, r.Out, r.Err)
			}
		}
		inside("CAP_CHOWN", "could not be watched", nil, "--", "/busybox", "chown", "1", "/busybox")
		inside("CAP_NET_BIND_SERVICE", "", nil, append([]string{"--timeout=2s", "--user=1000:1000",
			"--check=/busybox wget -q -O /dev/null http://127.0.0.1/index.html", "--"}, httpd...)...)
		r := e.run(t, []string{"--entrypoint=/capset", "--cap-drop=ALL"}, image, "--discover", "--", "/busybox", "true")
		if r.Code != 125 || !strings.Contains(r.Err, "needs CAP_SETPCAP") {
			t.Errorf("without CAP_SETPCAP: exit status %d, %s", r.Code, r.Err)
		}
	})
}

// wrapped puts a client with its global options into a directory, to be found as
// the engine, and gives the environment that finds it.
func (e *engine) wrapped(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nexec"
	for _, word := range e.client {
		script += " '" + word + "'"
	}
	must(t, os.WriteFile(dir+"/"+e.name, []byte(script+` "$@"`+"\n"), 0o755))
	return append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
}

// discoverIn is capset that runs its trials in an image.
func (e *engine) discoverIn(t testing.TB, image string, args ...string) *exec.Cmd {
	options := []string{"--discover=prove", "--json", "--in=" + e.name + ":" + image, "--timeout=20s", "--engine-option=--network=none",
		"--engine-option=--label=capset-discover", "--engine-option=--entrypoint=", "--engine-option=" + limit("nofile", unix.RLIMIT_NOFILE), "--engine-option=" + limit("nproc", unix.RLIMIT_NPROC)}
	cmd := exec.Command(testenv.Build(t, "capset"), append(options, args...)...)
	cmd.Env = e.wrapped(t)
	return cmd
}

// trials are the containers of trials.
func (e *engine) trials(t testing.TB) (list []string) {
	return strings.Fields(e.do(t, "ps", "-a", "-q", "--filter=label=capset-discover"))
}

// TestDiscoverIn: from outside, by the engine's own options, and no container is
// left, also where capset is killed.
func TestDiscoverIn(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.appImage(t)
		d := readDiscovered(t, testenv.Run(t, e.discoverIn(t, image, "--keep=chown,net_raw,kill", "--", "/busybox", "chown", "1", "/busybox")))
		if d.Keep == nil || !slices.Equal(*d.Keep, []string{"CAP_CHOWN"}) || d.User != nil || *d.Container != e.name+":"+image {
			t.Errorf("%+v", d)
		}
		if left := e.trials(t); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		cmd := e.discoverIn(t, image, "--", "/busybox", "sleep", "1000")
		must(t, cmd.Start())
		waitUntil(t, "a trial", func() bool { return len(e.trials(t)) > 0 })
		must(t, cmd.Process.Kill())
		cmd.Wait()
		waitUntil(t, "its end", func() bool { return len(e.trials(t)) == 0 })
		for range 3 {
			killedAnywhere(t, e.discoverIn(t, image, "--", "/busybox", "sleep", "1000"))
			if left := e.trials(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	})
}

// killedAnywhere kills capset at a random moment of its first trial and returns when its
// keeper has ended.
func killedAnywhere(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	mark := "TMPDIR=" + t.TempDir()
	cmd.Env = append(cmd.Env, mark)
	errs, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = bufio.NewReader(errs).ReadString('\n')
	must(t, err)
	time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond) // a random moment
	must(t, cmd.Process.Kill())
	cmd.Wait()
	waitUntil(t, "the keeper's end", func() bool {
		names, _ := filepath.Glob("/proc/[0-9]*/environ")
		return !slices.ContainsFunc(names, func(name string) bool {
			text, _ := os.ReadFile(name)
			return bytes.Contains(text, []byte(mark))
		})
	})
	if left, _ := os.ReadDir(strings.TrimPrefix(mark, "TMPDIR=")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// waitUntil waits until something is so.
func waitUntil(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
