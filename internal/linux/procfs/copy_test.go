package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/cred"
	"capsh/internal/testenv/helper"
)

// saveCopy writes a process's files as plain ones.
func saveCopy(t *testing.T, dir string, pid int) {
	t.Helper()
	for _, name := range []string{"status", "uid_map", "gid_map", "setgroups", fmt.Sprintf("task/%d/status", pid)} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strconv.Itoa(pid), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSavedCopy(t *testing.T) {
	h := helper.Start(t, "wait", nil)
	live, err := Proc.Process(h.PID, 0, Options{UserNS: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saveCopy(t, dir, h.PID)
	r, base := Root(dir), filepath.Join(dir, strconv.Itoa(h.PID))
	link := fmt.Sprintf("user:[%d]", live.UserNS.Inode.Value)
	os.Mkdir(base+"/ns", 0o755)
	read := func(o Options) cred.Process {
		t.Helper()
		p, err := r.Process(h.PID, 0, o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := read(Options{UserNS: true}); p.UserNS.Inode.OK || !p.UserNS.UIDMap.OK {
		t.Errorf("without ns/user: %+v", p.UserNS)
	}
	if p := read(Options{}); p.State.Sets != live.Sets || p.Name != live.Name || p.PID != h.PID {
		t.Errorf("copy %+v, live %+v", p, live)
	}
	for _, save := range []func() error{
		func() error { return os.Symlink(link, base+"/ns/user") },
		func() error { return os.WriteFile(base+"/ns/user", []byte(link+"\n"), 0o644) },
	} {
		if err := save(); err != nil {
			t.Fatal(err)
		}
		if p := read(everything); !reflect.DeepEqual(p.UserNS, live.UserNS) || p.Label.OK || !p.ThreadsRead {
			t.Errorf("copy %+v, live %+v", p.UserNS, live.UserNS)
		}
		os.Remove(base + "/ns/user")
	}
	for file, label := range map[string]string{"unconfined\n": "unconfined", "system_u:system_r:init_t:s0\x00": "system_u:system_r:init_t:s0", "docker-default (enforce)\n": "docker-default (enforce)"} {
		os.MkdirAll(base+"/attr", 0o755)
		os.WriteFile(base+"/attr/current", []byte(file), 0o644)
		if p := read(Options{Label: true}); p.Label != cred.Is(label) {
			t.Errorf("label %+v, want %q", p.Label, label)
		}
	}
	readBoth(t, r, 999999, 0, func(_ cred.Process, err error) {
		wantReason(t, err, NoProcess, "process 999999: no such process")
	})
	os.RemoveAll(base + "/task")
	if p := read(everything); p.ThreadsRead || p.Differing != nil {
		t.Errorf("threads known without task: %+v", p)
	}
	os.WriteFile(base+"/uid_map", []byte("0 0\n"), 0o644)
	_, err = r.Process(h.PID, 0, everything)
	wantReason(t, err, Malformed, fmt.Sprintf("process %d: uid_map: not of the kernel's form", h.PID))
	text, _ := os.ReadFile(base + "/status")
	tgid := fmt.Sprintf("Tgid:\t%d\n", h.PID)
	os.WriteFile(base+"/status", []byte(strings.Replace(string(text), tgid, "Tgid:\t0\n", 1)), 0o644)
	_, err = r.Process(h.PID, 0, Options{})
	wantReason(t, err, Vanished, fmt.Sprintf("process %d: vanished while it was read", h.PID))
	for _, name := range []string{"0", "007", "12x", "-3", "4294967296"} {
		os.Mkdir(filepath.Join(dir, name), 0o755)
	}
	if pids, err := r.PIDs(); err != nil || !slices.Equal(pids, []int{h.PID}) {
		t.Errorf("PIDs = %v, %v", pids, err)
	}
	os.WriteFile(base+"/status", []byte("Name:\tx\n"), 0o644)
	_, err = r.Process(h.PID, 0, Options{})
	wantReason(t, err, Malformed, fmt.Sprintf("process %d: status: has no line State", h.PID))
	os.Remove(base + "/status")
	readBoth(t, r, h.PID, 0, func(_ cred.Process, err error) {
		var e *Error
		if !errors.As(err, &e) || e.Reason == NoProcess || e.Reason == Vanished {
			t.Errorf("a copy without status: %v", err)
		}
	})
}

// copyOf is a root that has one process's files as plain ones.
func copyOf(t *testing.T, pid int) Root {
	dir := t.TempDir()
	saveCopy(t, dir, pid)
	return Root(dir)
}

// TestScanCopy: of a copy the order is that of the ids, a missing status is an
// error, and so is one of another process.
func TestScanCopy(t *testing.T) {
	root := copyOf(t, os.Getpid())
	text, _ := os.ReadFile(string(root) + "/" + strconv.Itoa(os.Getpid()) + "/status")
	for _, id := range []string{"3", "100", "20", "7"} {
		if err := os.Mkdir(string(root)+"/"+id, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(string(root)+"/20/status", text, 0o644)
	os.WriteFile(string(root)+"/7/status", text[:100], 0o644)
	got := scanAll(t, root)
	if want := []int{3, 7, 20, 100, os.Getpid()}; !slices.Equal(got, want) {
		t.Errorf("listed %v, not %v", got, want)
	}
	s, err := root.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Reader()
	var p cred.Process
	for pid, want := range map[int]string{3: "no such file", 7: "ends in the middle", 20: "is that of thread"} {
		if there, err := r.Status(pid, &p); there || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("process %d: %v, %v, not %q", pid, there, err, want)
		}
	}
	if there, err := r.Status(os.Getpid(), &p); !there || err != nil {
		t.Errorf("own copy: %v, %v", there, err)
	}
	if _, err := Root(t.TempDir()).Scan(ScanOptions{}); err == nil {
		t.Error("an empty directory was scanned")
	}
}
