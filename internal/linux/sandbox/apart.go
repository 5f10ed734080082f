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
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	defer unix.Close(pipe[0])
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(pipe[1])
		return nil
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{ApartName, text}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{uintptr(null), uintptr(pipe[1]), uintptr(null)},
	})
	unix.Close(null)
	unix.Close(pipe[1])
	if err != nil {
		return nil
	}
	answer, ended := readUntil(pipe[0], time.Now().Add(apartLimit))
	if !ended {
		unix.Kill(pid, unix.SIGKILL) // it ends once it can
		return nil
	}
	unix.Wait4(pid, nil, 0, nil)
	return answer
}

// readUntil reads a pipe up to its end, which ended says was reached in time.
func readUntil(fd int, limit time.Time) (text []byte, ended bool) {
	var buf [4096]byte
	for {
		left := time.Until(limit).Milliseconds()
		if left <= 0 {
			return nil, false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left))
		if err == unix.EINTR || err == nil && n == 0 {
			continue
		} else if err != nil {
			return nil, false
		}
		switch n, err = unix.Read(fd, buf[:]); {
		case err == unix.EINTR || err == unix.EAGAIN:
		case err != nil:
			return nil, false
		case n == 0:
			return text, true
		default:
			text = append(text, buf[:n]...)
		}
	}
}
