package probe

import (
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/caps"
	"capsh/internal/cred"
)

// Self reads the state of this thread, all but its user namespace. It comes
// from one read of /proc/thread-self/status, or from system calls where /proc
// is absent, no procfs, older than 3.17, or incomplete (gVisor); both give the
// same. Capabilities that prctl says the kernel lacks are in neither the
// bounding nor the ambient set: a seccomp filter may show fewer than there are.
func Self() (cred.State, error) {
	s, err := selfByStatus()
	if err != nil {
		return selfByCalls()
	}
	return s, nil
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

var errNotSelf = errors.New("not this thread's procfs")

// selfByStatus takes from procfs what it has and asks for the rest.
func selfByStatus() (cred.State, error) {
	fd, err := unix.Open("/proc/thread-self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cred.State{}, err
	}
	defer unix.Close(fd)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		return cred.State{}, errNotSelf
	}
	var buf [4096]byte
	text, err := readRest(fd, buf[:0], true)
	if err != nil {
		return cred.State{}, err
	}
	var p cred.Process
	if err := ParseStatus(text, &p); err != nil {
		return cred.State{}, err
	}
	if !isThread(&p, unix.Gettid()) {
		return cred.State{}, errNotSelf
	}
	s := p.State
	if !p.AmbientSupported || !ambientSupported() {
		s.Ambient, s.AmbientSupported = ambientByCalls(caps.MaxBits)
	}
	visible := visibleBits(s.Bounding)
	s.Bounding &= visible
	s.Ambient &= visible
	askRest(&s)
	return s, nil
}

// isThread reports whether p is the thread that knows itself as tid: in a
// procfs of an outer PID namespace that is the innermost of its ids.
func isThread(p *cred.Process, tid int) bool {
	if n := len(p.NSPID); n > 0 {
		return p.NSPID[n-1] == tid
	}
	return p.TID == tid
}

// visibleBits are the capabilities that prctl admits to. If it answers for the
// highest of the bounding set, it hides none.
func visibleBits(bounding caps.Set) caps.Set {
	all := ^caps.Set(0)
	if bounding == 0 || answers(highest(bounding)) {
		return all
	}
	if n, ok := CountBits(); ok {
		return caps.First(n)
	}
	return all
}

func highest(s caps.Set) caps.Cap {
	var top caps.Cap
	for c := range s.All() {
		top = c
	}
	return top
}

// selfByCalls needs no /proc.
func selfByCalls() (cred.State, error) {
	var s cred.State
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var words [2]unix.CapUserData
	if err := unix.Capget(&header, &words[0]); err != nil {
		return s, &pathError{"capget", err}
	}
	join := func(low, high uint32) caps.Set { return caps.Set(low) | caps.Set(high)<<32 }
	s.Effective = join(words[0].Effective, words[1].Effective)
	s.Permitted = join(words[0].Permitted, words[1].Permitted)
	s.Inheritable = join(words[0].Inheritable, words[1].Inheritable)

	bits := 0
	for ; bits < caps.MaxBits; bits++ {
		on, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(bits), 0, 0, 0)
		if err != nil && bits == 0 {
			return s, &pathError{"prctl(PR_CAPBSET_READ)", err}
		}
		if err != nil {
			break
		}
		if on != 0 {
			s.Bounding |= caps.Cap(bits).Set()
		}
	}
	s.Ambient, s.AmbientSupported = ambientByCalls(bits)
	if err := idsByCalls(&s); err != nil {
		return s, err
	}
	askRest(&s)
	return s, nil
}

// idsByCalls reads the user and group ids.
func idsByCalls(s *cred.State) (err error) {
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

// askRest asks for what status lacks: securebits always, no_new_privs before
// 4.10. A refusal leaves them unknown.
func askRest(s *cred.State) {
	if bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0); err == nil {
		s.Securebits = cred.Is(cred.Securebits(bits))
	}
	if s.NoNewPrivs.OK {
		return
	}
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil {
		s.NoNewPrivs = cred.Is(on == 1)
	}
}

// ambientByCalls asks for each of the lowest bits capabilities.
func ambientByCalls(bits int) (set caps.Set, supported bool) {
	for c := range bits {
		on, err := isAmbient(c)
		if err != nil {
			return set, c > 0
		}
		if on {
			set |= caps.Cap(c).Set()
		}
	}
	return set, bits > 0
}

func ambientSupported() bool {
	_, err := isAmbient(0)
	return err == nil
}

func isAmbient(c int) (bool, error) {
	on, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c), 0, 0)
	return on == 1, err
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
