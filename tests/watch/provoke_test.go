package watch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"

	"golang.org/x/sys/unix"
)

// provokeVariable names what this program does when it is run by its own tests: one
// thing that makes the kernel check. dropVariable is a capability that it lacks then.
const (
	provokeVariable = "WATCH_PROVOKE"
	dropVariable    = "WATCH_DROP"
)

// provocations make each entry of the table of package checks happen, by the
// functions that the entry names. What they return is why the system call failed.
var provocations = map[string]func(dir string) error{
	"security_vm_enough_memory_mm": func(string) error {
		_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		return err
	},
	"do_jit": func(string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		accept := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &accept})
	},
	"bpf_check":             loadBPF,
	"bpf_prog_kallsyms_add": loadBPF,
	"do_task_stat":          ofOther(func(proc string) error { return read(proc + "/stat") }),
	"simple_xattr_list": func(string) error {
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		_, err = unix.Flistxattr(fd, nil)
		return err
	},
	"pagemap_read":        func(string) error { return read("/proc/self/pagemap") },
	"r_show":              func(string) error { return read("/proc/iomem") },
	"kallsyms_show_value": func(string) error { return read("/proc/kallsyms") },
	"io_uring_setup": func(string) error {
		var params [120]byte
		return call(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)), 0)
	},
	"has_capability_noaudit __set_oom_adj": func(string) error {
		return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	},
	"capable dev_ioctl": func(string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		ifreq, err := unix.NewIfreq("nosuch0")
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifreq); err != unix.ENODEV {
			return fmt.Errorf("ioctl: %v", err)
		}
		return nil
	},
	"sysctl_perm link_path_walk": func(string) error {
		var st unix.Stat_t
		return unix.Stat("/proc/sys/net/ipv4/ip_forward", &st)
	},
	"sysctl_perm vfs_read": func(string) error { return read("/proc/sys/net/ipv4/ip_forward") },
	"sysctl_perm":          func(string) error { return read("/proc/sys/net/ipv4/ip_forward") },
	"__inet_diag_dump":     dumpSockets,
	"do_faccessat": foreign(0o600, func(path string) error {
		return unix.Access(path, unix.R_OK)
	}),
	"proc_mem_open": ofOther(func(proc string) error { return read(proc + "/environ") }),
	"call_proc_get_link": ofOther(func(proc string) error {
		_, err := os.Readlink(proc + "/exe")
		return err
	}),
	"cap_capset": func(string) error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			return err
		}
		return unix.Capset(&header, &data[0])
	},
	"cap_bprm_creds_from_file": foreign(0, func(path string) error {
		program, err := os.ReadFile("/bin/true")
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, program, 0); err != nil {
			return err
		}
		if err := unix.Chmod(path, 0o4755); err != nil {
			return err
		}
		return exec.Command("strace", "-o", "/dev/null", path).Run()
	}),
	"setattr_prepare": foreign(0o600, func(path string) error { return unix.Chmod(path, 0o755) }),
	"setattr_copy":    foreign(0o600, func(path string) error { return unix.Chmod(path, 0o755) }),
	"mode_strip_sgid": foreign(0, func(path string) error {
		dir := path + ".d"
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Chown(dir, 0, 12345); err != nil {
			return err
		}
		if err := unix.Chmod(dir, 0o2775); err != nil {
			return err
		}
		_, err := unix.Open(dir+"/f", unix.O_CREAT|unix.O_WRONLY, 0o2775)
		return err
	}),
	"setattr_should_drop_suidgid": foreign(0o4666, func(path string) error {
		fd, err := unix.Open(path, unix.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("x"))
		return err
	}),
	"can_nice":      func(string) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -1) },
	"__set_oom_adj": func(string) error { return os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0) },
	"do_prlimit": func(string) error {
		var limit unix.Rlimit
		if err := unix.Prlimit(0, unix.RLIMIT_CORE, nil, &limit); err != nil {
			return err
		}
		lower := unix.Rlimit{Cur: 0, Max: 4096}
		if err := unix.Prlimit(0, unix.RLIMIT_CORE, &lower, nil); err != nil {
			return err
		}
		return unix.Prlimit(0, unix.RLIMIT_CORE, &unix.Rlimit{Cur: 0, Max: 8192}, nil)
	},
	"may_open": foreign(0o666, func(path string) error {
		_, err := unix.Open(path, unix.O_RDONLY|unix.O_NOATIME, 0)
		return err
	}),
	"capable sk_setsockopt": func(string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20)
	},
	"audit_receive": func(string) error {
		const auditUser = 1005 // AUDIT_USER of uapi/linux/audit.h
		return request(unix.NETLINK_AUDIT, auditUser, unix.NLM_F_ACK, []byte("op=test"))
	},
}

