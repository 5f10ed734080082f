package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"capsh/internal/linux/files"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"

	"golang.org/x/sys/unix"
)

// The test binary is also the process that execs and the program that is
// exec'd, distinguished by the environment.
const (
	roleVar   = "KERNEL_TEST_ROLE"
	roleStart = "start"
	roleEnd   = "end"
	roleStop  = "stop" // roleEnd that stops itself once it has reported
)

// init keeps the roles on the main thread: a tracer waits for that one.
func init() { runtime.LockOSThread() }

// message is what the two say on their standard output, one line of JSON each.
type message struct {
	// Failed is why the start state could not be taken.
	Failed string `json:",omitempty"`
	// Before and File are what the process read just before the exec.
	Before *cred.State  `json:",omitempty"`
	File   *execve.File `json:",omitempty"`
	// Errno is execve's, if it came back.
	Errno unix.Errno `json:",omitempty"`
	// After and Secure are what the new program found.
	After  *cred.State `json:",omitempty"`
	Secure bool        `json:",omitempty"`
}

func say(m message) {
	b, err := json.Marshal(m)
	if err == nil {
		_, err = os.Stdout.Write(append(b, '\n'))
	}
	if err != nil {
		os.Exit(3)
	}
}

// reportEnd is the program behind the exec.
func reportEnd() {
	state, err := readState()
	if err != nil {
		say(message{Failed: err.Error()})
		return
	}
	m := message{After: &state}
	auxv, err := unix.Auxv()
	if err != nil {
		m.Failed = err.Error()
	}
	for _, pair := range auxv {
		if pair[0] == 23 { // AT_SECURE
			m.Secure = pair[1] != 0
		}
	}
	say(m)
}

// runStart takes the start state of the case in os.Args[2] and execs os.Args[1].
// All happens on the main thread, by calls for one thread.
func runStart() {
	var s start
	err := json.Unmarshal([]byte(os.Args[2]), &s)
	if err == nil {
		err = s.take()
	}
	if err != nil {
		say(message{Failed: err.Error()})
		return
	}
	path := os.Args[1]
	state, err := readState()
	if err != nil {
		say(message{Failed: err.Error()})
		return
	}
	f, err := files.Here.Executable(path)
	if err != nil {
		say(message{Failed: err.Error()})
		return
	}
	f.Unsafe = s.SharedFS || s.Traced && !state.Effective.Has(caps.SysPtrace)
	say(message{Before: &state, File: &f})
	errno := unix.Exec(path, []string{path}, []string{roleVar + "=" + roleEnd})
	say(message{Errno: errno.(unix.Errno)})
}

// take gives this thread the state s, as far as that is available.
func (s *start) take() error {
	if err := prctl(unix.PR_SET_SECUREBITS, uintptr(cred.NoSetuidFixup)); err != nil {
		return fmt.Errorf("securebits: %w", err)
	}
	if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil {
		return fmt.Errorf("ambient clear: %w", err)
	}
	now, err := readState()
	if err != nil {
		return err
	}
	s.Permitted &= now.Permitted
	s.Effective &= s.Permitted
	s.Inheritable &= now.Bounding
	if !s.InheritFirst {
		s.Inheritable &= s.Bounding
	}
	if err := capset(now.Effective, now.Permitted, s.Inheritable); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	for c := range (now.Bounding &^ s.Bounding).All() {
		if err := prctl(unix.PR_CAPBSET_DROP, uintptr(c)); err != nil {
			return fmt.Errorf("bounding drop %v: %w", c, err)
		}
	}
	if err := s.takeIDs(); err != nil {
		return err
	}
	for c := range (s.Ambient & now.Permitted & s.Inheritable).All() {
		if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c)); err != nil {
			return fmt.Errorf("ambient %v: %w", c, err)
		}
	}
	return s.lockIn()
}

