package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/container"
)

// A file system that a program or another host serves (FUSE, NFS) may never answer,
// and the thread that waits for it may not even be killable by SIGKILL. So another
// process examines the files, and is left behind if it takes too long.

// ApartName is the name, args[0], by which this program is asked to look at files for
// another process: [Apart].
const ApartName = "capsh (looks at files)"

// apartLimit is how long is waited for it.
const apartLimit = 3 * time.Second

// job says what a process that looks apart is to look at.
type job struct {
	Root       procfs.Root
	PID, TID   int
	Own, Reach bool
}

// Apart does the job that it is sent and writes what it finds; nothing on an error.
func Apart(text string, stdout io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("%s: %w", ApartName, err)
	}
	f, err := j.read(procfs.Options{UserNS: true}, true)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(f.FileFacts)
}

// apart has another process look at the files. What it does not say within the limit
// is unknown.
func (j job) apart(f *container.Facts) {
	text, _ := json.Marshal(j) // of these types there is no error
	var read container.FileFacts
	if json.Unmarshal(ask(string(text)), &read) == nil {
		f.FileFacts = read
	}
}

// ask starts a process with a job and returns what it writes, nil if it does not end
// in time.
func ask(text string) []byte {
	var pipe [2]int
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC) != nil {
		return nil
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	pid := 0
	if err == nil {
		pid, err = syscall.ForkExec("/proc/self/exe", []string{ApartName, text}, &syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{uintptr(null), uintptr(pipe[1]), uintptr(null)},
		})
		unix.Close(null)
	}
	unix.Close(pipe[1])
	if err != nil {
		unix.Close(pipe[0])
		return nil
	}
	answer := make(chan []byte, 1)
	go func() {
		text, _ := procfs.ReadAll(pipe[0], nil, false)
		answer <- text
		unix.Close(pipe[0])
	}()
	select {
	case text := <-answer:
		unix.Wait4(pid, nil, 0, nil)
		return text
	case <-time.After(apartLimit):
		unix.Kill(pid, unix.SIGKILL) // it ends once it can
		return nil
	}
}
