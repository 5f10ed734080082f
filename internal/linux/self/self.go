// Package self reads this thread and what its kernel has. "This thread" is the
// calling OS thread; the caller locks it.
package self

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// State reads the state of this thread, all but its user namespace, by system
// calls: it needs no /proc. These are some fifty, and still cost less than the
// first look into /proc/thread-self does: the kernel makes up that directory, and
// takes it away when the program ends. As with libcap, capabilities that the
// kernel does not know are in neither the bounding nor the ambient set.
//
// Only EINVAL says that the kernel does not know: a call that fails otherwise, as
// a seccomp filter may have it, says nothing and is an error.
//
// The error ErrNoBounding comes with a state in which all else is right.
func State() (s cred.State, err error) {
	if err = ownSets(&s); err != nil && err != ErrNoBounding {
		return s, err
	}
	if err := ownIDs(&s); err != nil {
		return s, err
	}
	bits, known, readErr := get(unix.PR_GET_SECUREBITS, 0, 0)
	if readErr != nil {
		return s, fmt.Errorf("prctl(PR_GET_SECUREBITS): %w", readErr)
	}
	if known {
		s.Securebits = cred.Is(cred.Securebits(bits))
	}
	on, known, readErr := get(unix.PR_GET_NO_NEW_PRIVS, 0, 0)
	if readErr != nil {
		return s, fmt.Errorf("prctl(PR_GET_NO_NEW_PRIVS): %w", readErr)
	}
	if known {
		s.NoNewPrivs = cred.Is(on == 1)
	}
	return s, err
}

// get is a prctl that reads. EINVAL says that the kernel does not know what it is
// asked about; every other failure is an error.
func get(option int, a, b uintptr) (value int, known bool, err error) {
	value, err = unix.PrctlRetInt(option, a, b, 0, 0)
	if err == unix.EINVAL {
		return 0, false, nil
	}
	return value, err == nil, err
}

// ErrNoBounding is where neither prctl nor /proc tells of a bounding set.
var ErrNoBounding = errors.New("the bounding set is unknown: prctl(PR_CAPBSET_READ) and /proc do not tell")

// ownSets reads the five sets.
func ownSets(s *cred.State) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var words [2]unix.CapUserData
	if err := unix.Capget(&header, &words[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	join := func(low, high uint32) caps.Set { return caps.Set(low) | caps.Set(high)<<32 }
	s.Effective = join(words[0].Effective, words[1].Effective)
	s.Permitted = join(words[0].Permitted, words[1].Permitted)
	s.Inheritable = join(words[0].Inheritable, words[1].Inheritable)
	var err error
	if s.Ambient, s.AmbientSupported, err = ownAmbient(s.Permitted & s.Inheritable); err != nil {
		return err
	}
	var told bool
	if s.Bounding, told, err = ownBounding(); told || err != nil {
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

// ownAmbient asks for the ambient set, which is always within the permitted and
// the inheritable one (cap_capset, security/commoncap.c). The first capability
// is asked for in any case, to know whether there is such a set.
func ownAmbient(among caps.Set) (set caps.Set, supported bool, err error) {
	for c := range (among | caps.Chown.Set()).All() {
		on, known, err := get(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c))
		switch {
		case err != nil:
			return 0, false, fmt.Errorf("prctl(PR_CAP_AMBIENT_IS_SET) %s: %w", c.String(), err)
		case !known && c == caps.Chown:
			return 0, false, nil
		case on == 1:
			set |= c.Set()
		}
	}
	return set, true, nil
}

// ownBounding asks for each capability whether it is in the bounding set, up to
// the first that the kernel does not know; told is false if that is the very
// first.
func ownBounding() (set caps.Set, told bool, err error) {
	for c := range caps.Cap(caps.MaxBits) {
		in, known, err := inBounding(c)
		if err != nil {
			return 0, false, err
		}
		if !known {
			return set, c > 0, nil
		}
		if in {
			set |= c.Set()
		}
	}
	return set, true, nil
}

// inBounding asks whether a capability is in the bounding set, and whether the
// kernel knows it.
func inBounding(c caps.Cap) (in, known bool, err error) {
	on, known, err := get(unix.PR_CAPBSET_READ, uintptr(c), 0)
	if err != nil {
		return false, false, fmt.Errorf("prctl(PR_CAPBSET_READ) %s: %w", c.String(), err)
	}
	return on == 1, known, nil
}

// Process is this process: what /proc tells of it, where there is one that does,
// and its state as [State] has it.
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
	return p, err
}

// ownIDs reads the user and group ids.
func ownIDs(s *cred.State) (err error) {
	if err := getIDs(sysGetresuid, &s.UID); err != nil {
		return fmt.Errorf("getresuid: %w", err)
	}
	if err := getIDs(sysGetresgid, &s.GID); err != nil {
		return fmt.Errorf("getresgid: %w", err)
	}
	if s.UID.FS, err = getFSID(sysSetfsuid); err != nil {
		return fmt.Errorf("setfsuid: %w", err)
	}
	if s.GID.FS, err = getFSID(sysSetfsgid); err != nil {
		return fmt.Errorf("setfsgid: %w", err)
	}
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
// nothing and returns the present one: no call only reads it.
func getFSID(call uintptr) (uint32, error) {
	id, _, errno := unix.RawSyscall(call, ^uintptr(0), 0, 0)
	switch {
	case errno == 0:
		return uint32(id), nil
	case strconv.IntSize == 32:
		// These calls have no errors; the highest ids look like one.
		return -uint32(errno), nil
	}
	return 0, errno
}
