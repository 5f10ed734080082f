// Package trial runs a command and ends it with all its descendants.
//
// Between capset and each program that it tries is a keeper, a process of its own.
// The keeper is the subreaper of all processes that the program leaves behind: one
// that changes its session or closes all its files stays a descendant of the keeper.
// The keeper reads from a pipe whose other end only capset has. When that end is
// closed, also because capset was killed, the keeper kills until no child is left.
package trial

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
)

// KeeperName is the argv[0] by which capset is a keeper: [Keep] has its other
// arguments.
const KeeperName = "capset: keeper"

// keeper is what its arguments say.
type keeper struct {
	control int // reads nothing, and the end of it where capset is gone
	report  int
	gate    int // for the program, as report is; noGate for none
	cidFile string
	program apply.Program
}

// noGate is in the place of a descriptor.
const noGate = 0

// args are the arguments of a keeper: three descriptors, the cidfile, the path of the
// program, its argv.
func (k *keeper) args() []string {
	list := []string{KeeperName, handed(k.control), handed(k.report), handed(k.gate), k.cidFile, k.program.Path}
	return append(list, k.program.Argv...)
}

// handed is a pipe as the arguments of a keeper or a launch have it: FD:INODE, or
// noGate. A caller may give any program any name and arguments; by the inode, a
// descriptor that this program did not hand over is not taken for one that it did.
func handed(fd int) string {
	var st unix.Stat_t
	if fd == noGate || unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return strconv.Itoa(noGate)
	}
	return fmt.Sprintf("%d:%d", fd, st.Ino)
}

// received reads as many words of args as there is room for, and has no program get
// these descriptors unasked. It is false for what [handed] did not write.
func received(fds []int, args []string) bool {
	for i := range fds {
		fd, _, _ := strings.Cut(args[i], ":")
		fds[i], _ = strconv.Atoi(fd)
		if args[i] != handed(fds[i]) {
			return false
		}
		if fds[i] != noGate {
			unix.CloseOnExec(fds[i])
		}
	}
	return true
}

func parseKeeper(args, env []string) (*keeper, error) {
	wrong := errors.New(KeeperName + " is for internal use")
	var given [3]int
	if len(args) < len(given)+2 || !received(given[:], args) || given[0] == noGate || given[1] == noGate {
		return nil, wrong
	}
	rest := args[len(given):]
	k := &keeper{control: given[0], report: given[1], gate: given[2], cidFile: rest[0]}
	k.program = apply.Program{Path: rest[1], Argv: rest[2:], Env: env, Session: true}
	if len(k.program.Argv) > 0 && k.program.Argv[0] == LaunchName {
		k.program.Pass = []int{k.report}
		if k.gate != noGate {
			k.program.Pass = append(k.program.Pass, k.gate)
		}
	}
	return k, nil
}

// Keep is what a keeper does; args are its arguments without argv[0], env is the
// program's environment. The result is its exit status.
func Keep(args, env []string) int {
	k, err := parseKeeper(args, env)
	if err != nil {
		fmt.Fprintln(os.Stderr, "capset:", err)
		return 125
	}
	// A handler, unlike ignoring, does not come down to the program.
	caught := []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
	// Those that are ignored stay so, also for the command.
	signal.Notify(make(chan os.Signal, 1), slices.DeleteFunc(caught, signal.Ignored)...)
	// What the keeper watches over may stop it: capset's end makes it go on.
	if err := errors.Join(apply.Subreaper(), apply.DeathSignal(uint32(unix.SIGCONT))); err != nil {
		k.say("failed", err.Error())
		return 1
	}
	return k.run()
}

// run starts the program, reaps all children and, once capset is gone, returns
// when none is left.
func (k *keeper) run() int {
	var killer killer
	ended, closed := make(chan struct{}), make(chan struct{})
	go func() {
		waitForEnd(k.control)
		k.awaitContainer(ended)
		killer.start()
		close(closed)
	}()
	leader, err := k.start()
	if err != nil {
		k.say("failed", err.Error())
		close(ended)
	} else {
		k.say("pid", strconv.Itoa(leader))
	}
	reap(func(pid int, status unix.WaitStatus) bool {
		if pid == leader {
			k.say("ended", strconv.Itoa(int(status)))
			close(ended)
		}
		return true
	})
	<-closed
	killer.stop()
	k.removeContainer()
	return 0
}

// start starts the program. The directory of the cidfile is its own.
func (k *keeper) start() (pid int, err error) {
	if k.cidFile != "" {
		err = unix.Mkdir(filepath.Dir(k.cidFile), 0o700)
	}
	if err == nil {
		pid, err = apply.Spawn(&k.program)
	}
	return pid, err
}

// waitForEnd reads until there is nothing left to come.
func waitForEnd(fd int) {
	var b [1]byte
	for {
		if n, err := unix.Read(fd, b[:]); n == 0 && err == nil || err != nil && err != unix.EINTR {
			return
		}
	}
}

// reap waits for children until each says that it was the last, or there is none.
func reap(each func(pid int, status unix.WaitStatus) bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if err != nil && err != unix.EINTR || err == nil && !each(pid, status) {
			return
		}
	}
}

// patience is how long a container engine may take.
const patience = 20 * time.Second

// container is the id of the container, empty before there is one.
func (k *keeper) container() string {
	text, _ := files.Here.ReadFile(k.cidFile)
	return strings.TrimSpace(string(text))
}

// awaitContainer waits until the engine has written the id of the container, or its
// client has ended: the engine may make a container also after its client was killed.
func (k *keeper) awaitContainer(ended <-chan struct{}) {
	late := after(patience)
	for k.cidFile != "" && k.container() == "" {
		select {
		case <-ended:
			return
		case <-late:
			return
		case <-after(10 * time.Millisecond):
		}
	}
}

// removeContainer has the engine remove the container, which killing its client
// does not do, and ends what that leaves behind.
func (k *keeper) removeContainer() {
	if k.cidFile == "" {
		return
	}
	defer func() {
		unix.Unlink(k.cidFile)
		unix.Rmdir(filepath.Dir(k.cidFile))
	}()
	id := k.container()
	if id == "" {
		return
	}
	p := apply.Program{Path: k.program.Path, Argv: []string{k.program.Path, "rm", "-f", id}, Env: k.program.Env, Session: true}
	pid, err := apply.Spawn(&p)
	if err != nil {
		return
	}
	var killer killer
	late := time.AfterFunc(patience, killer.start)
	reap(func(ended int, _ unix.WaitStatus) bool { return ended != pid })
	late.Stop()
	endOrphans()
}

// killer kills all descendants again and again.
type killer struct {
	once       sync.Once
	quit, done chan struct{}
}

// start may be called twice.
func (k *killer) start() {
	k.once.Do(func() {
		k.quit, k.done = make(chan struct{}), make(chan struct{})
		go k.run()
	})
}

func (k *killer) run() {
	defer close(k.done)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		killTree()
		select {
		case <-k.quit:
			return
		case <-after(pause):
		}
	}
}

// after is a channel that is closed once that time has passed. A channel of times, as
// [time.After] has it, would link 100 KB of formats of times.
func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// stop returns when it kills no more.
func (k *killer) stop() {
	close(k.quit)
	<-k.done
}

// say sends one line, with no more than a pipe takes in one piece.
func (k *keeper) say(what, text string) {
	const most = 2000
	line := what + " " + strings.ReplaceAll(text, "\n", " ")
	unix.Write(k.report, []byte(line[:min(len(line), most)]+"\n"))
}
