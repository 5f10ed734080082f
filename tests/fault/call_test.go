package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// call is a system call that counts: the program's own, not the runtime's.
type call struct {
	InChild bool
	Index   int
	NR      uint64
	Args    [6]uint64
	Path    string // what it opens, or what its descriptor was opened from
	tid     int
}

// runtimes are the calls of Go's runtime, and those that cannot fail.
var runtimes = []uint64{
	unix.SYS_CLOCK_GETTIME, // the vDSO makes it where the kernel's clock is not the processor's
	unix.SYS_FUTEX, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_MPROTECT, unix.SYS_SIGALTSTACK,
	unix.SYS_RT_SIGRETURN, unix.SYS_TGKILL, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_SCHED_YIELD,
	unix.SYS_NANOSLEEP, unix.SYS_CLONE3, unix.SYS_RESTART_SYSCALL, unix.SYS_EXIT_GROUP,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
}

// counts says that a call is the program's. The first is one that reads the
// sets, or asks the kernel which capabilities there are.
func (who *tracee) counts(c *call) bool {
	if slices.Contains(runtimes, c.NR) {
		return false
	}
	switch c.NR {
	case unix.SYS_CLONE:
		if c.Args[0]&unix.CLONE_THREAD != 0 {
			return false
		}
	case unix.SYS_PRCTL:
		if c.Args[0] == unix.PR_SET_VMA {
			return false
		}
	case unix.SYS_RT_SIGPROCMASK: // all are blocked around a clone; the second call ends that
		first := c.Args[2] != 0
		if first || who.inMask {
			who.inMask = first
			return false
		}
	}
	// libcap's first look at the kernel: whatever it finds, the sets are read as the
	// kernel's newest, and nothing of ours reads what else it found.
	if c.NR == unix.SYS_CAPGET {
		who.inLibcap = c.Args[1] == 0
	}
	if who.inLibcap {
		return false
	}
	who.begun = who.begun || c.NR == unix.SYS_CAPGET || c.NR == unix.SYS_PRCTL && c.Args[0] == unix.PR_CAPBSET_READ
	return who.begun
}

func (c *call) opens() bool { return c.NR == unix.SYS_OPENAT || c.NR == unix.SYS_OPENAT2 }

// pathArgument is which argument is a path, -1 for none.
func (c *call) pathArgument() int {
	switch c.NR {
	case unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_READLINKAT, unix.SYS_NEWFSTATAT:
		return 1
	case unix.SYS_EXECVE, unix.SYS_CHDIR, unix.SYS_CHROOT:
		return 0
	}
	return -1
}

// onFiles are the calls on an open file.
var onFiles = []uint64{
	unix.SYS_FCHDIR, unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_FSTAT, unix.SYS_FSTATFS, unix.SYS_FGETXATTR, unix.SYS_CLOSE,
}

// read finds the path that the call is about, while the thread stands still.
func (c *call) read(files map[uint64]string) {
	i := c.pathArgument()
	if i < 0 {
		if slices.Contains(onFiles, c.NR) {
			c.Path = files[c.Args[0]]
		}
		return
	}
	var text []byte
	word := make([]byte, 8)
	for at := uintptr(c.Args[i]); !slices.Contains(text, 0) && len(text) < 4096; at += 8 {
		if _, err := syscall.PtracePeekData(c.tid, at, word); err != nil {
			break
		}
		text = append(text, word...)
	}
	c.Path, _, _ = strings.Cut(string(text), "\x00")
	if dir := files[c.Args[0]]; i == 1 && dir == "/proc" {
		c.Path = dir + "/" + c.Path
	}
}

