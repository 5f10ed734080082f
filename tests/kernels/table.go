package main

import (
	"cmp"
	"slices"
	"time"

	"capsh/tests/kernels/job"
)

// kernel is one that Debian has, as a package.
type kernel struct {
	Name string
	// Suite has the package; the newest whose name fits Package is taken.
	Suite, Package string
	// Split says that its modules are in a package of their own.
	Split bool
	Arch  string
	// Modules are what the disks need, where it is not built in.
	Modules []string
	// Jobs are the names of those that run; none means all but those of onlyOn.
	Jobs []string
	// Append is for the kernel's command line.
	Append string
}

var (
	disks = []string{"crc32c_generic", "virtio_pci", "virtio_blk", "ext4"}

	kernels = []*kernel{
		{Name: "5.10", Suite: "bullseye-security", Package: `^linux-image-5\.10\..*-cloud-amd64$`, Arch: "amd64", Modules: disks},
		{Name: "6.1", Suite: "bookworm", Package: `^linux-image-6\.1\..*-cloud-amd64$`, Arch: "amd64", Modules: disks},
		{Name: "6.12", Suite: "trixie", Package: `^linux-image-6\.12\..*-cloud-amd64$`, Arch: "amd64", Modules: disks, Append: "security=selinux selinux=1"},
		{Name: "newest", Suite: "trixie-backports", Package: `^linux-binary-[0-9].*-cloud-amd64$`, Split: true, Arch: "amd64", Modules: disks},
		// Big-endian, and another architecture: the rules, and what reads.
		{Name: "s390x", Suite: "bookworm", Package: `^linux-image-6\.1\..*-s390x$`, Arch: "s390x", Modules: disks,
			Jobs: []string{"predict", "self", "procfs"}},
	}
)

// console is the device of the first serial line.
func (k *kernel) console() string {
	if k.Arch == "s390x" {
		return "ttysclp0"
	}
	return "ttyS0"
}

func (k *kernel) emulator() string {
	if k.Arch == "s390x" {
		return "qemu-system-s390x"
	}
	return "qemu-system-x86_64"
}

// jobs are what runs on a kernel.
func (k *kernel) jobs() (names []string) {
	for _, j := range jobs {
		on := cmp.Or(onlyOn[j.Name], k.Name) == k.Name
		if k.Jobs != nil {
			on = slices.Contains(k.Jobs, j.Name)
		}
		if on && chosen(*jobsFlag, j.Name) {
			names = append(names, j.Name)
		}
	}
	return names
}

// jobsOn are those of an architecture's kernels.
func jobsOn(arch string) (list []job.Job) {
	for _, j := range jobs {
		if slices.ContainsFunc(kernels, func(k *kernel) bool {
			return k.Arch == arch && chosen(*onlyFlag, k.Name) && slices.Contains(k.jobs(), j.Name)
		}) {
			list = append(list, j)
		}
	}
	return list
}

// limit is for one job, on a host that is busy with other things.
const limit = 20 * time.Minute

// jobs are what runs in a guest. Left out are tests that load the host to find
// races, which take minutes in an emulator and are not about the kernel.
var jobs = []job.Job{
	{Name: "predict", Dir: "tests/kernel", Args: []string{"-test.run=^TestPredict$", "-cases=120"}, Limit: limit},
	{Name: "launch", Dir: "tests/kernel", Args: []string{"-test.run=^TestLaunch$", "-launches=200"}, Limit: limit},
	{Name: "self", Dir: "internal/linux/self", Limit: limit},
	{Name: "procfs", Dir: "internal/linux/procfs", Args: []string{"-test.skip=^TestChurn$"}, Limit: limit},
	{Name: "bpfiter", Dir: "internal/linux/bpfiter", Args: []string{"-test.skip=^TestManyTimes$"}, Limit: limit},
	{Name: "files", Dir: "internal/linux/files", Args: []string{"-test.skip=^(TestWalk|TestWalkDeep|TestHeadKernel|TestELFKernel)$"}, Limit: limit},
	{Name: "sandbox", Dir: "internal/linux/sandbox", Args: []string{"-test.skip=^TestNodesBounds$"}, Limit: limit},
	{Name: "scripts", Dir: "tests/scripts", Args: []string{"-test.run=^(TestCapset|TestCapsh)$"}, Limit: limit},
	{Name: "commands", Dir: "tests/commands", Args: []string{"-test.run=^TestEachCommand$"}, Limit: limit},
	{Name: "differ", Dir: "tests/differ", Args: []string{"-test.run=^TestPrint$"}, Limit: limit},
	{Name: "fault", Dir: "tests/fault", Args: []string{"-test.run=^(TestCapset|TestFilterAnswers)$/^(user_keeps)?$", "-every=30"}, Limit: limit},
	{Name: "inside", Dir: "tests/kernels/inside", Args: []string{"-test.skip=^(TestContainers|TestCgroup2)$"}, Limit: limit},
	{Name: "containers", Dir: "tests/kernels/inside", Args: []string{"-test.run=^(TestContainers|TestCgroup2)$"}, Limit: limit},
	{Name: "catalog", Dir: "tests/kernel", Args: []string{"-test.run=^TestCatalog$"}, Limit: limit},
	{Name: "watch", Dir: "tests/watch", Args: []string{"-test.skip=^(TestShortChildren|TestLoss|TestStrace)$"}, Limit: limit},
}

