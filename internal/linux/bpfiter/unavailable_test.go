package bpfiter

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/linux/procfs"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

// TestUnavailable: who may not have the table does not ask for it, and who asks in vain
// gets everything from the files.
func TestUnavailable(t *testing.T) {
	need(t)
	inUserNS := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	inPIDNS := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	for _, c := range []struct {
		name, how string
		attr      *syscall.SysProcAttr
		want      string
	}{
		{"root", "", nil, "asks, has it"},
		{"without CAP_BPF", "39", nil, "does not ask, has it"}, // by CAP_SYS_ADMIN
		{"without CAP_PERFMON", "38", nil, "does not ask, has it"},
		{"without CAP_SYS_PTRACE", "19", nil, "does not ask, has it"},
		{"refused it", "39,21", nil, "does not ask, has none"},
		{"with a seccomp filter", "seccomp", nil, "does not ask, has it"},
		{"in a user namespace", "", inUserNS, "does not ask, has none"},
		{"in a PID namespace, of the procfs outside", "", inPIDNS, "does not ask, has it"},
		{"in a PID namespace, of its own procfs", "mount", inPIDNS, "does not ask, has it"},
		{"where the kernel's types are a file", "types", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}, "asks, has none"},
		{"under Landlock", "landlock", nil, "does not ask, has it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.how == "landlock" {
				testenv.Landlock(t)
			}
			if h := helper.Start(t, "unavailable", c.attr, "PROBE_HOW="+c.how); h.First != c.want {
				t.Errorf("%s, not %s", h.First, c.want)
			}
		})
	}
}

// helperUnavailable says whether it would ask for the table, and what comes of it if it
// does.
func helperUnavailable() {
	how := os.Getenv("PROBE_HOW")
	switch {
	case how == "seccomp":
		helper.Must("seccomp", helper.RefusePrctl(unix.PR_SET_KEEPCAPS, 0))
	case how == "landlock":
		helper.Must("landlock", landlock())
		again("")
	case how == "types":
		types, err := os.ReadFile("/sys/kernel/btf/vmlinux")
		helper.Must("read", err)
		helper.Must("mount", unix.Mount("none", "/sys/kernel/btf", "tmpfs", 0, ""))
		helper.Must("write", os.WriteFile("/sys/kernel/btf/vmlinux", types, 0o444))
	case how == "mount":
		helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		helper.Must("mount", unix.Mount("proc", "/proc", "proc", 0, ""))
	case how != "":
		for number := range strings.SplitSeq(how, ",") {
			n, _ := strconv.Atoi(number)
			helper.Must("drop", unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0))
		}
		again("")
	}
	var spied spy
	answer := "does not ask, has none"
	s, err := procfs.Proc.Scan(procfs.ScanOptions{OpenTable: func(r procfs.TableRequest) procfs.Table {
		table := spied.open(r)
		if table != nil {
			answer = "asks, has none"
		}
		return table
	}})
	helper.Must("scan", err)
	var all []int
	procfs.Batches(s, func(*procfs.Reader) func([]int) []int { return slices.Clone[[]int] },
		func(pids []int) { all = append(all, pids...) })
	s.Close()
	table := start(false)
	if len(table.UpTo(1<<30, nil)) > 0 {
		answer = strings.Replace(answer, "none", "it", 1)
	}
	table.Close()
	for _, pid := range []int{1, os.Getpid()} {
		if self, err := procfs.Proc.Self(); err != nil || self == os.Getpid() && !slices.Contains(all, pid) {
			answer = fmt.Sprintf("process %d is missing, %v", pid, err)
		}
	}
	fmt.Println(answer)
}

// landlock keeps this thread from making block devices, and from looking at others.
func landlock() error {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK}
	fd, _, err := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), 8, 0)
	if err != 0 {
		return err
	}
	if _, _, err := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); err != 0 {
		return err
	}
	return nil
}

// TestKernelTypes: read or mapped, the kernel's types are the same.
func TestKernelTypes(t *testing.T) {
	need(t)
	withKernelTypes(func(mapped []byte) {
		f, err := os.Open("/sys/kernel/btf/vmlinux")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		copied, err := copyFile(int(f.Fd()), len(mapped))
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(copied)
		if !bytes.Equal(copied, mapped) || len(mapped) < 1<<20 {
			t.Errorf("%d bytes mapped, %d read, not the same", len(mapped), len(copied))
		}
		if data, err := copyFile(int(f.Fd()), len(mapped)); err == nil {
			t.Errorf("%d bytes at the end of the file", len(data))
		}
	})
}

// TestOtherStructs: of a kernel whose structs are others there are no programs.
func TestOtherStructs(t *testing.T) {
	need(t)
	withKernelTypes(func(data []byte) {
		for name, want := range map[string]bool{iterator: true, "bpf_iter_bpf_map": false, "bpf_iter_bpf_prog": false, "none": false} {
			types, function, err := btf.Parse(data, name)
			if err != nil || function == 0 && name != "none" {
				t.Fatal(name, function, err)
			}
			leaders, threads := leadersProgram(types, function, false), threadsProgram(types, function)
			if (leaders != nil) != want || (threads != nil) != want {
				t.Errorf("%s: %d and %d instructions", name, len(leaders), len(threads))
			}
		}
	})
}

// again starts this helper anew, to do what its argument says: all of its threads then have
// what this one has given them.
func again(how string) {
	os.Setenv("PROBE_HOW", how)
	helper.Must("exec", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}
