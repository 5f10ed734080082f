// Package job is what the host and the guest say to each other: the list of test
// binaries to run, and the lines on the console that stand around their output.
package job

import "time"

// Job is one run of a test binary in a guest.
type Job struct {
	Name string
	// Dir is the package's directory in the source tree, "tests/kernel".
	Dir  string
	Args []string
	// Limit is how long the run may take.
	Limit time.Duration
}

// Binary is the file name of a package's test binary.
func (j Job) Binary() string { return BinaryOf(j.Dir) }

// BinaryOf is the file name of the test binary of the package in dir.
func BinaryOf(dir string) string {
	name := []byte(dir)
	for i, c := range name {
		if c == '/' {
			name[i] = '-'
		}
	}
	return string(name) + ".test"
}

// Where a guest finds its parts.
const (
	Top     = "/capsh"           // the payload is mounted here
	Source  = Top + "/src"       // the source tree: tests read their testdata
	Bin     = Top + "/bin"       // test binaries, the programs, compiled C programs
	List    = Top + "/jobs.json" // []Job, all of the architecture
	Modules = "/modules"         // in the initramfs: kernel modules, by name in their order
)

// The disks have serial numbers, by which a guest finds them: their order is a matter
// of chance.
const (
	RootDisk    = "root"
	PayloadDisk = "payload" // mounted at Top
)

// Names is on the kernel's command line, with the names of the jobs to run, "a,b".
const Names = "jobs="

// Marks begin the lines that are not output of a test.
const (
	Booted = "@booted" // and the kernel's release
	Begin  = "@begin"  // and the job's name
	End    = "@end"    // and the job's name, its exit status and its duration
	Done   = "@done"   // all jobs ran
	Broken = "@broken" // and why the guest could not go on
)
