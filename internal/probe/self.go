package probe

import (
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

// Self reads the state of this thread, all but its user namespace, by system
// calls: it needs no /proc. These are some fifty, and still cost less than the
// first look into /proc/thread-self does: the kernel makes up that directory, and
// takes it away when the program ends. As with libcap, capabilities that prctl
// does not answer for are in neither the bounding nor the ambient set.
//
// The error ErrNoBounding comes with a state in which all else is right.
func Self() (s cred.State, err error) {
	if err = ownSets(&s); err != nil && err != ErrNoBounding {
		return s, err
	}
	if err := ownIDs(&s); err != nil {
		return s, err
	}
	if bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0); err == nil {
		s.Securebits = cred.Is(cred.Securebits(bits))
	}
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil {
		s.NoNewPrivs = cred.Is(on == 1)
	}
	return s, err
}

// ErrNoBounding is where neither prctl nor /proc tells of a bounding set.
var ErrNoBounding = errors.New("the bounding set is unknown: prctl(PR_CAPBSET_READ) and /proc do not tell")

// ownSets reads the five sets.
func ownSets(s *cred.State) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var words [2]unix.CapUserData
	if err := unix.Capget(&header, &words[0]); err != nil {
		return &pathError{"capget", err}
	}
	join := func(low, high uint32) caps.Set { return caps.Set(low) | caps.Set(high)<<32 }
	s.Effective = join(words[0].Effective, words[1].Effective)
	s.Permitted = join(words[0].Permitted, words[1].Permitted)
	s.Inheritable = join(words[0].Inheritable, words[1].Inheritable)
	s.Ambient, s.AmbientSupported = ownAmbient(s.Permitted & s.Inheritable)
	var told bool
	s.Bounding, told = ask(func(c uintptr) (int, error) {
		return unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
	})
	if told {
		return nil
	}
	p, err := Proc.Process(unix.Getpid(), unix.Gettid(), Options{})
	if err != nil {
		return ErrNoBounding
	}
	s.Bounding = p.Bounding
	return nil
}

// ownAmbient asks for the ambient set, which is always within the permitted and
// the inheritable one (cap_capset, security/commoncap.c). The first capability
// is asked for in any case, to know whether there is such a set.
func ownAmbient(among caps.Set) (set caps.Set, supported bool) {
	for c := range (among | caps.Chown.Set()).All() {
		on, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c), 0, 0)
		switch {
		case err != nil && c == caps.Chown:
			return 0, false
		case err == nil && on == 1:
			set |= c.Set()
		}
	}
	return set, true
}

// ask asks for each capability whether it is in a set, up to the first that the
// kernel does not know; told is false if that is the very first.
func ask(isIn func(c uintptr) (int, error)) (set caps.Set, told bool) {
	for c := range caps.MaxBits {
		on, err := isIn(uintptr(c))
		if err != nil {
			return set, c > 0
		}
		if on == 1 {
			set |= caps.Cap(c).Set()
		}
	}
	return set, true
}

// SelfUserNS reads this thread's user namespace; all of it is unknown where
// /proc is no procfs.
func SelfUserNS() (cred.UserNS, error) {
	const self = "/proc/thread-self"
	if !isProcfs(self) {
		return cred.UserNS{}, nil
	}
	id := unix.Gettid()
	t := task{root: Proc, pid: unix.Getpid(), tid: id, dir: unix.AT_FDCWD, prefix: self + "/"}
	return t.userNS()
}

// ownIDs reads the user and group ids.
func ownIDs(s *cred.State) (err error) {
	getIDs(sysGetresuid, &s.UID)
	getIDs(sysGetresgid, &s.GID)
	if s.UID.FS, err = getFSID(sysSetfsuid); err != nil {
		return &pathError{"setfsuid", err}
	}
	if s.GID.FS, err = getFSID(sysSetfsgid); err != nil {
		return &pathError{"setfsgid", err}
	}
	groups, err := unix.Getgroups()
	if err != nil {
		return &pathError{"getgroups", err}
	}
	for _, gid := range groups {
		s.Groups = append(s.Groups, uint32(gid))
	}
	return nil
}

// getIDs is getresuid(2) or getresgid(2), which cannot fail for good addresses.
func getIDs(call uintptr, ids *cred.IDs) {
	unix.RawSyscall(call, uintptr(unsafe.Pointer(&ids.Real)),
		uintptr(unsafe.Pointer(&ids.Effective)), uintptr(unsafe.Pointer(&ids.Saved)))
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

// KernelBits is how many capabilities the kernel has, as libcap finds it: the
// count that prctl admits to, or [caps.Named] where it does not tell.
func KernelBits() int {
	if n, ok := CountBits(); ok {
		return n
	}
	return caps.Named
}

// CountBits searches for the number of capabilities that prctl(PR_CAPBSET_READ)
// answers for. It can't tell if prctl does not even know the first, or knows
// more than a set has room for.
func CountBits() (n int, ok bool) {
	high := caps.MaxBits + 1
	for n < high {
		mid := (n + high) / 2
		if answers(caps.Cap(mid)) {
			n = mid + 1
		} else {
			high = mid
		}
	}
	return n, n > 0 && n <= caps.MaxBits
}

// answers reports whether prctl knows the capability.
func answers(c caps.Cap) bool {
	_, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0)
	return err == nil
}
