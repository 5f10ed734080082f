// Package helper makes processes in some state for tests to look at.
package helper

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
)

// A test binary starts itself to be a process in some state: helperEnv names one
// of its functions, what that prints is its answer, and it ends when its stdin does.
const helperEnv = "HELPER_MODE"

// Run is called in the init of a test that has helpers: in a process that
// [Start] started it runs the one that was asked for and does not return.
func Run(helpers map[string]func()) {
	mode := os.Getenv(helperEnv)
	if mode == "" {
		return
	}
	runtime.LockOSThread()
	helpers[mode]()
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// Process is a running helper process.
type Process struct {
	PID   int
	First string // its first line
	Cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

// Start starts a helper and waits for its first line. It is stopped when
// the test ends.
func Start(t testing.TB, mode string, attr *syscall.SysProcAttr, env ...string) *Process {
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
	h := &Process{PID: cmd.Process.Pid, Cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	t.Cleanup(h.Stop)
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("helper %s: %v %q", mode, err, line)
	}
	h.First = strings.TrimSuffix(line, "\n")
	return h
}

// Rest ends the helper and returns what it printed after its first line.
func (h *Process) Rest() string {
	h.stdin.Close()
	all, _ := io.ReadAll(h.out)
	return string(all)
}

// Release closes the helper's stdin, which lets it end, without waiting for that.
func (h *Process) Release() { h.stdin.Close() }

// Stop ends the helper and waits for it.
func (h *Process) Stop() { h.stdin.Close(); h.Cmd.Wait() }

// Must ends a helper process that could not do something.
func Must(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(3)
	}
}

// OnThread runs f on a thread that ends with it, whatever f does to it. It is never the
// main thread, which does not end and is what /proc/PID shows.
func OnThread(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		OnThread(f) // this goroutine occupies the main thread meanwhile
		runtime.UnlockOSThread()
	}()
	<-done
}

// SetCaps is capset(2) of the calling thread.
func SetCaps(effective, permitted, inheritable caps.Set) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	word := func(s caps.Set, n int) uint32 { return uint32(s >> (32 * n)) }
	var data [2]unix.CapUserData
	for i := range data {
		data[i] = unix.CapUserData{Effective: word(effective, i), Permitted: word(permitted, i), Inheritable: word(inheritable, i)}
	}
	return unix.Capset(&header, &data[0])
}

// Capget reads the three sets that capget(2) shows of any process.
func Capget(pid int) (effective, permitted, inheritable caps.Set, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(pid)}
	var d [2]unix.CapUserData
	err = unix.Capget(&header, &d[0])
	join := func(low, high uint32) caps.Set { return caps.Set(low) | caps.Set(high)<<32 }
	return join(d[0].Effective, d[1].Effective), join(d[0].Permitted, d[1].Permitted), join(d[0].Inheritable, d[1].Inheritable), err
}

// SetIDs is setresuid or setresgid, by its number, of this thread only: those of
// x/sys/unix are of all threads.
func SetIDs(nr uintptr, real, effective, saved int) error {
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		// The numbers above take ids of 16 bits there.
		nr = map[uintptr]uintptr{unix.SYS_SETRESUID: 208, unix.SYS_SETRESGID: 210}[nr]
	}
	if _, _, e := unix.RawSyscall(nr, uintptr(real), uintptr(effective), uintptr(saved)); e != 0 {
		return e
	}
	return nil
}

// SetGroups is setgroups(2) of this thread only.
func SetGroups(list []uint32) error {
	ids := make([]int, len(list))
	for i, id := range list {
		ids[i] = int(id)
	}
	return unix.Setgroups(ids)
}

// RandomState changes this thread. A change that is refused is no matter.
func RandomState(r *rand.Rand) {
	someOf := func(s caps.Set) caps.Set { return s & caps.Set(r.Uint64()) }
	id := func() int { return int([]uint32{0, 1, 1000, 65534, 2147483648, 4294967294}[r.IntN(6)]) }
	groups := make([]uint32, r.IntN(5))
	for i := range groups {
		groups[i] = uint32(id())
	}
	SetGroups(groups)
	for c := range 41 {
		if r.IntN(4) == 0 {
			unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		}
	}
	unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(r.IntN(256)), 0, 0, 0)
	if r.IntN(2) == 0 {
		SetIDs(unix.SYS_SETRESGID, id(), id(), id())
		unix.SetfsgidRetGid(id())
	}
	if r.IntN(2) == 0 {
		SetIDs(unix.SYS_SETRESUID, id(), id(), id())
		unix.SetfsuidRetUid(id())
	}
	_, permitted, _, _ := Capget(0)
	some, more := someOf(permitted), someOf(permitted)
	permitted = some | more
	inheritable := someOf(permitted)
	SetCaps(someOf(permitted), permitted, inheritable)
	for c := range someOf(inheritable).All() {
		unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0)
	}
	if r.IntN(2) == 0 {
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
}

// seccompNR is the number's offset in struct seccomp_data.
const seccompNR = 0

// seccompArg is the offset of the low half of an argument, which has 64 bits in
// the host's byte order.
func seccompArg(n uint32) uint32 {
	low := uint32(0)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big-endian
		low = 4
	}
	return 16 + 8*n + low
}

const (
	filterLoad    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	filterEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	filterNotLess = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	filterReturn  = unix.BPF_RET | unix.BPF_K
)

// RefusePrctl makes prctl(option, second) fail with EINVAL for second >= from.
func RefusePrctl(option, from uint32) error {
	return filter(
		unix.SockFilter{Code: filterLoad, K: seccompNR},
		unix.SockFilter{Code: filterEqual, K: unix.SYS_PRCTL, Jf: 5},
		unix.SockFilter{Code: filterLoad, K: seccompArg(0)},
		unix.SockFilter{Code: filterEqual, K: option, Jf: 3},
		unix.SockFilter{Code: filterLoad, K: seccompArg(1)},
		unix.SockFilter{Code: filterNotLess, K: from, Jf: 1},
		unix.SockFilter{Code: filterReturn, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)},
		unix.SockFilter{Code: filterReturn, K: unix.SECCOMP_RET_ALLOW},
	)
}

// RefuseCall makes a system call fail.
func RefuseCall(nr uint32, errno unix.Errno) error {
	return filter(
		unix.SockFilter{Code: filterLoad, K: seccompNR},
		unix.SockFilter{Code: filterEqual, K: nr, Jf: 1},
		unix.SockFilter{Code: filterReturn, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		unix.SockFilter{Code: filterReturn, K: unix.SECCOMP_RET_ALLOW},
	)
}

func filter(code ...unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
