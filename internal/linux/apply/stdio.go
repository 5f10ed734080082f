package apply

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// OwnStdio gives the files behind standard descriptors to a user; their group stays.
// It needs CAP_CHOWN in a user namespace that maps the present owner
// (capable_wrt_inode_uidgid, kernel/capability.c).
func OwnStdio(s plan.OwnStdio) error {
	for _, fd := range s.FDs {
		err := unix.Fchown(fd, int(s.UID), -1)
		if err := wrap(err, "fchown", plan.StdioName(fd), caps.Chown); err != nil {
			return err
		}
	}
	return nil
}

// checkStdio reads the owners back.
func checkStdio(s plan.OwnStdio) error {
	for _, fd := range s.FDs {
		st := unix.Stat_t{Uid: ^s.UID}
		if err := unix.Fstat(fd, &st); err != nil {
			return wrap(err, "fstat", plan.StdioName(fd))
		}
		if st.Uid != s.UID {
			return differs("the owner of "+plan.StdioName(fd), format(st.Uid), format(s.UID))
		}
	}
	return nil
}
