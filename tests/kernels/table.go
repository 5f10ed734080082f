package main

import (
	"slices"
	"time"

	"capsh/tests/kernels/job"
)

// kernel is one that Debian has, as a package.
type kernel struct {
	Name string
	// Suite has the package; the newest whose name fits Package is taken.
	Suite, Package string
	Arch           string
	// Modules are what the disks need, where it is not built in.
	Modules []string
	// Append is for the kernel's command line.
	Append string
}

var (
	disks = []string{"virtio_pci", "virtio_blk", "ext4"}

	kernels = []*kernel{
		{Name: "6.1", Suite: "bookworm", Package: `^linux-image-6\.1\..*-cloud-amd64$`, Arch: "amd64", Modules: disks},
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
func (k *kernel) jobs() []job.Job {
	return jobs
}

var jobs = []job.Job{
	{Name: "predict", Dir: "tests/kernel", Args: []string{"-test.run=^TestPredict$", "-cases=150"}, Limit: 2 * time.Minute},
	{Name: "launch", Dir: "tests/kernel", Args: []string{"-test.run=^TestLaunch$", "-launches=200"}, Limit: 3 * time.Minute},
}

// skip is a test that some kernels can't run.
type skip struct {
	Kernels   []string // names; none means all
	Job, Test string
	Lacks     string // what testenv.Need called it
	Why       string
}

// skipTable has every test that is skipped in a guest. A skip that is not in it
// fails, and so does one of it that is none.
var skipTable = []skip{}

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
