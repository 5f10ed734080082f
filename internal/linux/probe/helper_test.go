package probe

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
)

// The test binary starts itself to be a process in some state: mode names the
// function, what it prints is its answer, and it ends when its stdin does.
const helperEnv = "PROBE_TEST_HELPER"

var helpers = map[string]func(){
	"wait":        helperWait,
	"thread":      helperThread,
	"groups":      helperGroups,
	"read":        helperRead,
	"states":      helperStates,
	"hidden-bits": helperHiddenBits,
	"no-ambient":  helperNoAmbient,
	"assorted":    helperAssorted,
	"headless":    helperHeadless,
	"idle-leader": helperIdleLeader,
	"filtered":    helperFiltered,
	"nest":        helperNest,
	"tasks":       helperTasks,
}

func init() {
	mode := os.Getenv(helperEnv)
	if mode == "" {
		return
	}
	runtime.LockOSThread()
	helpers[mode]()
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// helper is a running helper process.
type helper struct {
	pid   int
	first string // its first line
	rest  func() string
	stop  func()
	stdin io.Closer
	cmd   *exec.Cmd
}

func startHelper(t *testing.T, mode string, attr *syscall.SysProcAttr, env ...string) *helper {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), helperEnv+"="+mode), env...)
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &helper{pid: cmd.Process.Pid, stdin: stdin, cmd: cmd}
	h.stop = func() { stdin.Close(); cmd.Wait() }
	t.Cleanup(h.stop)
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("helper %s: %v %q", mode, err, line)
	}
	h.first = strings.TrimSuffix(line, "\n")
	h.rest = func() string {
		stdin.Close()
		all, _ := io.ReadAll(out)
		return string(all)
	}
	return h
}

func must(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(3)
	}
}

// setCaps is capset(2) of the calling thread.
func setCaps(effective, permitted, inheritable caps.Set) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	word := func(s caps.Set, n int) uint32 { return uint32(s >> (32 * n)) }
	var data [2]unix.CapUserData
	for i := range data {
		data[i] = unix.CapUserData{Effective: word(effective, i), Permitted: word(permitted, i), Inheritable: word(inheritable, i)}
	}
	return unix.Capset(&header, &data[0])
}

// capget reads the three sets that capget(2) tells of any process.
func capget(pid int) (effective, permitted, inheritable caps.Set, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(pid)}
	var d [2]unix.CapUserData
	err = unix.Capget(&header, &d[0])
	join := func(low, high uint32) caps.Set { return caps.Set(low) | caps.Set(high)<<32 }
	return join(d[0].Effective, d[1].Effective), join(d[0].Permitted, d[1].Permitted), join(d[0].Inheritable, d[1].Inheritable), err
}

// setIDs is setresuid or setresgid of this thread only: those of x/sys/unix are
// of all threads.
func setIDs(nr uintptr, real, effective, saved int) error {
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		// The numbers above take ids of 16 bits there.
		nr = map[uintptr]uintptr{unix.SYS_SETRESUID: 208, unix.SYS_SETRESGID: 210}[nr]
	}
	if _, _, e := unix.RawSyscall(nr, uintptr(real), uintptr(effective), uintptr(saved)); e != 0 {
		return e
	}
	return nil
}

func setGroups(list []uint32) error {
	ids := make([]int, len(list))
	for i, id := range list {
		ids[i] = int(id)
	}
	return unix.Setgroups(ids)
}

// helperWait takes the name that it is told.
func helperWait() {
	if name, ok := os.LookupEnv("PROBE_NAME"); ok {
		must("comm", os.WriteFile("/proc/self/comm", []byte(name), 0))
	}
	fmt.Println("ready")
}

// helperThread has three more threads: with fewer capabilities, with
// no_new_privs, and like the leader.
func helperThread() {
	tids := make(chan int)
	for _, change := range []func() error{
		func() error { return setCaps(0, 1<<caps.NetRaw, 0) },
		func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) },
		func() error { return nil },
	} {
		go func() {
			runtime.LockOSThread()
			must("change", change())
			tids <- unix.Gettid()
			select {}
		}()
		fmt.Print(<-tids, " ")
	}
	fmt.Println()
}

func helperGroups() {
	list := make([]uint32, 65536)
	for i := range list {
		list[i] = uint32(i) + 4294900000
	}
	must("setgroups", setGroups(list))
	byStatus, byCalls, err := bothWays()
	must("self", err)
	fmt.Println(len(byStatus.Groups), len(byCalls.Groups), byStatus.Groups[65535], byCalls.Groups[65535])
}

// reading is what helperRead is to do, in JSON in the environment, and its
// answer.
type reading struct {
	// Mount is put on Root first, in a mount namespace of the helper's own.
	Mount, Options string
	Root           Root
	PID            int
	Clone          uintptr // the namespaces that the helper is made in
	UID            int     // to become before reading
	Self           bool    // read this thread too

	Error  string
	Reason Reason
	UserNS [2]bool // inode known, maps known
	SelfOK bool    // what Self says is what it said before
}

func helperRead() {
	var r reading
	must("json", json.Unmarshal([]byte(os.Getenv("PROBE_READING")), &r))
	if r.Mount != "" {
		must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		must("mount", unix.Mount(r.Mount, string(r.Root), r.Mount, 0, r.Options))
	}
	before, err := Self()
	must("self", err)
	if r.UID != 0 {
		must("setgroups", setGroups(nil))
		must("setresgid", setIDs(unix.SYS_SETRESGID, r.UID, r.UID, r.UID))
		must("setresuid", setIDs(unix.SYS_SETRESUID, r.UID, r.UID, r.UID))
	}
	p, err := r.Root.Process(r.PID, 0, Options{UserNS: true, Threads: true, Label: true})
	if err != nil {
		r.Error, r.Reason = err.Error(), err.(*Error).Reason
	}
	r.UserNS = [2]bool{p.UserNS.Inode.OK, p.UserNS.UIDMap.OK && p.UserNS.GIDMap.OK}
	if r.Self {
		s, err := Self()
		must("self", err)
		r.SelfOK = reflect.DeepEqual(s, before)
	}
	out, _ := json.Marshal(r)
	fmt.Println(string(out))
}

// inHelper does a reading in a process of its own.
func inHelper(t *testing.T, r reading) reading {
	t.Helper()
	request, _ := json.Marshal(r)
	attr := &syscall.SysProcAttr{Cloneflags: r.Clone}
	if r.Mount != "" {
		attr.Unshareflags = unix.CLONE_NEWNS
	}
	h := startHelper(t, "read", attr, "PROBE_READING="+string(request))
	if err := json.Unmarshal([]byte(h.first), &r); err != nil {
		t.Fatalf("helper says %q: %v", h.first, err)
	}
	h.stop()
	return r
}