// callNames are the calls that the programs make, as errors call them.
var callNames = map[uint64]string{
	unix.SYS_CAPGET: "capget", unix.SYS_CAPSET: "capset",
	unix.SYS_GETRESUID: "getresuid", unix.SYS_GETRESGID: "getresgid", unix.SYS_GETGROUPS: "getgroups",
	unix.SYS_SETFSUID: "setfsuid", unix.SYS_SETFSGID: "setfsgid",
	unix.SYS_SETRESUID: "setresuid", unix.SYS_SETRESGID: "setresgid", unix.SYS_SETGROUPS: "setgroups",
	unix.SYS_SETUID: "setuid", unix.SYS_SETGID: "setgid",
	unix.SYS_OPENAT: "open", unix.SYS_OPENAT2: "open", unix.SYS_READ: "read", unix.SYS_PREAD64: "read",
	unix.SYS_FSTAT: "fstat", unix.SYS_FCHOWN: "fchown", unix.SYS_NEWFSTATAT: "stat", unix.SYS_FSTATFS: "fstatfs", unix.SYS_FGETXATTR: "getxattr", unix.SYS_CLOSE: "close",
	unix.SYS_FCHDIR: "fchdir", unix.SYS_READLINKAT: "readlink", unix.SYS_UNAME: "uname", unix.SYS_UMASK: "umask", unix.SYS_PRLIMIT64: "prlimit",
	unix.SYS_CHROOT: "chroot", unix.SYS_CHDIR: "chdir", unix.SYS_EXECVE: "execve",
	unix.SYS_SECCOMP:                 "seccomp",
	unix.SYS_LANDLOCK_CREATE_RULESET: "landlock_create_ruleset",
	unix.SYS_LANDLOCK_ADD_RULE:       "landlock_add_rule",
	unix.SYS_LANDLOCK_RESTRICT_SELF:  "landlock_restrict_self",
	unix.SYS_RT_SIGACTION:            "rt_sigaction", unix.SYS_RT_SIGPROCMASK: "rt_sigprocmask",
	unix.SYS_PIPE2: "pipe2", unix.SYS_CLONE: "fork", unix.SYS_WAIT4: "wait4", unix.SYS_KILL: "kill", unix.SYS_WRITE: "write",
}

// prctls are the operations of prctl, and ambients those of PR_CAP_AMBIENT.
var prctls = map[uint64]string{
	unix.PR_CAPBSET_READ: "PR_CAPBSET_READ", unix.PR_CAPBSET_DROP: "PR_CAPBSET_DROP",
	unix.PR_GET_SECUREBITS: "PR_GET_SECUREBITS", unix.PR_SET_SECUREBITS: "PR_SET_SECUREBITS",
	unix.PR_GET_SECCOMP:      "PR_GET_SECCOMP",
	unix.PR_GET_NO_NEW_PRIVS: "PR_GET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS: "PR_SET_NO_NEW_PRIVS",
	unix.PR_SET_KEEPCAPS: "PR_SET_KEEPCAPS", unix.PR_SET_PDEATHSIG: "PR_SET_PDEATHSIG", unix.PR_GET_PDEATHSIG: "PR_GET_PDEATHSIG",
}

var ambients = map[uint64]string{
	unix.PR_CAP_AMBIENT_IS_SET: "PR_CAP_AMBIENT_IS_SET", unix.PR_CAP_AMBIENT_RAISE: "PR_CAP_AMBIENT_RAISE",
	unix.PR_CAP_AMBIENT_LOWER: "PR_CAP_AMBIENT_LOWER", unix.PR_CAP_AMBIENT_CLEAR_ALL: "PR_CAP_AMBIENT_CLEAR_ALL",
}

// words are what an error about the call must contain.
func (c *call) words() []string {
	switch {
	case c.NR != unix.SYS_PRCTL:
		return []string{c.name(), c.Path}
	case c.Args[0] == unix.PR_CAPBSET_READ || c.Args[0] == unix.PR_CAPBSET_DROP:
		return []string{c.name(), caps.Cap(c.Args[1]).String()}
	case c.Args[0] == unix.PR_CAP_AMBIENT && c.Args[1] != unix.PR_CAP_AMBIENT_CLEAR_ALL:
		return []string{c.name(), caps.Cap(c.Args[2]).String()}
	}
	return []string{c.name()}
}

// name is the call with its operation.
func (c *call) name() string {
	name := callNames[c.NR]
	if c.NR == unix.SYS_PRCTL {
		name = prctls[c.Args[0]]
		if c.Args[0] == unix.PR_CAP_AMBIENT {
			name = ambients[c.Args[1]]
		}
		if name != "" {
			return "prctl(" + name + ")"
		}
	}
	if name == "" {
		return fmt.Sprintf("call %d%x, which this test does not know", c.NR, c.Args)
	}
	return name
}

// String is the call for people; two runs of a program have the same ones.
func (c *call) String() string {
	where := ""
	if c.InChild {
		where = "in the child "
	}
	return where + strconv.Itoa(c.Index) + " " + strings.TrimSpace(strings.Join(c.words(), " "))
}