// onlyOn has the jobs that run on one kernel: watch where only kprobes can, before
// the tracepoint of Linux 6.14. (Without TestStrace: a check of mount's access(2) is
// missing there, or its call chain names no system call.)
var onlyOn = map[string]string{"containers": "newest", "catalog": "newest", "watch": "6.1"}

// skip is a test that some kernels can't run.
type skip struct {
	Kernels   []string // names; none means all
	Job, Test string
	Lacks     string // what testenv.Need called it
	Why       string
}

// skipTable has every test that is skipped in a guest. A skip that is not in it
// fails, and so does one of it that is none.
var skipTable = []skip{
	{Kernels: []string{"5.10"}, Job: "bpfiter", Test: "TestUnavailable/under_Landlock", Lacks: "landlock", Why: "Landlock came with Linux 5.13"},
	{Kernels: []string{"5.10"}, Job: "scripts", Test: "TestCapset/confine", Lacks: "landlock", Why: "Landlock came with Linux 5.13"},
	{Kernels: []string{"5.10", "6.1"}, Job: "scripts", Test: "TestCapset/network", Lacks: "landlock for the network", Why: "it came with Linux 6.7, for signals with 6.12"},
	{Kernels: []string{"5.10"}, Job: "scripts", Test: "TestCapset/folder", Lacks: "landlock", Why: "Landlock came with Linux 5.13"},
	{Kernels: []string{"5.10"}, Job: "fault", Test: "TestFilterAnswers", Lacks: "landlock", Why: "Landlock came with Linux 5.13"},
	{Kernels: []string{"5.10"}, Job: "inside", Test: "TestAppArmor/with_Landlock", Lacks: "landlock", Why: "Landlock came with Linux 5.13"},
	{Kernels: []string{"6.1"}, Job: "watch", Test: "TestTable", Lacks: "the tracepoint capability:cap_capable", Why: "it came with Linux 6.14"},
	{Kernels: []string{"6.1"}, Job: "watch", Test: "TestOverlay", Lacks: "the tracepoint capability:cap_capable", Why: "it came with Linux 6.14"},
	{Kernels: []string{"newest"}, Job: "catalog", Test: "TestCatalog/net_bind_service/vsock-port", Why: "the cloud kernel has no vsock"},
	{Kernels: []string{"6.12"}, Job: "inside", Test: "TestAppArmor", Lacks: "apparmor", Why: "SELinux is on"},
	{Kernels: []string{"6.12"}, Job: "inside", Test: "TestAppArmorOther", Lacks: "apparmor", Why: "SELinux is on"},
	{Kernels: []string{"6.12"}, Job: "inside", Test: "TestAppArmorConfined", Lacks: "apparmor", Why: "SELinux is on"},
	{Kernels: []string{"6.12"}, Job: "inside", Test: "TestSELinuxAbsent", Lacks: "apparmor", Why: "SELinux is on"},
	{Kernels: []string{"5.10", "6.1", "newest"}, Job: "inside", Test: "TestSELinux", Lacks: "selinux", Why: "AppArmor is on"},
}

func (s *skip) on(k *kernel) bool { return s.Kernels == nil || slices.Contains(s.Kernels, k.Name) }

// expects is the table's entry for a skip, or nil.
func (k *kernel) expects(name string, what skipped) *skip {
	for i := range skipTable {
		if s := &skipTable[i]; s.on(k) && s.Job == name && s.Test == what.test && s.Lacks == what.lacks {
			return s
		}
	}
	return nil
}
