package trial

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/apply"
)

// Command is a program to run under a keeper.
type Command struct {
	Path      string
	Argv, Env []string
	// Launch says that it is this program that launches the command: Argv are its
	// options and the command, there is no Path.
	Launch bool
	// Hold makes a launch wait for [Process.Release] before it does anything.
	Hold bool
	// Stdin is the file to read from; empty for /dev/null.
	Stdin string
	// CIDFile is where it writes the id of a container, which its end does not end, if it
	// is a container engine's client: in a directory that does not exist yet.
	CIDFile string
}

// Process is a command that was started, and its keeper.
type Process struct {
	keeper          int
	control, report *os.File
	gate            *os.File // nil where nothing waits for it
	out, err        *capture
	started         time.Time
	pid             chan int
	ended           chan Ended
}

// Ended is how a command went, once it has ended itself; what it has started may
// live on.
type Ended struct {
	Status unix.WaitStatus
	// Refused is why it was not started, or not as it was to be; see [Refuse].
	Refused *Refusal
	Took    time.Duration
	// Err says that the keeper is gone.
	Err error
}

// Start starts a command under a keeper of its own, in a session of its own. An
// error leaves nothing behind.
func Start(c *Command) (_ *Process, err error) {
	stdin, err := openStdin(c.Stdin)
	if err != nil {
		return nil, err
	}
	ours, theirs := []*os.File{}, []*os.File{stdin}
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ours)
		}
	}()
	connect := func(weRead bool) (our *os.File, their int) {
		if err != nil {
			return nil, 0
		}
		r, w, pipeErr := pipe(weRead)
		if err = pipeErr; err != nil {
			return nil, 0
		}
		if !weRead {
			r, w = w, r
		}
		ours, theirs = append(ours, r), append(theirs, w)
		return r, int(w.Fd())
	}
	p := &Process{pid: make(chan int, 1), ended: make(chan Ended, 1)}
	k := keeper{gate: noGate, cidFile: c.CIDFile}
	p.control, k.control = connect(false)
	p.report, k.report = connect(true)
	out, stdout := connect(true)
	errs, stderr := connect(true)
	pass := []int{k.control, k.report}
	if c.Hold {
		p.gate, k.gate = connect(false)
		pass = append(pass, k.gate)
	}
	if err != nil {
		return nil, err
	}
	k.program.Path, k.program.Argv = c.Path, c.Argv
	if c.Launch {
		k.program.Path, k.program.Argv = Self(), append([]string{LaunchName, handed(k.report), handed(k.gate)}, c.Argv...)
	}
	p.started = time.Now()
	p.keeper, err = apply.Spawn(&apply.Program{
		Path: Self(), Argv: k.args(), Env: c.Env, Session: true, Stdio: &[3]int{int(stdin.Fd()), stdout, stderr}, Pass: pass,
	})
	if err != nil {
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	p.out, p.err = newCapture(out), newCapture(errs)
	go p.listen()
	return p, nil
}

func closeAll(list []*os.File) {
	for _, f := range list {
		f.Close()
	}
}

// pipe is a pipe of which no program gets an end unasked. The reading end may have
// deadlines, if it does not block; the writing end does, as what inherits it expects.
func pipe(deadlines bool) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("pipe2: %w", err)
	}
	unix.SetNonblock(fds[0], deadlines)
	return os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe"), nil
}

// openStdin opens the input; where there is no /dev/null it is as empty.
func openStdin(name string) (*os.File, error) {
	if name != "" {
		return os.Open(name)
	}
	f, err := os.Open(os.DevNull)
	if err == nil {
		return f, nil
	}
	r, w, err := pipe(false)
	if err == nil {
		w.Close()
	}
	return r, err
}

// listen reads what the keeper and the launch say.
func (p *Process) listen() {
	defer close(p.pid)
	var refused *Refusal
	lines := bufio.NewScanner(p.report)
	for lines.Scan() {
		what, text, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "pid":
			pid, _ := strconv.Atoi(text)
			p.pid <- pid
		case "refused":
			refused = parseRefusal(text)
		case "failed":
			p.ended <- Ended{Err: errors.New(text)}
			return
		case "ended":
			status, err := strconv.Atoi(text)
			p.ended <- Ended{Status: unix.WaitStatus(status), Refused: refused, Took: time.Since(p.started), Err: err}
			return
		}
	}
	p.ended <- Ended{Err: errKeeper}
}

// PID is the process that becomes the command; 0 where it was not started.
func (p *Process) PID() int { return <-p.pid }

// Release lets a launch that waits go on.
func (p *Process) Release() { p.gate.Close() }

// Ended delivers once how the command ended.
func (p *Process) Ended() <-chan Ended { return p.ended }

// errKeeper says that the command, or something that it started, killed its keeper.
var errKeeper = errors.New("the keeper of a trial was killed")

// Stop ends the command with all that came of it, and returns when nothing of it
// is left.
func (p *Process) Stop() error {
	p.control.Close()
	p.gate.Close()
	status, err := p.waitForKeeper()
	if errors.Is(err, unix.ECHILD) || err == nil && (!status.Exited() || status.ExitStatus() != 0) {
		err = errKeeper // ECHILD: the end of another trial has waited for it
	}
	if err != nil && adopts {
		endOrphans()
	}
	p.report.Close()
	p.out.finish()
	p.err.finish()
	switch {
	case err != nil && adopts:
		return fmt.Errorf("%w; all processes of the trial were ended", err)
	case err != nil:
		return fmt.Errorf("%w; processes of the trial may still run", err)
	}
	return nil
}

// waitForKeeper waits for the keeper's end. What it watches over may stop it.
func (p *Process) waitForKeeper() (status unix.WaitStatus, err error) {
	for {
		unix.Kill(p.keeper, unix.SIGCONT)
		if status, err = apply.Wait(p.keeper); err != nil || !status.Stopped() {
			return status, err
		}
	}
}

// adopts says that all children of this process are those of trials; see [Adopt].
var adopts bool

// Adopt makes this process the parent of what loses its keeper, so that it can be
// ended, unless this process already has children, which are none of a trial's.
func Adopt() { adopts = !hasChildren() && apply.Subreaper() == nil }

// endOrphans ends all descendants of this process.
func endOrphans() {
	var killer killer
	killer.start()
	reap(func(int, unix.WaitStatus) bool { return true })
	killer.stop()
}

// Output is the end of what the command wrote, and a sum over all of stdout. It
// is whole after Stop.
func (p *Process) Output() (stdout, stderr []byte, sum Sum) {
	return p.out.soFar(), p.err.soFar(), p.out.sum
}
