package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"capsh/tests/kernels/job"
)

// machine is what a virtual machine starts with.
type machine struct {
	kernel
	Image, Initramfs string
	Root, Payload    string
}

// command is the emulator's command line. The disks' images are not written to.
// Mitigations are off: with them the emulator forgets what it knows of the memory at
// each system call.
func (m *machine) command(ctx context.Context) *exec.Cmd {
	args := []string{
		"-accel", "tcg,thread=single", "-smp", "2", "-m", "2048", "-nographic", "-no-reboot", "-monitor", "none", "-serial", "stdio", "-nic", "none",
		"-kernel", m.Image, "-initrd", m.Initramfs,
		"-append", fmt.Sprintf("console=%s quiet loglevel=1 panic=-1 mitigations=off %s%s %s", m.console(), job.Names, strings.Join(m.jobs(), ","), m.Append),
	}
	for serial, disk := range map[string]string{job.RootDisk: m.Root, job.PayloadDisk: m.Payload} {
		args = append(args, "-drive", "file="+disk+",format=raw,if=none,snapshot=on,id="+serial, "-device", "virtio-blk,drive="+serial+",serial="+serial)
	}
	cmd := exec.CommandContext(ctx, m.emulator(), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run boots the machine and returns what it said of each job. The console's text
// goes to log as it comes.
func (m *machine) run(limit time.Duration, log io.Writer) (*session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := m.command(ctx)
	cmd.Stderr = os.Stderr
	console, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := readConsole(io.TeeReader(console, log))
	err = cmd.Wait()
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("it did not end within %v", limit)
	case err == nil && !s.done:
		err = fmt.Errorf("it ended before its jobs did")
	}
	return s, err
}

// session is what a console said.
type session struct {
	release string
	cpu     time.Duration // of the emulator
	results []result
	done    bool
}

// result is a job's end.
type result struct {
	name, status, time string
	lines              []string
}

// readConsole reads a console to its end.
func readConsole(console io.Reader) *session {
	s := &session{}
	var now result
	lines := bufio.NewReader(console)
	for {
		line, err := lines.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case job.Booted:
			s.release = rest
		case job.Begin:
			now = result{name: rest, status: "not ended"}
		case job.End:
			fmt.Sscan(rest, &now.name, &now.status, &now.time)
			s.results = append(s.results, now)
			now = result{}
		case job.Done:
			s.done = true
		default:
			now.lines = append(now.lines, line)
		}
		if err != nil {
			break
		}
	}
	if now.name != "" {
		s.results = append(s.results, now)
	}
	return s
}
