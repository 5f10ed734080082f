package btf_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	cilium "github.com/cilium/ebpf/btf"

	"capsh/internal/linux/bpfiter/btf"
	"capsh/internal/testenv"
)

// paths lead from a task_struct to what the programs of package bpfiter read; a "*"
// is what a pointer or an array leads to.
const paths = `
pid tgid flags __state atomic_flags comm seccomp.mode mm group_leader
signal.*.nr_threads real_parent.*.tgid
thread_pid.*.level thread_pid.*.numbers thread_pid.*.numbers.*.nr
nsproxy.*.mnt_ns nsproxy.*.mnt_ns.*.ns.inum
real_cred.*.cap_effective real_cred.*.cap_permitted real_cred.*.cap_inheritable real_cred.*.cap_bset real_cred.*.cap_ambient
real_cred.*.uid real_cred.*.euid real_cred.*.suid real_cred.*.fsuid
real_cred.*.gid real_cred.*.egid real_cred.*.sgid real_cred.*.fsgid
real_cred.*.securebits real_cred.*.user_ns.*.ns.inum
real_cred.*.group_info real_cred.*.group_info.*.ngroups real_cred.*.group_info.*.gid`

// TestAgainstCilium: cilium/ebpf finds the members of the running kernel's structs
// where we do.
func TestAgainstCilium(t *testing.T) {
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	testenv.Need(t, "/sys/kernel/btf/vmlinux", err == nil, "the kernel has no BTF")
	types, function, err := btf.Parse(data, "bpf_iter_task")
	if err != nil || function == 0 {
		t.Fatal(function, err)
	}
	spec, err := cilium.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var task *cilium.Struct
	if err := spec.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(paths) {
		t.Run(path, func(t *testing.T) {
			ours := btf.Member{Type: parameter(t, types, function, 1)}
			var theirs cilium.Type = task
			for name := range strings.SplitSeq(path, ".") {
				if name == "*" {
					of, ok := types.Elem(ours.Type)
					if !ok {
						t.Fatal("leads to nothing")
					}
					ours, theirs = btf.Member{Type: of}, elem(theirs)
					continue
				}
				m, ok := types.Member(ours.Type, name)
				offset, of, found := member(theirs, name)
				size, sizeErr := cilium.Sizeof(of)
				if !ok || !found || m.Offset != offset || sizeErr == nil && int(m.Size) != size {
					t.Fatalf("%s: %+v, %v; cilium/ebpf has %d, %d bytes, %v", name, m, ok, offset, size, found)
				}
				ours, theirs = m, of
			}
		})
	}
}

// elem is what a pointer or array leads to.
func elem(t cilium.Type) cilium.Type {
	switch t := cilium.UnderlyingType(t).(type) {
	case *cilium.Pointer:
		return t.Target
	case *cilium.Array:
		return t.Type
	}
	return nil
}

// member finds a member of a struct or union, or of an unnamed one within it; the
// offset is in bytes.
func member(t cilium.Type, name string) (offset uint32, of cilium.Type, found bool) {
	var members []cilium.Member
	switch t := cilium.UnderlyingType(t).(type) {
	case *cilium.Struct:
		members = t.Members
	case *cilium.Union:
		members = t.Members
	}
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), m.Type, true
		}
		if m.Name == "" {
			if offset, of, found = member(m.Type, name); found {
				return m.Offset.Bytes() + offset, of, true
			}
		}
	}
	return 0, nil, false
}
