package testenv

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// Result is what a command left behind.
type Result struct {
	Out, Err string
	Code     int // the exit status; 128 + the signal that ended it
}

// Run runs a command to its end. Its Stdout and Stderr are read unless they are
// set already.
func Run(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &errs
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd, err)
	}
	r := Result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		r.Code = 128 + int(status.Signal())
	}
	return r
}