func (s *start) takeIDs() error {
	keep := map[string]bool{}
	if o := s.Origin; o != nil {
		keep["setgroups"], keep["setresgid"], keep["setfsgid"] = o.KeepGroups, o.KeepGID, o.KeepGID
		keep["setresuid"], keep["setfsuid"] = o.KeepUID, o.KeepUID
	}
	groups := make([]uint32, len(s.Groups)+1)
	copy(groups, s.Groups)
	for _, call := range []struct {
		name string
		args []uintptr
	}{
		{"setgroups", []uintptr{unix.SYS_SETGROUPS, uintptr(len(s.Groups)), uintptr(unsafe.Pointer(&groups[0])), 0}},
		{"setresgid", []uintptr{unix.SYS_SETRESGID, uintptr(s.GID.Real), uintptr(s.GID.Effective), uintptr(s.GID.Saved)}},
		{"setfsgid", []uintptr{unix.SYS_SETFSGID, uintptr(s.GID.FS), 0, 0}},
		{"setresuid", []uintptr{unix.SYS_SETRESUID, uintptr(s.UID.Real), uintptr(s.UID.Effective), uintptr(s.UID.Saved)}},
		{"setfsuid", []uintptr{unix.SYS_SETFSUID, uintptr(s.UID.FS), 0, 0}},
	} {
		if keep[call.name] {
			continue
		}
		if _, _, errno := unix.RawSyscall(call.args[0], call.args[1], call.args[2], call.args[3]); errno != 0 {
			return fmt.Errorf("%s: %w", call.name, errno)
		}
	}
	runtime.KeepAlive(groups)
	return nil
}

// lockIn does what can't be undone, last.
func (s *start) lockIn() error {
	if err := prctl(unix.PR_SET_SECUREBITS, uintptr(s.Securebits)); err != nil {
		return fmt.Errorf("securebits %v: %w", s.Securebits, err)
	}
	if s.SharedFS {
		if err := shareFS(); err != nil {
			return fmt.Errorf("clone: %w", err)
		}
	}
	if err := capset(s.Effective, s.Permitted, s.Inheritable); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	if s.NoNewPrivs {
		if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
			return fmt.Errorf("no_new_privs: %w", err)
		}
	}
	if s.Traced {
		if _, _, errno := unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0); errno != 0 {
			return fmt.Errorf("ptrace: %w", errno)
		}
	}
	return nil
}

// shareFS leaves a process behind that shares this one's directories and ends
// soon after it. (A death signal would not do: the one who dies must be allowed
// to send it.)
func shareFS() error {
	parent := unix.Getpid()
	nap := unix.Timespec{Nsec: 20e6}
	flags, stack := unix.CLONE_FS|uintptr(unix.SIGCHLD), uintptr(0)
	if runtime.GOARCH == "s390x" { // clone(2): the first two are swapped there
		flags, stack = stack, flags
	}
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags, stack, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid != 0 {
		return nil
	}
	for fd := range uintptr(3) {
		unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	}
	for {
		unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&nap)), 0, 0, 0)
		if ppid, _, _ := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); int(ppid) != parent {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
}

func prctl(op int, args ...uintptr) error {
	var a [4]uintptr
	copy(a[:], args)
	if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(op), a[0], a[1], a[2], a[3], 0); errno != 0 {
		return errno
	}
	return nil
}

func capset(e, p, i caps.Set) error {
	data := [2]unix.CapUserData{
		{Effective: uint32(e), Permitted: uint32(p), Inheritable: uint32(i)},
		{Effective: uint32(e >> 32), Permitted: uint32(p >> 32), Inheritable: uint32(i >> 32)},
	}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0])
}

// readState reads this thread's credentials, in the plainest way: the judge
// does not rely on the code that the programs use.
func readState() (cred.State, error) {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return cred.State{}, err
	}
	line := map[string][]string{}
	for l := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(l, ":")
		line[name] = strings.Fields(value)
	}
	number := func(text string, base int) uint64 {
		n, parseErr := strconv.ParseUint(text, base, 64)
		if parseErr != nil {
			err = parseErr
		}
		return n
	}
	set := func(name string) caps.Set { return caps.Set(number(strings.Join(line[name], "?"), 16)) }
	list := func(name string) (ids []uint32) {
		for _, f := range line[name] {
			ids = append(ids, uint32(number(f, 10)))
		}
		return ids
	}
	uid, gid := list("Uid"), list("Gid")
	bits, bitsErr := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if len(uid) != 4 || len(gid) != 4 || bitsErr != nil {
		return cred.State{}, fmt.Errorf("status can't be read: %v, %v, %w", uid, gid, bitsErr)
	}
	return cred.State{
		Sets: cred.Sets{Effective: set("CapEff"), Permitted: set("CapPrm"),
			Inheritable: set("CapInh"), Bounding: set("CapBnd"), Ambient: set("CapAmb")},
		UID:        cred.IDs{Real: uid[0], Effective: uid[1], Saved: uid[2], FS: uid[3]},
		GID:        cred.IDs{Real: gid[0], Effective: gid[1], Saved: gid[2], FS: gid[3]},
		Groups:     list("Groups"),
		NoNewPrivs: cred.Is(number(strings.Join(line["NoNewPrivs"], "?"), 10) == 1),
		Securebits: cred.Is(cred.Securebits(bits)),
	}, err
}
