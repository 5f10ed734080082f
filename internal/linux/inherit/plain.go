//go:build !exactstart

package inherit

import (
	"os"
	"runtime"
	"syscall"
)

// Exact says whether this build knows all that the package speaks of.
const Exact = false

// Lacks is for people what a build that is not Exact lacks.
const Lacks = "plain go build: ignored signals, the blocked mask and closed descriptors are not handed on as they were; make build does"

// RestoreSignals does nothing in a plain build.
//
//go:nosplit
func RestoreSignals() (Call, syscall.Errno) { return RtSigaction, 0 }

// RestoreNofile does nothing in a plain build.
//
//go:nosplit
func RestoreNofile() (Call, syscall.Errno) { return Prlimit, 0 }

// Mask is 0 in a plain build, which does not know it.
func Mask() uint64 { return 0 }

// Nofile is nil in a plain build.
func Nofile() *syscall.Rlimit { return nil }

func tookOver(syscall.Signal) bool { return false }

// LockThread is runtime.LockOSThread.
func LockThread() { runtime.LockOSThread() }

// Environ is os.Environ.
func Environ() []string { return os.Environ() }
