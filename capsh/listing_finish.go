package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"capsh/internal/linux/procfs"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/term"
)

// tallied is what all goroutines count together.
type tallied struct {
	sync.Mutex
	seen   []int // of the processes asked for by id
	lost   int   // how many could not be read
	first  error // why the first could not
	kernel atomic.Int64
}

func (t *tallied) saw(pid int) {
	t.Lock()
	defer t.Unlock()
	t.seen = append(t.seen, pid)
}

func (t *tallied) lose(err error) {
	t.Lock()
	defer t.Unlock()
	if t.lost++; t.lost == 1 {
		t.first = err
	}
}

// foot says on a terminal how many kernel threads are not shown.
func (l *listing) foot(out *term.Output) {
	if n := l.tally.kernel.Load(); n > 0 && out.IsTerminal() {
		out.Printf("and %d kernel threads, listed by --all\n", n)
	}
}

// finish reports what could not be read, and that nothing matched; found is how many
// processes were shown.
func (l *listing) finish(command string, found int, out *term.Output) (err error) {
	complain := func(text string, hints ...string) {
		out.Message(command+": "+text, hints...)
		err = exit.Silent(exit.No)
	}
	for _, pid := range l.pids {
		if slices.Contains(l.tally.seen, pid) {
			continue
		}
		if _, err := l.proc.Process(pid, 0, procfs.Options{}); err != nil {
			complain(err.Error())
		}
	}
	if l.tally.lost > 0 && len(l.pids) == 0 {
		text := l.tally.first.Error()
		if l.tally.lost > 1 {
			text += fmt.Sprintf(" (and %d more that could not be read)", l.tally.lost-1)
		}
		complain(text)
	}
	if hidden := l.scan.Hidden(); hidden != "" {
		complain(string(l.proc) + " hides processes of others (" + hidden + ")")
	}
	if found == 0 && l.filtered() {
		if err == nil {
			absent := l.absent()
			complain(l.nothing(absent), l.otherwise(absent)...)
		}
		err = exit.Silent(exit.No)
	}
	return cmp.Or(l.scan.Err(), err)
}

// nothing is the message that no process matches; absent says that the container does
// not exist.
func (l *listing) nothing(absent bool) string {
	switch criteria := strings.Join(l.criteria(), " and "); {
	case absent:
		return "no process is in a container " + l.container
	case l.container != "":
		return "no process in container " + l.container + " " + criteria
	default:
		return "no process " + criteria
	}
}

// absent reports whether --container is given and no process is in such a container.
func (l *listing) absent() bool {
	if l.container == "" || len(l.criteria()) == 0 {
		return l.container != ""
	}
	inside := psCommand{listing: listing{view: l.view, container: l.container, all: true}}
	if inside.open() != nil {
		return false
	}
	defer inside.scan.Close()
	return len(inside.rows()) == 0
}

// criteria is what was asked for of a process, but its container.
func (l *listing) criteria() (list []string) {
	if len(l.globs) > 0 {
		list = append(list, "matches '"+strings.ReplaceAll(strings.Join(l.globs, "' or '"), "\x00", "/")+"'")
	}
	if len(l.pids) > 0 {
		list = append(list, "is one of those named by id")
	}
	if l.user.OK {
		list = append(list, "runs as "+l.userText)
	}
	if l.caps != 0 {
		list = append(list, "has "+strings.ReplaceAll(l.caps.String(), ",", " or "))
	} else if l.onlyCapable() {
		list = append(list, "has a capability")
	}
	return list
}

// otherwise is what to try if nothing matched.
func (l *listing) otherwise(absent bool) (hints []string) {
	if l.onlyCapable() && l.caps == 0 && !absent {
		hints = append(hints, "--all also lists processes without capabilities")
	}
	if absent {
		hints = append(hints, "containers are known by runtime, by the beginning of their id, and by name where the files of Docker or Podman are readable: capsh ps --all --columns=pid,container")
	}
	switch {
	case len(l.globs) == 1 && (l.globs[0] == "aux" || l.globs[0] == "ax" || l.globs[0] == "axu"):
		hints = append(hints, "all processes: capsh ps --all; command lines: -o pid,user,command")
	case len(l.globs) > 0:
		hints = append(hints, "names are limited to 15 characters by the kernel; quote a pattern: 'nginx*'")
	}
	return hints
}
