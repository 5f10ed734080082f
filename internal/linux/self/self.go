// Package self reads this thread and what its kernel has. "This thread" is the
// calling OS thread; the caller locks it.
package self

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// State reads the state of this thread, all but its user namespace, by system
// calls: it needs no /proc, and the first look into /proc/thread-self would cost
// more than all of them. As with libcap, capabilities that the kernel does not
// know are in neither the bounding nor the ambient set.
//
// Only EINVAL says that the kernel does not know: a call that fails otherwise, as
// a seccomp filter may have it, says nothing and is an error. The fs ids alone
// may stay unknown, since nothing is decided by them before an execve sets them
// to the effective ones.
//
// The error ErrNoBounding comes with a state in which all else is right.
func State() (s cred.State, err error) {
	err = readSets(&s)
	if err != nil && err != ErrNoBounding {
		return s, err
	}
	if err := readIDs(&s); err != nil {
		return s, err
	}
	bits, readErr := cap.Prctl(unix.PR_GET_SECUREBITS)
	known, readErr := answered(readErr, "prctl(PR_GET_SECUREBITS)")
	if readErr != nil {
		return s, readErr
	}
	s.Securebits = cred.Known[cred.Securebits]{Value: cred.Securebits(max(bits, 0)), OK: known}
	on, readErr := cap.Prctl(unix.PR_GET_NO_NEW_PRIVS)
	known, readErr = answered(readErr, "prctl(PR_GET_NO_NEW_PRIVS)")
	if readErr != nil {
		return s, readErr
	}
	s.NoNewPrivs = cred.Known[bool]{Value: on == 1, OK: known}
	return s, err
}

// answered reads the error of a prctl(2) that asks, of a capability where there is one:
// EINVAL says that the kernel does not know what it is asked about, every other failure
// is one.
func answered(err error, call string, of ...caps.Cap) (known bool, _ error) {
	switch err {
	case nil:
		return true, nil
	case unix.EINVAL:
		return false, nil
	}
	for _, c := range of {
		call += " " + c.String()
	}
	return false, fmt.Errorf("%s: %w", call, err)
}

// ErrNoBounding is where neither prctl nor /proc shows a bounding set.
var ErrNoBounding = errors.New("the bounding set is unknown: prctl(PR_CAPBSET_READ) and /proc do not show it")

// readSets reads the five sets.
func readSets(s *cred.State) error {
	own, err := EPI()
	if err != nil {
		return err
	}
	s.Effective, s.Permitted, s.Inheritable = own.Effective, own.Permitted, own.Inheritable
	if s.Ambient, s.AmbientSupported, err = readAmbient(s.Permitted & s.Inheritable); err != nil {
		return err
	}
	var kernel Kernel
	if s.Bounding, kernel, err = readBounding(); err != nil || kernel.Bounding {
		return err
	}
	text, err := procfs.ReadOwn("thread-self/status")
	var p cred.Process
	if err != nil || procfs.ParseStatus(text, &p) != nil {
		return ErrNoBounding
	}
	s.Bounding = p.Bounding
	return nil
}

// EPI reads three of the sets of this thread.
func EPI() (sets caps.EPI, err error) {
	own, err := cap.GetPID(0)
	if err != nil {
		return sets, fmt.Errorf("capget: %w", err)
	}
	for flag, set := range [...]*caps.Set{cap.Effective: &sets.Effective, cap.Permitted: &sets.Permitted, cap.Inheritable: &sets.Inheritable} {
		for c := range caps.Cap(caps.MaxBits) {
			if on, err := own.GetFlag(cap.Flag(flag), cap.Value(c)); err != nil {
				return sets, fmt.Errorf("capget: %s: %w", c, err)
			} else if on {
				*set |= c.Set()
			}
		}
	}
	return sets, nil
}

// readAmbient asks for the ambient set, which is always within the permitted and
// the inheritable one (cap_capset, security/commoncap.c). The first capability
// is asked for in any case, to know whether there is such a set.
func readAmbient(among caps.Set) (set caps.Set, supported bool, err error) {
	for c := range (among | caps.Chown.Set()).All() {
		on, err := cap.GetAmbient(cap.Value(c))
		known, err := answered(err, "prctl(PR_CAP_AMBIENT_IS_SET)", c)
		switch {
		case err != nil:
			return 0, false, err
		case !known && c == caps.Chown:
			return 0, false, nil
		case known && on:
			set |= c.Set()
		}
	}
	return set, true, nil
}

// Process is this process: what /proc shows of it, where there is one that does, and
// its state as [State] has it, but for ids that are unknown ([cred.UserNS.Hide]).
func Process(o procfs.Options) (cred.Process, error) {
	pid, err := procfs.Proc.Self()
	if err != nil {
		return cred.Process{}, err
	}
	p, err := procfs.Proc.Process(pid, pid, o)
	if err != nil {
		p = cred.Process{PID: pid, TID: pid}
	}
	ns := p.UserNS
	p.State, err = State()
	p.UserNS = ns
	ids := procfs.ShownIDs()
	ids.Hide(&p.State)
	return p, err
}

// readIDs reads the user and group ids.
func readIDs(s *cred.State) error {
	if err := getIDs(sysGetresuid, &s.UID); err != nil {
		return fmt.Errorf("getresuid: %w", err)
	}
	if err := getIDs(sysGetresgid, &s.GID); err != nil {
		return fmt.Errorf("getresgid: %w", err)
	}
	uidKnown, gidKnown := getFSID(sysSetfsuid, &s.UID), getFSID(sysSetfsgid, &s.GID)
	s.FSUnknown = !uidKnown || !gidKnown
	groups, err := unix.Getgroups()
	if err != nil {
		return fmt.Errorf("getgroups: %w", err)
	}
	for _, gid := range groups {
		s.Groups = append(s.Groups, uint32(gid))
	}
	return nil
}

// getIDs is getresuid(2) or getresgid(2). Without their answer all ids would be 0.
func getIDs(call uintptr, ids *cred.IDs) error {
	_, _, errno := unix.RawSyscall(call, uintptr(unsafe.Pointer(&ids.Real)),
		uintptr(unsafe.Pointer(&ids.Effective)), uintptr(unsafe.Pointer(&ids.Saved)))
	if errno != 0 {
		return errno
	}
	return nil
}

// getFSID asks setfsuid(2) or setfsgid(2) for an id that is none, which changes
// nothing and returns the present one: no call only reads it. A kernel without
// the call, as gVisor, has no other fs id than the effective one; what else is no
// id, as the -1 of proot, says nothing: false.
func getFSID(call uintptr, ids *cred.IDs) (known bool) {
	id, _, errno := unix.RawSyscall(call, ^uintptr(0), 0, 0)
	ids.FS = ids.Effective
	switch {
	case errno == 0 && uint32(id) != cred.UnknownID:
		ids.FS = uint32(id)
	case errno == unix.ENOSYS:
	case strconv.IntSize == 32 && errno != unix.EPERM:
		ids.FS = -uint32(errno) // the call has no errors; the highest ids look like one
	default:
		return false
	}
	return true
}
