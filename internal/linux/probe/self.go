package probe

import (
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Self reads the state of this thread, all but its user namespace, by system
// calls: it needs no /proc. These are some fifty, and still cost less than the
// first look into /proc/thread-self does: the kernel makes up that directory, and
// takes it away when the program ends. As with libcap, capabilities that the
// kernel does not know are in neither the bounding nor the ambient set.
//
// Only EINVAL says that the kernel does not know: a call that fails otherwise, as
// a seccomp filter may have it, says nothing and is an error.
//
// The error ErrNoBounding comes with a state in which all else is right.
func Self() (s cred.State, err error) {
	if err = ownSets(&s); err != nil && err != ErrNoBounding {
		return s, err
	}
	if err := ownIDs(&s); err != nil {
		return s, err
	}
	bits, known, readErr := get(unix.PR_GET_SECUREBITS, 0, 0)
	if readErr != nil {
		return s, &pathError{"prctl(PR_GET_SECUREBITS)", readErr}
	}
	if known {
		s.Securebits = cred.Is(cred.Securebits(bits))
	}
	on, known, readErr := get(unix.PR_GET_NO_NEW_PRIVS, 0, 0)
	if readErr != nil {
		return s, &pathError{"prctl(PR_GET_NO_NEW_PRIVS)", readErr}
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
		return &pathError{"capget", err}
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
func ownAmbient(among caps.Set) (set caps.Set, supported bool, err error) {
	for c := range (among | caps.Chown.Set()).All() {
		on, known, err := get(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c))
		switch {
		case err != nil:
			return 0, false, &pathError{"prctl(PR_CAP_AMBIENT_IS_SET) " + c.String(), err}
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
		return false, false, &pathError{"prctl(PR_CAPBSET_READ) " + c.String(), err}
	}
	return on == 1, known, nil
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

// SelfSetgroups reads whether this thread's user namespace allows setgroups(2);
// unknown without /proc or before Linux 3.19.
func SelfSetgroups() (cred.Known[bool], error) {
	const path = "/proc/thread-self/setgroups"
	text, err := Here.ReadFile(path)
	switch allowed := parseSetgroups(text); {
	case errors.Is(err, unix.ENOENT):
		return cred.Known[bool]{}, nil
	case err == nil && !allowed.OK:
		return allowed, errors.New("read " + path + ": " + errForm.Error())
	default:
		return allowed, err
	}
}

// ownIDs reads the user and group ids.
func ownIDs(s *cred.State) (err error) {
	if err := getIDs(sysGetresuid, &s.UID); err != nil {
		return &pathError{"getresuid", err}
	}
	if err := getIDs(sysGetresgid, &s.GID); err != nil {
		return &pathError{"getresgid", err}
	}
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

// KernelBits is how many capabilities the kernel has, as libcap finds it: the
// count that prctl admits to, or [caps.Named] where it does not tell. That is for
// showing; what acts on all capabilities takes [AllCaps].
func KernelBits() int {
	if n, err := CountBits(); err == nil {
		return n
	}
	return caps.Named
}

// AllCaps is all capabilities that the kernel has: as prctl tells, or as many as
// have names where it knows of no bounding set.
func AllCaps() (caps.Set, error) {
	n, err := CountBits()
	if err != nil && err != ErrNoBounding {
		return 0, err
	}
	if err != nil {
		n = caps.Named
	}
	return caps.First(n), nil
}

// CountBits searches for the number of capabilities that prctl(PR_CAPBSET_READ)
// answers for. ErrNoBounding is that it does not even know the first, or knows
// more than a set has room for; any other error is the failed call's.
func CountBits() (n int, err error) {
	high := caps.MaxBits + 1
	for n < high {
		mid := (n + high) / 2
		_, known, err := inBounding(caps.Cap(mid))
		if err != nil {
			return 0, err
		}
		if known {
			n = mid + 1
		} else {
			high = mid
		}
	}
	if n == 0 || n > caps.MaxBits {
		return 0, ErrNoBounding
	}
	return n, nil
}
