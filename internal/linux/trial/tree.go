package trial

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
)

// killTree sends SIGKILL to the descendants of this process that can be seen now.
// Those that it misses, because they are being born or out of sight, become
// children of this process, which is their reaper, as soon as their parents are
// gone: the caller calls it until there is none left.
func killTree() {
	if !hasChildren() {
		return
	}
	list := descendants()
	for _, p := range list {
		p.kill()
	}
	if len(list) == 0 {
		killChildren()
	}
}

// hasChildren says whether there is a child, dead or alive.
func hasChildren() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil)
	return err != unix.ECHILD
}

// descendant is a process and its parent.
type descendant struct{ pid, parent int }

// kill sends SIGKILL to it, unless its number is another process's by now: the
// descriptor stands for the process that had the number when its parent was read
// again.
func (d descendant) kill() {
	fd, err := unix.PidfdOpen(d.pid, 0)
	if err != nil {
		if err != unix.ESRCH { // before Linux 5.3, or not permitted
			unix.Kill(d.pid, unix.SIGKILL)
		}
		return
	}
	defer unix.Close(fd)
	if d.parent == parentOf(d.pid) {
		unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// descendants lists the processes below this one, parents first, as far as a
// procfs of this PID namespace shows them.
func descendants() (list []descendant) {
	me := os.Getpid()
	if name, err := os.Readlink(string(procfs.Proc) + "/self"); err != nil || name != strconv.Itoa(me) {
		return nil
	}
	pids, err := procfs.Proc.PIDs()
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, pid := range pids {
		if parent := parentOf(pid); parent > 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	queue := []int{me}
	for len(queue) > 0 {
		parent := queue[0]
		queue = append(queue[1:], children[parent]...)
		for _, pid := range children[parent] {
			list = append(list, descendant{pid, parent})
		}
	}
	return list
}

// parentOf is the parent of a process, 0 if that cannot be read.
func parentOf(pid int) int {
	text, err := procfs.Proc.Thread(pid, pid).Read("status")
	var p cred.Process
	if err != nil || procfs.ParseStatus(text, &p) != nil {
		return 0
	}
	return p.PPID
}

// killChildren does without a procfs: it asks of every number whether it is a
// child of this process, until it has found some or there is none any more.
func killChildren() {
	const most, some = 1 << 22, 1 << 12 // PID_MAX_LIMIT
	found := false
	for pid := 1; pid < most; pid++ {
		if pid%some == 0 && (found || !hasChildren()) {
			return
		}
		var info unix.Siginfo
		if unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil) == nil {
			unix.Kill(pid, unix.SIGKILL)
			found = true
		}
	}
}
