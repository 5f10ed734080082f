package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

// A probe tries what a capability permits, by the kernel's own answer: as an
// ordinary user with the capability, without it, and with it in a user namespace
// that is not the initial one. Where the deed would do harm, the call has an
// argument that the kernel refuses only after it has checked the capability.
type probe struct {
	cap caps.Cap
	// claim is a part of the item of the catalogue that is tried.
	claim string
	name  string
	// with are capabilities that are needed besides; the process always has them.
	with caps.Set
	// needs are what the probe needs, at the start of the process.
	needs needs
	// before runs as root with every capability, try afterwards.
	before func(*stage) error
	try    func(*stage) error
	// want is the answer with the capability, 0 for success; denied that without
	// it, EPERM unless given.
	want, denied unix.Errno
	// inside says that it is permitted in a child user namespace too. Otherwise
	// the answer there is refused, or denied where that is not given.
	inside  bool
	refused unix.Errno
}

// needs are namespaces and processes that a probe acts on.
type needs uint8

const (
	aNetwork needs = 1 << iota // a network namespace of its own
	aPIDNS                     // a PID namespace of its own, in a user namespace
	aPeer                      // a process of another user
)

// The ids of a probe: it runs as prober, the peer and the files of others are of
// another.
const (
	prober  = 1000
	another = 2000
)

// stage is what a probe acts on: a directory that root owns, a peer, and what
// before leaves for try.
type stage struct {
	dir  string
	peer int
	fd   int
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// probes are all there are.
var probes = slices.Concat(fileProbes, idProbes, networkProbes, processProbes, kernelProbes)

// TestCatalog tries what the catalogue says.
func TestCatalog(t *testing.T) {
	testenv.Root(t)
	world, err := newWorld(t.TempDir())
	t.Cleanup(world.leave)
	testenv.Need(t, "tmpfs", err == nil, fmt.Sprint(err))
	own, err := self.State()
	if err != nil {
		t.Fatal(err)
	}
	seen := outcomes{}
	with, all := tried()
	t.Logf("%d of %d statements have a probe", with, all)
	for i := range probes {
		p := &probes[i]
		t.Run(p.cap.Short()+"/"+strings.ReplaceAll(p.name, " ", "-"), func(t *testing.T) {
			p.judge(t, world.suid, own.Bounding, seen)
		})
	}
	seen.compare(t)
}

// tried counts the items of the catalogue that a probe tries, and all.
func tried() (with, all int) {
	for c := range caps.First(caps.Named).All() {
		e, _ := catalog.Of(c)
		for _, item := range e.Permits {
			all++
			if slices.ContainsFunc(probes, func(p probe) bool { return p.cap == c && strings.Contains(item.Text, p.claim) }) {
				with++
			}
		}
	}
	return with, all
}

// judge runs a probe in its three ways.
func (p *probe) judge(t *testing.T, dir string, available caps.Set, seen outcomes) {
	if e, _ := catalog.Of(p.cap); !slices.ContainsFunc(e.Permits, func(c catalog.Claim) bool { return strings.Contains(c.Text, p.claim) }) {
		t.Errorf("the catalogue does not say %q of %v", p.claim, p.cap)
	}
	denied := p.denied
	if denied == 0 {
		denied = unix.EPERM
	}
	if p.want == denied || !p.inside && p.refused == p.want && p.refused != 0 {
		t.Fatal("the answer is the same with and without the capability: this cannot fail")
	}
	expect := func(how string, want unix.Errno, got unix.Errno) {
		if lacks(got) {
			t.Skipf("%s: this kernel does not have it: %v", how, got)
		}
		if got != want {
			t.Errorf("%s: %v, want %v", how, describe(got), describe(want))
		}
	}
	expect("without the capability", denied, p.run(t, dir, p.with, false))
	if needed := p.with | p.cap.Set(); available.Contains(needed) {
		expect("with the capability", p.want, p.run(t, dir, needed, false))
	}
	want := p.want
	switch {
	case !p.inside && p.refused != 0:
		want = p.refused
	case !p.inside:
		want = denied
	}
	expect("in a user namespace", want, p.run(t, dir, p.with|p.cap.Set(), true))
	seen.note(p.cap, p.inside)
}

func describe(e unix.Errno) string {
	if e == 0 {
		return "success"
	}
	return e.Error()
}

// lacks are the answers of a kernel that was built without the feature.
func lacks(e unix.Errno) bool {
	return e == unix.ENOSYS || e == unix.EOPNOTSUPP || e == unix.EPROTONOSUPPORT || e == unix.EAFNOSUPPORT || e == unix.ENOPROTOOPT || e == unix.ENOTTY
}

// outcomes are what was seen to be permitted and refused in a user namespace.
type outcomes map[caps.Cap]*struct{ permitted, refused int }

func (o outcomes) note(c caps.Cap, permitted bool) {
	if o[c] == nil {
		o[c] = new(struct{ permitted, refused int })
	}
	if permitted {
		o[c].permitted++
	} else {
		o[c].refused++
	}
}

// compare compares the catalogue's grade with what was seen.
func (o outcomes) compare(t *testing.T) {
	n := 0
	for c := range caps.First(caps.Named).All() {
		e, _ := catalog.Of(c)
		got := o[c]
		if got == nil {
			t.Logf("%v: no probe that this kernel answers", c)
			continue
		}
		n += got.permitted + got.refused
		switch e.UserNS {
		case catalog.InNothing, catalog.InException:
			if got.permitted > 0 {
				t.Errorf("%v: %d probes are permitted in a user namespace; the catalogue says %v", c, got.permitted, e.UserNS)
			}
		case catalog.InFull:
			if got.refused > 0 {
				t.Errorf("%v: %d probes are refused in a user namespace; the catalogue says %v", c, got.refused, e.UserNS)
			}
		default:
			if got.permitted == 0 || got.refused == 0 {
				t.Logf("%v: %d probes permitted and %d refused in a user namespace; the catalogue says %v", c, got.permitted, got.refused, e.UserNS)
			}
		}
	}
	t.Logf("%d probes of %d capabilities were answered", n, len(o))
}

// run is one process of a probe: the kernel's answer.
func (p *probe) run(t *testing.T, top string, have caps.Set, inside bool) unix.Errno {
	t.Helper()
	dir, err := os.MkdirTemp(top, "probe")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVar+"="+roleProbe, "PROBE="+p.cap.Short()+"/"+p.name, "PROBE_DIR="+dir, "PROBE_CAPS="+have.Mask())
	cmd.Stderr = os.Stderr
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	owner := 0
	if p.needs&aNetwork != 0 {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	if inside {
		owner = 100000
		attr.Cloneflags |= unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: owner, Size: 65536}}
		attr.GidMappings = attr.UidMappings
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{}
		if p.needs&aPIDNS != 0 {
			attr.Cloneflags |= unix.CLONE_NEWPID
		}
	}
	cmd.SysProcAttr = attr
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // the death signal is about this thread
	defer runtime.UnlockOSThread()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if why, skip := strings.CutPrefix(string(out), skipped); skip {
		t.Skip(why)
	}
	n, err := strconv.Atoi(string(out))
	if err != nil {
		t.Fatalf("%s", out)
	}
	return unix.Errno(n)
}

