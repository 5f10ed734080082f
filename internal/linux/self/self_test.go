package self

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

func init() {
	helper.Run(map[string]func(){
		"states":          helperStates,
		"groups":          helperGroups,
		"no-proc":         helperNoProc,
		"hidden-bits":     helperHiddenBits,
		"no-ambient":      helperNoAmbient,
		"no-fs-ids":       helperNoFSIDs,
		"stdio":           helperStdio,
		"refused":         helperRefused,
		"no-bounding":     helperNoBounding,
		"userns-filtered": helperUserNamespacesFiltered,
	})
}

// selfByStatus is the judge of Self: what procfs shows of this thread, and the
// securebits, which it does not.
func selfByStatus() (cred.State, error) {
	p, err := procfs.Proc.Process(unix.Getpid(), unix.Gettid(), procfs.Options{})
	bits, bitsErr := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err == nil {
		err = bitsErr
	}
	p.Securebits = cred.Is(cred.Securebits(bits))
	return p.State, err
}

func bothWays() (byStatus, byCalls cred.State, err error) {
	if byStatus, err = selfByStatus(); err == nil {
		byCalls, err = State()
	}
	return byStatus, byCalls, err
}

func TestSelf(t *testing.T) {
	helper.OnThread(func() {
		byStatus, byCalls, err := bothWays()
		if err != nil || !reflect.DeepEqual(byStatus, byCalls) {
			t.Errorf("%v\nstatus %+v\ncalls  %+v", err, byStatus, byCalls)
		}
		p, err := procfs.Proc.Process(os.Getpid(), unix.Gettid(), procfs.Options{UserNS: true})
		if err != nil {
			t.Fatal(err)
		}
		ns, err := UserNS()
		if err != nil || !reflect.DeepEqual(ns, p.UserNS) || !ns.Inode.OK || !ns.UIDMap.OK {
			t.Errorf("UserNS: %v, %+v; as another process %+v", err, ns, p.UserNS)
		}
	})
}

// TestSelfInManyStates compares both ways in states made at random.
func TestSelfInManyStates(t *testing.T) {
	testenv.Root(t)
	if h := helper.Start(t, "states", nil); h.First != "400 states, 0 differ" {
		t.Error(h.First + "\n" + h.Rest())
	}
}

const stateSeed = 20260101

