package watch

import "golang.org/x/sys/unix"

// tree are threads and all that they start, by their ids: it selects them from the records
// of the whole host. False is a thread that is watched only from its next execve on.
type tree map[uint32]bool

// newTree begins with the threads of a target, but those that have ended.
func newTree(target Target) tree {
	t := tree{}
	for _, thread := range target.Threads {
		if thread == 0 {
			thread = unix.Gettid()
		}
		if unix.Kill(thread, 0) != unix.ESRCH {
			t[uint32(thread)] = !target.FromExec
		}
	}
	return t
}

// has follows the threads and says whether a record is of one that is watched, or will
// be.
func (t tree) has(r *record) bool {
	watched, known := t[r.tid]
	switch r.kind {
	case unix.PERF_RECORD_FORK:
		if watched, known = t[r.parentThread]; known {
			t[r.tid] = watched
		}
	case unix.PERF_RECORD_EXIT:
		delete(t, r.tid)
	case unix.PERF_RECORD_COMM:
		if known && r.exec {
			t[r.tid] = true
		}
	case unix.PERF_RECORD_SAMPLE:
		return watched
	}
	return known
}
