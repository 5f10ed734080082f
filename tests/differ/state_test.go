package differ

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// A state is what a program is started in: operations of stage, in order.
type state struct {
	name string
	ops  []string
	env  []string // instead of the usual HOME and USER
	exe  string   // instead of "capsh": a copy with privileges of its own
	bits int      // how many capabilities the kernel says it has, if emulated; -1 is none
}

func (s *state) program() string {
	if s.exe == "" {
		return "capsh"
	}
	return s.exe
}

func (s *state) environ() []string {
	base := []string{"PATH=@SIDE@:/usr/bin:/bin", "LANG=C"}
	if s.env != nil {
		return append(base, s.env...)
	}
	return append(base, "HOME=/old/home", "USER=olduser", "LAST=1")
}

// withEnv is s with more variables at the end of its environment.
func (s *state) withEnv(more ...string) *state {
	t := *s
	t.env = append(append([]string{}, s.environ()[2:]...), more...)
	return &t
}

func (s *state) hasEnv(name string) bool {
	for _, e := range s.environ() {
		if strings.HasPrefix(e, name+"=") {
			return true
		}
	}
	return false
}

// kernelBits is how many capabilities libcap believes the kernel to have.
func (s *state) kernelBits() int {
	switch {
	case s.bits > 0:
		return s.bits
	case s.bits < 0:
		return 41
	}
	return realBits
}

// kernelHas is whether PR_CAPBSET_READ knows the capability.
func (s *state) kernelHas(c uint64) bool {
	return s.bits >= 0 && c < uint64(s.kernelBits())
}

// realBits is how many capabilities this machine's kernel has.
var realBits = func() int {
	text, _ := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 41
	}
	return n + 1
}()

// Sets in the stage's hex. "All" leaves out bit 24, sys_resource, which a test
// machine may not have.
const (
	full      = "1fffeffffff"
	noSetpcap = "1fffefffeff"
	docker    = "a80425fb"
	three     = "441" // chown, setgid, net_bind_service
	asUser    = "uid=1000,1000,1000"
	toUser    = "keep"
)

// states are all start states. Every vector runs in every one.
var states = []*state{
	{name: "root"},
	{name: "root-no-home", env: []string{"LAST=1"}},
	{name: "root-no-user", env: []string{"HOME=/a", "odd", "HOME=/b", "=x"}},
	{name: "user", ops: []string{"groups=27,20,1000", "gid=1000", asUser}},
	{name: "user-nnp", ops: []string{"groups=", "gid=1000", asUser, "nnp"}},
	{name: "bounded", ops: []string{"bound=" + docker}},
	{name: "bounded-one", ops: []string{"bound=400"}},
	{name: "no-setpcap", ops: []string{"bound=" + noSetpcap}},
	{name: "nnp", ops: []string{"nnp"}},
	{name: "nnp-no-setpcap", ops: []string{"nnp", "caps=" + noSetpcap + "," + noSetpcap + ",0"}},
	{name: "inheritable", ops: []string{"caps=" + full + "," + full + "," + three}},
	{name: "ambient", ops: []string{"groups=1000", "gid=1000", toUser, asUser,
		"caps=0," + three + "," + three, "amb=" + three}},
	{name: "ambient-full", ops: []string{"groups=1000", "gid=1000", toUser, asUser,
		"caps=0," + full + "," + full, "amb=" + full}},
	{name: "permitted-only", ops: []string{"uid=0,1000,1000"}},
	{name: "file-permitted", exe: "permitted/capsh", ops: []string{"groups=", "gid=1000", asUser}},
	{name: "setuid-root", exe: "setuid/capsh", ops: []string{"groups=1000", "gid=1000", asUser}},
	{name: "noroot", ops: []string{"secbits=1"}},
	{name: "noroot-ambient", ops: []string{"caps=" + full + "," + full + "," + full,
		"amb=" + full, "secbits=1"}},
	{name: "no-setuid-fixup", ops: []string{"secbits=4"}},
	{name: "keep-caps-locked", ops: []string{"secbits=0x20"}},
	{name: "no-ambient-locked", ops: []string{"secbits=0xc0"}},
	{name: "all-locked", ops: []string{"caps=" + full + "," + full + "," + full,
		"amb=" + full, "secbits=0xef"}},
	{name: "all-locked-file", exe: "permitted/capsh", ops: []string{"secbits=0xef"}},
	{name: "user-namespace", ops: []string{"gid=1000", asUser, "userns=1"}},
	{name: "user-namespace-wide", ops: []string{"groups=5", "userns=65536"}},
	{name: "kernel-38", ops: []string{"kernel=38"}, bits: 38},
	{name: "kernel-45", ops: []string{"kernel=45"}, bits: 45},
	{name: "kernel-0", ops: []string{"kernel=0"}, bits: -1},
}

// stateNamed is the state of that name.
func stateNamed(t *testing.T, name string) *state {
	t.Helper()
	for _, s := range states {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no start state %q", name)
	return nil
}
