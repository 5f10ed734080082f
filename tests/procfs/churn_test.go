package procfs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// In a PID namespace with few ids, processes of three kinds come and go and
// their ids are given away while capsh reads: each answer is about one process,
// whole, or an error that says what happened.
func TestChurn(t *testing.T) {
	testenv.Root(t)
	self, err := os.Executable()
	must(t, err)
	// Before Go has threads: the bounding set is each thread's own.
	cmd := exec.Command(testenv.Tool(t, "setpriv"), "--bounding-set=-wake_alarm", self, capsh(t))
	cmd.Env = append(os.Environ(), roleVar+"=churn")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	r := testenv.Run(t, cmd)
	if r.Code != 0 {
		t.Fatalf("exit status %d\n%s%s", r.Code, r.Out, r.Err)
	}
	t.Log(r.Out)
}

// The kinds of processes: what an answer says of one must fit together.
var kinds = [...]struct {
	name string
	attr func() *syscall.SysProcAttr
	fits func(r *testenv.Report, initial uint64) bool
}{
	{"root", func() *syscall.SysProcAttr { return nil }, func(r *testenv.Report, initial uint64) bool {
		return !hasMarker(r.Masks.Bounding) && isInode(r, initial) &&
			r.UID.Effective == 0 && r.Masks.Effective == r.Masks.Bounding && len(r.Groups) == 0
	}},
	{"user", func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000, Groups: []uint32{1, 2, 3}}}
	}, func(r *testenv.Report, initial uint64) bool {
		return !hasMarker(r.Masks.Bounding) && isInode(r, initial) &&
			r.UID.Effective == 1000 && r.Masks.Effective == "0000000000000000" && len(r.Groups) == 3
	}},
	{"becoming user", nil, func(r *testenv.Report, initial uint64) bool {
		// Between setgroups and setuid.
		return !hasMarker(r.Masks.Bounding) && isInode(r, initial) &&
			r.UID.Effective == 0 && r.Masks.Effective == r.Masks.Bounding && len(r.Groups) == 3
	}},
	{"namespaced", func() *syscall.SysProcAttr {
		one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one, GidMappings: one}
	}, func(r *testenv.Report, initial uint64) bool {
		// A new user namespace fills all sets (kernel/user_namespace.c,
		// set_cred_user_ns), the marker included.
		return hasMarker(r.Masks.Bounding) && !isInode(r, initial) && r.Masks.Effective == r.Masks.Bounding
	}},
}

// marker is cap_wake_alarm: churn starts without it in the bounding set, a new
// user namespace brings it back.
const marker = 35

func hasMarker(mask string) bool {
	set, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && set>>marker&1 == 1
}

// isInode is true, too, where the namespace is unknown.
func isInode(r *testenv.Report, inode uint64) bool {
	known := r.UserNamespace.Inode
	return known == nil || *known == inode
}

// churn is PID 1 of the namespace.
func churn(capsh string) error {
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := fewIDs(); err != nil {
		return err
	}
	var stop atomic.Bool
	var group sync.WaitGroup
	for _, kind := range kinds {
		for i := 0; kind.attr != nil && i < 4; i++ {
			group.Go(func() { spawn(kind.attr, &stop) })
		}
	}
	err := ask(capsh)
	stop.Store(true)
	group.Wait()
	return err
}

// fewIDs leaves the namespace forty ids: once around, they start at 300
// (RESERVED_PIDS, kernel/pid.c). Before Linux 6.14 this would affect the host.
func fewIDs() error {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		return err
	}
	if major < 6 || major == 6 && minor < 14 {
		fmt.Println("an old kernel: ids are not given away in this run")
		return nil
	}
	return os.WriteFile("/proc/sys/kernel/pid_max", []byte("340"), 0)
}

// spawn starts processes that live for 10 ms, one after the other.
func spawn(attr func() *syscall.SysProcAttr, stop *atomic.Bool) {
	for !stop.Load() {
		cmd := exec.Command("/bin/sleep", "0.01")
		cmd.SysProcAttr = attr()
		_ = cmd.Run() // one that finds no id to have is no matter
	}
}

// ask asks about every process that is there, again and again, until there was an
// answer about each kind.
func ask(capsh string) error {
	var own syscall.Stat_t
	if err := syscall.Stat("/proc/self/ns/user", &own); err != nil {
		return err
	}
	answers, errors := map[string]int{}, 0
	unseen := func() string {
		for _, kind := range kinds {
			if kind.attr != nil && answers[kind.name] == 0 {
				return kind.name
			}
		}
		return ""
	}
	for end, round := time.Now().Add(30*time.Second), 0; round < 50 || unseen() != "" && time.Now().Before(end); round++ {
		dirs, _ := filepath.Glob("/proc/[1-9]*")
		for _, dir := range dirs {
			pid := filepath.Base(dir)
			if pid == "1" {
				continue // its threads differ, and it has all capabilities
			}
			cmd := exec.Command(capsh, "--json", "--print", "--pid="+pid)
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			if err != nil {
				errors++
				if !gone(string(out), errs.String(), pid) {
					return fmt.Errorf("process %s: %v, stdout %q, stderr %q", pid, err, out, errs.String())
				}
				continue
			}
			name, err := classify(out, own.Ino)
			if err != nil {
				return err
			}
			answers[name]++
		}
	}
	fmt.Printf("answers %v, refusals %d\n", answers, errors)
	if kind := unseen(); kind != "" {
		return fmt.Errorf("no answer about a process of kind %q", kind)
	}
	return nil
}

// gone reports a refusal that says that the process is not there.
func gone(out, errs, pid string) bool {
	return out == "" && (errs == "capsh: process "+pid+": no such process\n" ||
		errs == "capsh: process "+pid+": vanished while it was read\n" ||
		strings.Contains(errs, "capsh: process "+pid+": is a thread of process "))
}

// classify finds the kind that all of an answer fits.
func classify(out []byte, initial uint64) (string, error) {
	r, err := testenv.DecodeReport(out)
	if err != nil {
		return "", err
	}
	for _, kind := range kinds {
		if kind.fits(r, initial) {
			return kind.name, nil
		}
	}
	return "", fmt.Errorf("fits no kind of process: %s", out)
}