const (
	roleProbe = "probe"
	rolePeer  = "peer"
	skipped   = "skipped: "
)

// unsuited says which setting of this host keeps a probe from showing anything.
type unsuited string

func (u unsuited) Error() string { return string(u) }

// runProbe is the process of a probe. It prints the number of the error, or what
// went wrong before.
func runProbe() {
	runtime.LockOSThread()
	i := slices.IndexFunc(probes, func(p probe) bool { return p.cap.Short()+"/"+p.name == os.Getenv("PROBE") })
	p, s := &probes[i], &stage{dir: os.Getenv("PROBE_DIR")}
	have, err := strconv.ParseUint(strings.TrimPrefix(os.Getenv("PROBE_CAPS"), "0x"), 16, 64)
	end := func(text any) {
		fmt.Print(text)
		os.Exit(0) // the peer ends with this process
	}
	if err == nil {
		err = s.prepare(p)
	}
	if errors.As(err, new(unsuited)) {
		end(skipped + err.Error())
	}
	if err != nil {
		end(fmt.Sprintf("before: %v", err))
	}
	if err := dress(caps.Set(have)); err != nil {
		end(fmt.Sprintf("dress: %v", err))
	}
	answer := p.try(s)
	errno, ok := answer.(unix.Errno)
	if answer != nil && !ok {
		end(answer)
	}
	end(int(errno))
}

// prepare makes what the probe acts on.
func (s *stage) prepare(p *probe) error {
	unix.Umask(0)
	if p.needs&aPeer != 0 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{roleVar + "=" + rolePeer}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: another, Gid: another}, Pdeathsig: unix.SIGKILL}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		s.peer = cmd.Process.Pid
	}
	if p.before == nil {
		return nil
	}
	return p.before(s)
}

// runPeer is another user's process.
func runPeer() {
	fmt.Println("ready")
	for {
		unix.Pause()
	}
}

// dress makes this thread an ordinary user's with some capabilities.
func dress(have caps.Set) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keepcaps: %w", err)
	}
	if err := helper.SetGroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := helper.SetIDs(unix.SYS_SETRESGID, prober, prober, prober); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := helper.SetIDs(unix.SYS_SETRESUID, prober, prober, prober); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	if err := helper.SetCaps(have, have, 0); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) // or /proc/self would be root's
}

// call is a system call of which only the error counts.
func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return e
	}
	return nil
}

// errnoOf is the error number inside of a package's error.
func errnoOf(err error) error {
	for err != nil {
		if e, ok := err.(unix.Errno); ok {
			return e
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = u.Unwrap()
	}
	return nil
}
