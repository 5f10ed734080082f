package fault

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// changes are lines of capsh that between them make each of its changes. What
// comes first only makes ready.
var changes = map[string][]string{
	"drop":         {"--drop=cap_chown,cap_kill"},
	"drop all":     {"--strict", "--drop=all"},
	"caps":         {"--caps=cap_chown,cap_setpcap=ep"},
	"inh":          {"--inh=cap_chown"},
	"iab":          {"--iab=^cap_chown,!cap_kill"},
	"ambient":      {"--inh=cap_chown,cap_kill", "--addamb=cap_chown,cap_kill", "--delamb=cap_kill", "--noamb"},
	"no privilege": {"--mode=NOPRIV"},
	"pure":         {"--mode=PURE1E"},
	"securebits":   {"--noamb", "--secbits=1", "--keep=1", "--no-new-privs"},
	"uid":          {"--noamb", "--groups=1,daemon", "--gid=65534", "--uid=65534"},
	"cap-uid":      {"--cap-uid=65534"},
	"user":         {"--user=daemon"},
	"chroot":       {"--chroot=/"},
	"sleeper":      {"--forkfor=60", "--killit=9"},
}

var capshHarmless = []harmless{
	fsIDs,
	{isClose, "Linux closes the descriptor whatever close returns, and nothing was written to it"},
}

// TestCapsh: whichever call of a change fails, -- does not run, and the error
// names the call.
func TestCapsh(t *testing.T) {
	capsh := build(t, "capsh")
	for name, options := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			argv := append([]string{capsh, "--quiet"}, options...)
			everyCall(t, program{argv: append(argv, "--shell=/usr/bin/true", "--"), env: environ}, capshHarmless, judgeCapsh)
		})
	}
}

// TestCapshChild: the same in the child that -+ makes.
func TestCapshChild(t *testing.T) {
	t.Parallel()
	argv := []string{build(t, "capsh"), "--quiet", "--drop=cap_chown", "--shell=/usr/bin/true", "-+"}
	allowed := append([]harmless{
		{func(c *call, _ syscall.Errno) bool {
			return c.NR == unix.SYS_RT_SIGACTION && c.Args[1] == 0 && !c.InChild
		}, "only asks which signals are ignored, which our build has from the runtime already"},
		{func(c *call, errno syscall.Errno) bool {
			return errno == syscall.EINTR && (c.NR == unix.SYS_READ || c.NR == unix.SYS_WAIT4)
		}, "a signal came while capsh waited; it goes on waiting"},
	}, capshHarmless...)
	everyCall(t, program{argv: argv, env: environ}, allowed, judgeCapsh)
}

// afterStart are the calls at which the shell of -+ may run already: the wait for
// it, and the read of its child's report, which ends as it starts. Where that read
// fails capsh ends it.
func afterStart(c *call, r *run) bool {
	return c.NR == unix.SYS_WAIT4 || c.NR == unix.SYS_READ && strings.Contains(r.err, "the child's report")
}

func judgeCapsh(c *call, errno syscall.Errno, r *run) error {
	switch {
	case r.started && !afterStart(c, r):
		return fmt.Errorf("the shell was started")
	case r.code != 1:
		return fmt.Errorf("exit status %d", r.code)
	case strings.HasPrefix(r.out, "failed to set mode ["): // libcap's words, on stdout
		return nil
	}
	words := append(c.words(), errno.Error())
	if c.Path != "" { // what could not be opened or read, without the call
		words = words[1:]
	}
	return judgeMessage("capsh: ", words, r)
}
