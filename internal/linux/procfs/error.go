package procfs

import (
	"strconv"
	"syscall"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Reason says why a process could not be read.
type Reason uint8

const (
	// Failed is a call that failed for none of the reasons below.
	Failed Reason = iota
	// NoProcess: there is none with that id.
	NoProcess
	// MaybeHidden: hidepid keeps it from the reader, or there is none.
	MaybeHidden
	// NoThread: the process is there and has no such thread.
	NoThread
	// NotLeader: the id is that of a thread of another process.
	NotLeader
	// Denied: the reader may not look.
	Denied
	// Vanished: the process ended while it was read.
	Vanished
	// NotProcfs: the root has no processes.
	NotProcfs
	// Malformed: a file is not in the kernel's format.
	Malformed
)

// Error is why a process could not be read.
type Error struct {
	Reason Reason
	Root   Root
	// PID and TID are what was asked for; 0 for an error about the root itself.
	PID, TID int
	// File is the file of the process that the error is about, if there is one.
	File string
	// Leader is the process that a thread belongs to (NotLeader).
	Leader int
	// Hidepid is the root's mount option, "hidepid=invisible"; empty for none.
	Hidepid string
	// Caps are the sets that capget(2) shows of a process which hidepid hides.
	Caps cred.Known[caps.EPI]
	// Err is the failed call's errno, or what is malformed.
	Err error
}

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Err }

// Error is one line: "process 12: no such process".
func (e *Error) Error() string {
	if e.Reason == NotProcfs {
		return string(e.Root) + ": not a procfs"
	}
	process := "process " + strconv.Itoa(e.PID)
	switch e.Reason {
	case NoProcess:
		return process + ": no such process"
	case MaybeHidden:
		if e.Caps.OK {
			return process + " is hidden" + e.mount() + "; capget(2) shows " + e.Caps.Value.Text(caps.Named)
		}
		return process + " is not there or hidden" + e.mount()
	case NoThread:
		return process + ": no such thread " + strconv.Itoa(e.TID)
	case NotLeader:
		return process + ": is a thread of process " + strconv.Itoa(e.Leader)
	case Vanished:
		return process + ": vanished while it was read"
	}
	if e.TID != e.PID {
		process += "/" + strconv.Itoa(e.TID)
	}
	switch {
	case e.File == "":
	case e.Reason == Malformed:
		process += ": " + e.File
	default:
		process += ": reading " + e.File
	}
	text := process + ": " + e.Err.Error()
	if e.Reason == Denied {
		text += e.mount()
	}
	return text
}

func (e *Error) mount() string {
	if e.Hidepid == "" {
		return ""
	}
	return " (" + e.Hidepid + " on " + string(e.Root) + ")"
}

// gone reports an errno that procfs gives for a process that is not there: it
// is ENOENT when a name is looked up and ESRCH when an open file is read.
func gone(err error) bool { return err == syscall.ENOENT || err == syscall.ESRCH }

// Denies reports an errno that says that the reader may not look.
func Denies(err error) bool { return err == syscall.EACCES || err == syscall.EPERM }