func helperStates() {
	random := rand.New(rand.NewPCG(stateSeed, 0))
	var report strings.Builder
	differ, distinct := 0, map[string]bool{}
	const n = 400
	for i := range n {
		helper.OnThread(func() {
			helper.RandomState(random)
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

// TestManyGroups: both ways read as many groups as there can be.
func TestManyGroups(t *testing.T) {
	testenv.Root(t)
	if h := helper.Start(t, "groups", nil); h.First != "65536 65536 4294965535 4294965535" {
		t.Error(h.First)
	}
}

func helperGroups() {
	list := make([]uint32, 65536)
	for i := range list {
		list[i] = uint32(i) + 4294900000
	}
	helper.Must("setgroups", helper.SetGroups(list))
	byStatus, byCalls, err := bothWays()
	helper.Must("self", err)
	fmt.Println(len(byStatus.Groups), len(byCalls.Groups), byStatus.Groups[65535], byCalls.Groups[65535])
}

// TestNoProc: with something else on /proc, this thread is still known.
func TestNoProc(t *testing.T) {
	testenv.Root(t)
	if h := helper.Start(t, "no-proc", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}); h.First != "true" {
		t.Error(h.First)
	}
}

func helperNoProc() {
	helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	before, err := State()
	helper.Must("self", err)
	helper.Must("mount", unix.Mount("tmpfs", "/proc", "tmpfs", 0, ""))
	after, err := State()
	helper.Must("self", err)
	fmt.Println(reflect.DeepEqual(before, after))
}

// TestHiddenBits: a filter that shows fewer capabilities, as the tests of
// libcap's output use it, takes them out of bounding however it is read.
func TestHiddenBits(t *testing.T) {
	h := helper.Start(t, "hidden-bits", nil)
	if got, want := h.First+"\n"+h.Rest(), "same\ntrue 38 <nil>\nsame\nfalse 41 <nil>\n"; got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func helperHiddenBits() {
	all, err := State()
	helper.Must("self", err)
	for _, bits := range []int{38, 0} {
		helper.Must("seccomp", helper.RefusePrctl(unix.PR_CAPBSET_READ, uint32(bits)))
		s, err := State()
		helper.Must("self", err)
		want := all.Bounding
		if bits > 0 { // with no answer at all the file is believed
			want &= caps.First(bits)
		}
		if s.Bounding == want {
			fmt.Println("same")
		} else {
			fmt.Printf("bounding %x, want %x\n", s.Bounding, want)
		}
		kernel, err := ReadKernel()
		fmt.Println(kernel.Bounding, kernel.Bits, err)
	}
}

// TestNoAmbient: a kernel whose prctl does not know ambient has none.
func TestNoAmbient(t *testing.T) {
	if h := helper.Start(t, "no-ambient", nil); h.First != "true false" {
		t.Error(h.First)
	}
}

func helperNoAmbient() {
	before, err := State()
	helper.Must("self", err)
	helper.Must("seccomp", helper.RefusePrctl(unix.PR_CAP_AMBIENT, 0))
	after, err := State()
	helper.Must("self", err)
	fmt.Println(before.AmbientSupported, after.AmbientSupported)
}

// TestNoFSIDs: gVisor has no setfsuid(2), and proot answers it with -1, which is
// read as EPERM. Neither keeps anything else from being read.
func TestNoFSIDs(t *testing.T) {
	h := helper.Start(t, "no-fs-ids", nil)
	if got, want := h.First+"\n"+h.Rest(), "true <nil>\ntrue <nil>\n"; got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func helperNoFSIDs() {
	before, err := State()
	helper.Must("self", err)
	// The filter that was added last and the one with the strongest say are the
	// same here: ERRNO of two filters is that of the last (seccomp(2)).
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		for _, nr := range []uint32{sysSetfsuid, sysSetfsgid} {
			helper.Must("seccomp", helper.RefuseCall(nr, errno))
		}
		after, err := State()
		want := before
		want.NoNewPrivs = cred.Is(true)
		for _, ids := range []*cred.IDs{&want.UID, &want.GID} {
			ids.FS = ids.Effective
		}
		want.FSUnknown = errno == unix.EPERM
		fmt.Println(reflect.DeepEqual(after, want), err)
	}
}

// TestOwnableStdio: pipes of another user can be given away, and nothing else.
func TestOwnableStdio(t *testing.T) {
	testenv.Root(t)
	if h := helper.Start(t, "stdio", nil); h.First != "[0 1] [] [1]" {
		t.Error(h.First)
	}
}

func helperStdio() {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	helper.Must("open", err)
	helper.Must("dup", unix.Dup3(null, 2, 0)) // a device
	others, err := OwnableStdio(1000)
	helper.Must("others", err)
	own, err := OwnableStdio(0)
	helper.Must("own", err)
	helper.Must("fchown", unix.Fchown(0, 1000, 1000))
	rest, err := OwnableStdio(1000)
	helper.Must("rest", err)
	fmt.Println(others, own, rest)
}

// TestProcess: this process as /proc and system calls show it, and its namespace.
func TestProcess(t *testing.T) {
	helper.OnThread(func() {
		p, err := Process(procfs.Options{UserNS: true})
		state, stateErr := State()
		if err != nil || stateErr != nil || p.PID != os.Getpid() || p.Name == "" || p.UserNS.Inode == (cred.Known[uint64]{}) ||
			p.Sets != state.Sets || p.UID != state.UID || p.Securebits != state.Securebits {
			t.Errorf("%+v, %v, %v", p, err, stateErr)
		}
	})
}

// TestSettingsOfUserNS: the kernel's limit and two distributions' switches.
func TestSettingsOfUserNS(t *testing.T) {
	yes, no, unknown := cred.Is(true), cred.Is(false), cred.Known[bool]{}
	const limit, debian, apparmor = "sys/user/max_user_namespaces", "sys/kernel/unprivileged_userns_clone", "sys/kernel/apparmor_restrict_unprivileged_userns"
	for name, c := range map[string]struct {
		files map[string]string // "-" may not be read
		want  cred.Known[bool]
	}{
		"no /proc":             {nil, unknown},
		"no switch":            {map[string]string{limit: "15000\n"}, yes},
		"no namespaces":        {map[string]string{limit: "0\n"}, no},
		"Debian, on":           {map[string]string{limit: "15000\n", debian: "1\n"}, yes},
		"Debian, off":          {map[string]string{limit: "15000\n", debian: "0\n"}, no},
		"Ubuntu":               {map[string]string{limit: "15000\n", debian: "1\n", apparmor: "1\n"}, no},
		"Ubuntu, unrestricted": {map[string]string{limit: "15000\n", debian: "1\n", apparmor: "0\n"}, yes},
		"a switch not seen":    {map[string]string{limit: "15000\n", apparmor: "-"}, unknown},
	} {
		read := func(name string) ([]byte, error) {
			switch text, ok := c.files[name]; {
			case !ok:
				return nil, unix.ENOENT
			case text == "-":
				return nil, unix.EACCES
			default:
				return []byte(text), nil
			}
		}
		if got := SettingsOfUserNS(read); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestReadKernel(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	var last int
	fmt.Sscan(string(text), &last)
	if k, err := ReadKernel(); err != nil || k != (Kernel{Bits: last + 1, Bounding: true}) {
		t.Errorf("%+v, %v; the kernel says %d", k, err, last+1)
	}
}

func BenchmarkState(b *testing.B) {
	for b.Loop() {
		if _, err := State(); err != nil {
			b.Fatal(err)
		}
	}
}
