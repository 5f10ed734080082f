package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
)

func init() {
	if os.Args[0] == ApartName { // started by a test
		if err := Apart(os.Args[1], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// savedRoot makes a procfs of plain files.
func savedRoot(t *testing.T, text map[string]string) root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range text {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root{procfs.Root(dir)}
}

// TestSavedKernel: what files of a saved procfs show of the kernel; what is not there
// is unknown.
func TestSavedKernel(t *testing.T) {
	none := savedRoot(t, nil)
	all := savedRoot(t, map[string]string{
		"sys/kernel/osrelease": "6.1.0-18-amd64\n", "version": "Linux version 4.4.0 #1\n",
		"sys/kernel/modules_disabled": "0\n", "sys/kernel/kexec_load_disabled": "1\n",
		"partitions": "major minor  #blocks  name\n\n   8        0  1048576 sda\n 259        5     1024 nvme0n1p1\n   x        1 1 bad\n",
	})
	if got := all.release(); got != cred.Is("6.1.0-18-amd64") {
		t.Errorf("release %v", got)
	}
	if got := savedRoot(t, map[string]string{"version": "Linux version 4.4.0 #1\n"}).release(); got != cred.Is("4.4.0") {
		t.Errorf("release by the version: %v", got)
	}
	if got := none.release(); got.OK {
		t.Errorf("release of nothing: %v", got)
	}
	for name, want := range map[string]cred.Known[bool]{
		"modules_disabled": cred.Is(true), "kexec_load_disabled": cred.Is(false), "nonesuch": cred.Is(false),
	} {
		if got := all.setting("sys/kernel/"+name, "0"); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if got := none.setting("sys/kernel/"+name, "0"); got.OK {
			t.Errorf("%s of nothing: %v", name, got)
		}
	}
	want := cred.Is([]container.DeviceNumber{{Major: 8, Minor: 0}, {Major: 259, Minor: 5}})
	if got := all.disks(); !reflect.DeepEqual(got, want) {
		t.Errorf("disks %v", got)
	}
	if got := none.disks(); got.OK {
		t.Errorf("disks of nothing: %v", got)
	}
	if id := all.hostRoot(); id.OK {
		t.Errorf("the owner of a saved copy is taken for the host's root: %v", id)
	}
	f := container.Facts{}
	all.host(&f)
	if f.HostProc || f.Host.OK {
		t.Errorf("a copy without process 1 is taken for the host's: %+v", f.Host)
	}
}

// TestOwnFacts: of this process, by what the files say themselves.
func TestOwnFacts(t *testing.T) {
	f, err := Read(procfs.Proc, os.Getpid(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	line := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	if start := line("/proc/sys/net/ipv4/ip_unprivileged_port_start"); !f.Settings.PortStart.OK || fmt.Sprint(f.Settings.PortStart.Value) != start {
		t.Errorf("unprivileged ports from %v, not %s", f.Settings.PortStart, start)
	}
	if release := line("/proc/sys/kernel/osrelease"); f.Release != cred.Is(release) {
		t.Errorf("release %v, not %s", f.Release, release)
	}
	if last := line("/proc/sys/kernel/cap_last_cap"); !f.Kernel.OK || fmt.Sprint(f.Kernel.Value.Len()-1) != last {
		t.Errorf("capabilities %v, the last is %s", f.Kernel, last)
	}
	var st unix.Stat_t
	if err := unix.Stat("/proc", &st); err != nil {
		t.Fatal(err)
	}
	ids := procfs.ShownIDs()
	if want := cred.Is(container.HostUID{UID: st.Uid, Mapped: ids.TrueUID(st.Uid)}); f.HostRoot != want {
		t.Errorf("the host's root is %v, not %v", f.HostRoot, want)
	}
	for _, kind := range []container.NamespaceKind{container.UserNS, container.PIDNS, container.NetNS} {
		link, err := os.Readlink("/proc/self/ns/" + kind.String())
		if err != nil || link != fmt.Sprintf("%v:[%d]", kind, f.Namespaces[kind].Inode.Value) {
			t.Errorf("%v: %v, not %s, %v", kind, f.Namespaces[kind].Inode, link, err)
		}
	}
	if initial, err := os.Readlink("/proc/1/ns/pid"); err == nil {
		if want := initial == fmt.Sprintf("pid:[%d]", container.InitialInode(container.PIDNS)); f.HostProc != want {
			t.Errorf("process 1 is the host's init: %v, want %v (%s)", f.HostProc, want, initial)
		}
	}
}

// TestTmpfsBirths: the root of each whole tmpfs, by statx(2).
func TestTmpfsBirths(t *testing.T) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	mounts, _ := container.ParseMounts(string(text))
	visible := mounts.Visible()
	got, seen := place{files.Here}.tmpfsBirths(visible), 0
	for _, m := range visible {
		var st unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, m.Point, 0, unix.STATX_BTIME, &st)
		if m.Type != "tmpfs" || m.Root != "/" || err != nil || st.Mask&unix.STATX_BTIME == 0 {
			if _, ok := got[m.Point]; ok {
				t.Errorf("%s, a %s, has a time", m.Point, m.Type)
			}
			continue
		}
		seen++
		if want := st.Btime.Sec*1e9 + int64(st.Btime.Nsec); got[m.Point] != want {
			t.Errorf("%s: %d, want %d", m.Point, got[m.Point], want)
		}
	}
	t.Log(seen, "tmpfs that say when they were made, as since Linux 6.0")
}

// TestSetuidUnknown: a directory that is not there has no setuid programs; of one that
// cannot be read it is unknown whether it has.
func TestSetuidUnknown(t *testing.T) {
	isRoot := func(uid uint32) bool { return uid == 0 }
	if got := rootFolder(t).setuidRoot(isRoot); !got.OK || len(got.Value) > 0 {
		t.Errorf("nothing there: %v", got)
	}
	l := rootFolder(t, "/usr/sbin/x.dev") // makes the directories
	if err := unix.Symlinkat("bin", l.Dir, "usr/bin"); err != nil {
		t.Fatal(err)
	}
	if got := l.setuidRoot(isRoot); got.OK {
		t.Errorf("a loop of links: %v", got)
	}
}

// TestApart: what a process of its own says of the files is what this one sees.
func TestApart(t *testing.T) {
	testenv.Root(t)
	cat := exec.Command(testenv.Tool(t, "cat"))
	stdin, err := cat.StdinPipe()
	if err == nil {
		err = cat.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cat.Wait()
	defer stdin.Close()
	j := job{Root: procfs.Proc, PID: cat.Process.Pid, TID: cat.Process.Pid, Reach: true}
	here, err := j.read(procfs.Options{UserNS: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	there := here
	there.FileFacts = container.FileFacts{}
	for range 10 { // a busy host may take longer than the limit
		if j.apart(&there); there.DockerEnv.OK {
			break
		}
	}
	inJSON := func(f container.FileFacts) string {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if a, b := inJSON(here.FileFacts), inJSON(there.FileFacts); a != b {
		t.Errorf("here  %s\nthere %s", a, b)
	}
	if there.DockerEnv != here.DockerEnv || !there.DockerEnv.OK {
		t.Errorf("/.dockerenv: %v, here %v", there.DockerEnv, here.DockerEnv)
	}
}
