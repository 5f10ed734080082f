// Command naivelaunch is what anyone would write as a launcher with pflag and
// libcap's Go module, whose writers act on all threads.
package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

func main() {
	uid := pflag.Int("uid", 65534, "user to run as")
	keep := pflag.String("keep", "cap_net_bind_service", "capability to keep")
	pflag.CommandLine.SetInterspersed(false)
	pflag.Parse()
	err := launch(*uid, *keep, pflag.Args())
	fmt.Fprintln(os.Stderr, "naivelaunch:", err)
	os.Exit(1)
}

// launch drops all but one capability and becomes the user.
func launch(uid int, keep string, argv []string) error {
	one, err := cap.FromName(keep)
	if err != nil {
		return err
	}
	for c := range cap.MaxBits() {
		if c != one {
			if err := cap.DropBound(c); err != nil {
				return err
			}
		}
	}
	if err := cap.SetGroups(uid); err != nil {
		return err
	}
	if err := cap.SetUID(uid); err != nil {
		return err
	}
	set := cap.NewSet()
	for _, flag := range []cap.Flag{cap.Permitted, cap.Inheritable, cap.Effective} {
		if err := set.SetFlag(flag, true, one); err != nil {
			return err
		}
	}
	if err := set.SetProc(); err != nil {
		return err
	}
	if err := cap.SetAmbient(true, one); err != nil {
		return err
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}
