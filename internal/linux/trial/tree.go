package trial

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
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
		kill(p)
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

// kill sends SIGKILL to a process, unless its number is another process's by now: the
// descriptor stands for the process that had the number when its parent was read
// again.
func kill(d procfs.Descendant) {
	fd, err := unix.PidfdOpen(d.PID, 0)
	if err != nil {
		if err != unix.ESRCH { // before Linux 5.3, or not permitted
			unix.Kill(d.PID, unix.SIGKILL)
		}
		return
	}
	defer unix.Close(fd)
	if d.Parent == procfs.Proc.Parent(d.PID) {
		unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// descendants lists the processes below this one, as far as a procfs of this PID
// namespace shows them.
func descendants() []procfs.Descendant {
	me := os.Getpid()
	if name, err := os.Readlink(string(procfs.Proc) + "/self"); err != nil || name != strconv.Itoa(me) {
		return nil
	}
	list, _ := procfs.Proc.Descendants(me) // none can be seen, as without a procfs
	return list
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
