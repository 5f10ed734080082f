package report

import (
	"fmt"
	"strings"

	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Listed is a process as ps and tree list it.
type Listed struct {
	cred.Process
	// User is the name of the effective uid; "" for none.
	User string
	// Container is where it runs; the zero one is none.
	Container cred.Known[container.Container]
	// CommandLine is the arguments, each with a NUL behind it; empty where it was not
	// asked for, or where there are none.
	CommandLine string
	// Foreign says that its user namespace is not that of the reader: its
	// capabilities count only in there.
	Foreign cred.Known[bool]
}

// Thread is one of its threads, whose effective uid has a name of its own.
func (p *Listed) Thread(t cred.Process, user string) *Listed {
	thread := *p
	t.UserNS = p.UserNS
	thread.Process, thread.User = t, user
	return &thread
}

// shownUser is the user's name, or the number where it has none.
func (p *Listed) shownUser() string {
	if p.User == "" {
		return cred.IDText(p.UID.Effective)
	}
	return term.Escape(p.User)
}

// shownName is the name as it may be shown.
func (p *Listed) shownName() string {
	name := term.Escape(p.Name)
	switch n := running(&p.Process); {
	case !p.Zombie():
		return name
	case n == 1:
		return name + " (zombie, 1 thread runs)"
	case n > 1:
		return fmt.Sprintf("%s (zombie, %d threads run)", name, n)
	}
	return name + " (zombie)"
}

// running is how many threads of a process still run whose first one has ended;
// the kernel counts that one until all have (fs/proc/array.c, task_sig).
func running(p *cred.Process) int {
	if !p.Zombie() || p.TID != p.PID {
		return 0
	}
	return max(p.Threads-1, 0)
}

// shownCommand is the command line as it may be shown, as in ps(1) the name in
// brackets where there is none.
func (p *Listed) shownCommand() string {
	if p.CommandLine == "" {
		return "[" + p.shownName() + "]"
	}
	return term.Escape(strings.ReplaceAll(strings.TrimRight(p.CommandLine, "\x00"), "\x00", " "))
}

// containerName is a container in one word: "docker:web", "docker:0123456789ab" where
// the name is unknown, "-" for none, "?" for what is unknown.
func containerName(c cred.Known[container.Container]) string {
	at := c.Value
	switch {
	case !c.OK:
		return "?"
	case at == container.Container{}:
		return "-"
	case at.Name != "":
		return term.Escape(at.Runtime + ":" + at.Name)
	case at.ID != "":
		return term.Escape(at.Runtime + ":" + at.Short())
	case at.PodUID != "":
		return term.Escape(at.Runtime + ":pod-" + at.PodUID[:min(8, len(at.PodUID))])
	}
	return term.Escape(at.Runtime)
}

// Names are what user and group ids are called; "" for one without a name.
type Names interface {
	User(uid uint32) string
	Group(gid uint32) string
}
