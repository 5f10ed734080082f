package procfs

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// NoneHolds reports that no thread of a process holds anything, as
// [Reader.HoldsNothing] does of one.
func (r *Reader) NoneHolds(pid int) bool {
	if !r.HoldsNothing(pid) {
		return false
	}
	switch r.threads(pid) {
	case 0: // it has ended, or may not be looked at: status says more
		return false
	case 1:
		return true
	}
	if r.any(pid) != nil && r.s.tasks.alike(pid) {
		return true
	}
	dir, err := r.open(r.s.dir, pid, "/task", unix.O_DIRECTORY)
	if err != 0 {
		return false
	}
	defer closeFD(dir)
	ids, listErr := numberedEntries(dir)
	if listErr != nil {
		return false
	}
	for _, id := range ids {
		if !holdsNothing(id) { // one that has ended gets another look, too
			return false
		}
	}
	return true
}

// threads is how many threads a process has, 0 if that can't be told for less than
// status costs: each is a link of the directory of tasks, beside the two that every
// directory has (fs/proc/base.c, proc_task_getattr).
func (r *Reader) threads(pid int) int {
	if t := r.any(pid); t != nil {
		return int(t.threads)
	}
	r.appendPath(pid, "/task")
	var st unix.Statx_t
	_, _, err := unix.RawSyscall6(unix.SYS_STATX, uintptr(r.s.dir), uintptr(unsafe.Pointer(&r.path[0])),
		unix.AT_STATX_DONT_SYNC, unix.STATX_NLINK, uintptr(unsafe.Pointer(&st)), 0)
	if err != 0 || st.Mask&unix.STATX_NLINK == 0 {
		return 0
	}
	return max(int(st.Nlink)-2, 0)
}