// call is a system call that x/sys/unix has no function for.
func call(number, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall(number, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

// read reads something of a file.
func read(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	_, err = unix.Read(fd, make([]byte, 4096))
	return err
}

// loadBPF loads a program that returns 0.
func loadBPF(string) error {
	program := []uint64{0xb7, 0x95} // r0 = 0; exit
	license := []byte("GPL\x00")
	attr := struct {
		kind, count    uint32
		insns, license uint64
		rest           [12]uint64
	}{1, 2, uint64(uintptr(unsafe.Pointer(&program[0]))), uint64(uintptr(unsafe.Pointer(&license[0]))), [12]uint64{}}
	return call(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
}

// ofOther does something with the directory in /proc of another user's process.
func ofOther(do func(proc string) error) func(string) error {
	return func(string) error {
		cmd := exec.Command("/bin/sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := cmd.Start(); err != nil {
			return err
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		return do("/proc/" + strconv.Itoa(cmd.Process.Pid))
	}
}

// foreign does something with a file of another user and group.
func foreign(mode uint32, do func(path string) error) func(dir string) error {
	return func(dir string) error {
		path := dir + "/f"
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		if err := unix.Chown(path, 12345, 12345); err != nil {
			return err
		}
		if err := unix.Chmod(path, mode); err != nil {
			return err
		}
		return do(path)
	}
}

// request sends a netlink message and waits for the first answer.
func request(family int, kind, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, family)
	if err != nil {
		return err
	}
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	*(*unix.NlMsghdr)(unsafe.Pointer(&message[0])) = unix.NlMsghdr{
		Len: uint32(cap(message)), Type: kind, Flags: flags | unix.NLM_F_REQUEST,
	}
	if err := unix.Sendto(fd, append(message, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 1<<16)
	n, err := unix.Read(fd, answer)
	if err != nil {
		return err
	}
	if (*unix.NlMsghdr)(unsafe.Pointer(&answer[0])).Type != unix.NLMSG_ERROR || n < unix.NLMSG_HDRLEN+4 {
		return nil
	}
	if errno := *(*int32)(unsafe.Pointer(&answer[unix.NLMSG_HDRLEN])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

// dumpSockets lists TCP sockets, as ss(8) does.
func dumpSockets(string) error {
	const byFamily = 20 // SOCK_DIAG_BY_FAMILY
	body := make([]byte, 56)
	body[0], body[1] = unix.AF_INET, unix.IPPROTO_TCP
	for i := range body[4:8] { // all states
		body[4+i] = 0xff
	}
	return request(unix.NETLINK_SOCK_DIAG, byFamily, unix.NLM_F_DUMP, body)
}

// provoke is what this program does instead of its tests.
func provoke(name string) int {
	runtime.LockOSThread()
	do, ok := provocations[name]
	dir, err := os.MkdirTemp("", "watch")
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, name, err)
		return 2
	}
	defer os.RemoveAll(dir)
	if lost := os.Getenv(dropVariable); lost != "" {
		set, err := caps.ParseList(lost, 0)
		if err == nil {
			err = setEffective(set, false)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	if err := do(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// setEffective makes capabilities of this thread effective, or not.
func setEffective(set caps.Set, on bool) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for i := range data {
		data[i].Effective &^= uint32(set >> (32 * i))
		if on {
			data[i].Effective |= uint32(set >> (32 * i))
		}
	}
	return unix.Capset(&header, &data[0])
}

// tableEntry is an entry of the table of package checks, as its source has it.
type tableEntry struct {
	functions, calls, kind, reason string
}

// readTable reads the table from its source.
func readTable(t *testing.T) (list []tableEntry) {
	t.Helper()
	path := filepath.Join("..", "..", "internal", "rules", "checks", "table.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	spec := file.Scope.Lookup("entries").Decl.(*ast.ValueSpec)
	for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
		fields := element.(*ast.CompositeLit).Elts
		var functions []string
		for _, f := range fields[0].(*ast.CompositeLit).Elts {
			functions = append(functions, text(t, f))
		}
		list = append(list, tableEntry{strings.Join(functions, " "), text(t, fields[1]), strings.ToLower(fields[3].(*ast.Ident).Name), text(t, fields[4])})
	}
	return list
}

func text(t *testing.T, e ast.Expr) string {
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTable, on a kernel like those that the table was made from, provokes each entry of the table by real system calls. With an incidental one the call
// does the same where the capability is missing.
func TestTable(t *testing.T) {
	tracepoint(t)
	table := readTable(t)
	if len(table) != len(provocations) {
		t.Errorf("%d entries in the table, %d provocations", len(table), len(provocations))
	}
	for _, entry := range table {
		t.Run(entry.functions, func(t *testing.T) {
			if provocations[entry.functions] == nil {
				t.Fatal("nothing provokes it")
			}
			if entry.calls != "" {
				provokedHidden(t, entry)
			}
			seen := provoked(t, entry, "")
			if seen == 0 {
				return
			}
			if entry.kind != "incidental" {
				return
			}
			for c := range seen.All() {
				provoked(t, entry, c.String())
			}
		})
	}
}

// provokedHidden runs a provocation where the kernel hides its symbols: the system call
// then leads to the same entry.
func provokedHidden(t *testing.T, entry tableEntry) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), provokeVariable+"="+entry.functions)
	found, _ := runHidden(t, cmd)
	for _, s := range found.Seen {
		if s.Verdict.Reason == entry.reason && s.Verdict.Kind.String() == entry.kind && s.Verdict.Asker == "" {
			return
		}
	}
	t.Errorf("by system call: no check was judged so: %s", summary(found))
}

// runHidden is run without CAP_SYSLOG in the effective set of the thread that starts
// to watch.
func runHidden(t *testing.T, cmd *exec.Cmd) (*checks.Found, error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setEffective(caps.Of(caps.Syslog), false); err != nil {
		t.Fatal(err)
	}
	defer setEffective(caps.Of(caps.Syslog), true)
	return run(t, cmd, nil)
}

// provoked runs a provocation and returns the capabilities whose checks were judged by
// the entry. It must work, with all capabilities as without the lost one.
func provoked(t *testing.T, entry tableEntry, lost string) (judged caps.Set) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), provokeVariable+"="+entry.functions, dropVariable+"="+lost)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	found := watched(t, cmd, nil)
	for _, s := range found.Seen {
		if s.Verdict.Reason != entry.reason || s.Verdict.Kind.String() != entry.kind {
			continue
		}
		if lost == "" || !s.Granted && s.Cap.String() == lost {
			judged |= s.Cap.Set()
		}
	}
	if judged == 0 {
		t.Errorf("without %q: no check was judged so: %s", lost, summary(found))
	}
	// The environment of the tests may lack what an optional one is about.
	if !cmd.ProcessState.Success() && (entry.kind == "incidental" || lost != "") {
		t.Errorf("without %q: %s", lost, stderr.String())
	}
	return judged
}

// summary lists what was found but the mappings.
func summary(f *checks.Found) string {
	var lines []string
	for _, s := range f.Seen {
		if s.Verdict.Asker != "security_vm_enough_memory_mm" {
			lines = append(lines, fmt.Sprintf("%s granted=%v %s by %s (%s)", s.Cap, s.Granted, s.Syscall, s.Verdict.Asker, s.Verdict.Kind))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
