package probe

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
)

// onThread runs f on a new thread that ends with it, whatever f does to it.
func onThread(f func()) {
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		defer close(done)
		f()
	}()
	<-done
}

// selfByStatus is the judge of Self: what procfs shows of this thread, and the
// securebits, which it does not.
func selfByStatus() (cred.State, error) {
	p, err := Proc.Process(unix.Getpid(), unix.Gettid(), Options{})
	bits, bitsErr := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err == nil {
		err = bitsErr
	}
	p.Securebits = cred.Is(cred.Securebits(bits))
	return p.State, err
}

func bothWays() (byStatus, byCalls cred.State, err error) {
	if byStatus, err = selfByStatus(); err == nil {
		byCalls, err = Self()
	}
	return byStatus, byCalls, err
}

func TestSelf(t *testing.T) {
	onThread(func() {
		byStatus, byCalls, err := bothWays()
		if err != nil || !reflect.DeepEqual(byStatus, byCalls) {
			t.Errorf("%v\nstatus %+v\ncalls  %+v", err, byStatus, byCalls)
		}
		p, err := Proc.Process(os.Getpid(), unix.Gettid(), Options{UserNS: true})
		if err != nil {
			t.Fatal(err)
		}
		ns, err := SelfUserNS()
		if err != nil || !reflect.DeepEqual(ns, p.UserNS) || !ns.Inode.OK || !ns.UIDMap.OK {
			t.Errorf("SelfUserNS: %v, %+v; as another process %+v", err, ns, p.UserNS)
		}
	})
}

// TestSelfInManyStates compares both ways in states made at random.
func TestSelfInManyStates(t *testing.T) {
	testenv.Root(t)
	if h := startHelper(t, "states", nil); h.first != "400 states, 0 differ" {
		t.Error(h.first + "\n" + h.rest())
	}
}

const stateSeed = 20260101

func helperStates() {
	random := rand.New(rand.NewPCG(stateSeed, 0))
	var report strings.Builder
	differ, distinct := 0, map[string]bool{}
	const n = 400
	for i := range n {
		onThread(func() {
			randomState(random)
			byStatus, byCalls, err := bothWays()
			distinct[fmt.Sprint(byCalls.Sets, byCalls.UID)] = true
			if err == nil && reflect.DeepEqual(byStatus, byCalls) {
				return
			}
			if differ++; differ <= 3 {
				fmt.Fprintf(&report, "state %d: %v\nstatus %+v\ncalls  %+v\n", i, err, byStatus, byCalls)
			}
		})
	}
	if len(distinct) < n/2 {
		differ = -len(distinct) // too alike for a test
	}
	fmt.Printf("%d states, %d differ\n%s", n, differ, report.String())
}

// randomState changes this thread. A change that is refused is no matter.
func randomState(r *rand.Rand) {
	someOf := func(s caps.Set) caps.Set { return s & caps.Set(r.Uint64()) }
	id := func() int { return int([]uint32{0, 1, 1000, 65534, 2147483648, 4294967294}[r.IntN(6)]) }
	groups := make([]uint32, r.IntN(5))
	for i := range groups {
		groups[i] = uint32(id())
	}
	setGroups(groups)
	for c := range 41 {
		if r.IntN(4) == 0 {
			unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		}
	}
	unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(r.IntN(256)), 0, 0, 0)
	if r.IntN(2) == 0 {
		setIDs(unix.SYS_SETRESGID, id(), id(), id())
		unix.SetfsgidRetGid(id())
	}
	if r.IntN(2) == 0 {
		setIDs(unix.SYS_SETRESUID, id(), id(), id())
		unix.SetfsuidRetUid(id())
	}
	_, permitted, _, _ := capget(0)
	some, more := someOf(permitted), someOf(permitted)
	permitted = some | more
	inheritable := someOf(permitted)
	setCaps(someOf(permitted), permitted, inheritable)
	for c := range someOf(inheritable).All() {
		unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0)
	}
	if r.IntN(2) == 0 {
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
}

// refusePrctl makes prctl(option, second) fail with EINVAL for second >= from.
func refusePrctl(option, from uint32) error {
	const nr, arg0, arg1 = 0, 16, 24 // struct seccomp_data, little-endian
	const load, equal, notLess, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS,
		unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: nr},
		{Code: equal, K: unix.SYS_PRCTL, Jf: 5},
		{Code: load, K: arg0},
		{Code: equal, K: option, Jf: 3},
		{Code: load, K: arg1},
		{Code: notLess, K: from, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// TestHiddenBits: a filter that shows fewer capabilities, as the tests of
// libcap's output use it, takes them out of bounding however it is read.
func TestHiddenBits(t *testing.T) {
	h := startHelper(t, "hidden-bits", nil)
	if got, want := h.first+"\n"+h.rest(), "same\n38 true 38\nsame\n0 false 41\n"; got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func helperHiddenBits() {
	all, err := Self()
	must("self", err)
	for _, bits := range []int{38, 0} {
		must("seccomp", refusePrctl(unix.PR_CAPBSET_READ, uint32(bits)))
		s, err := Self()
		must("self", err)
		want := all.Bounding
		if bits > 0 { // with no answer at all the file is believed
			want &= caps.First(bits)
		}
		if s.Bounding == want {
			fmt.Println("same")
		} else {
			fmt.Printf("bounding %x, want %x\n", s.Bounding, want)
		}
		n, err := CountBits()
		fmt.Println(n, err == nil, KernelBits())
	}
}

// TestNoAmbient: a kernel whose prctl does not know ambient has none.
func TestNoAmbient(t *testing.T) {
	if h := startHelper(t, "no-ambient", nil); h.first != "true false" {
		t.Error(h.first)
	}
}

func helperNoAmbient() {
	before, err := Self()
	must("self", err)
	must("seccomp", refusePrctl(unix.PR_CAP_AMBIENT, 0))
	after, err := Self()
	must("self", err)
	fmt.Println(before.AmbientSupported, after.AmbientSupported)
}

func TestKernelBits(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	var last int
	fmt.Sscan(string(text), &last)
	if n := KernelBits(); n != last+1 {
		t.Errorf("KernelBits = %d, the kernel says %d", n, last+1)
	}
}
