package self

import (
	"fmt"

	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// OwnableStdio are those of the descriptors 0 to 2 that another user than uid owns
// and that can be given to it: pipes, FIFOs, and a terminal of the devpts mounted
// here. Never a regular file or a device such as /dev/null, which belong to others.
func OwnableStdio(uid uint32) (fds []int, err error) {
	var pts unix.Stat_t
	hasPTS, err := statPTS(&pts)
	if err != nil {
		return nil, err
	}
	for fd := range 3 {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return nil, fmt.Errorf("fstat %s: %w", plan.StdioName(fd), err)
		}
		if st.Mode == 0 { // no file has no kind
			return nil, fmt.Errorf("fstat %s: reports success and does nothing (does a seccomp filter answer for the kernel?)", plan.StdioName(fd))
		}
		terminal := st.Mode&unix.S_IFMT == unix.S_IFCHR && hasPTS && st.Dev == pts.Dev
		if (terminal || st.Mode&unix.S_IFMT == unix.S_IFIFO) && st.Uid != uid {
			fds = append(fds, fd)
		}
	}
	return fds, nil
}

// statPTS reads the directory of terminals; false where there is none to be seen.
func statPTS(st *unix.Stat_t) (ok bool, err error) {
	switch err := unix.Stat("/dev/pts", st); err {
	case nil:
		return true, nil
	case unix.ENOENT, unix.ENOTDIR, unix.EACCES:
		return false, nil
	default:
		return false, fmt.Errorf("stat /dev/pts: %w", err)
	}
}
