package main

import (
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/sandbox"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/term"
)

// listing is what ps and tree have in common: which processes to show, and how
// to read them.
type listing struct {
	view
	subjects
	all, threads bool
	everything   bool     // all are read: which are shown is decided later
	caps         caps.Set // one of these; empty for any
	user         cred.Known[uint32]
	userText     string
	container    string
	columns      columns
	noTrunc      bool
	watch        cred.Known[time.Duration]

	pids      []int    // the processes that are named by id
	globs     []string // and by patterns
	names     userdb.DB
	ownNS     cred.UserNS // the reader's user namespace
	ownMounts cred.Known[uint64]
	nested    bool // the reader's PID namespace is not the host's
	// cgroups says that the paths of cgroups are whole: a copy's are as they were
	// written.
	cgroups bool
	scan    *procfs.Scan
	tally   *tallied
	// engines has the names of containers.
	engines *sandbox.Names
}

// filters adds the options of both that choose processes.
func (l *listing) filters(o *flags.Options) {
	l.subjects.option(o, "also list these processes")
	flags.Do(o, "--cap", "with one of these effective or permitted", flags.Caps(caps.First(caps.MaxBits)), func(set caps.Set) error {
		l.caps = set
		if set == 0 {
			return errors.New("needs a capability")
		}
		return nil
	})
	l.users(o)
}

// users adds those that choose processes by whose they are.
func (l *listing) users(o *flags.Options) {
	flags.Do(o, "-u, --user", "processes with this effective user (name or uid)", flags.UserName, func(v string) error {
		uid, err := l.names.Files().UID(v)
		l.user, l.userText = cred.Is(uid), v
		return err
	})
	flags.To(o, "--container", "processes in containers of this ID, name or runtime", &l.container, flags.Container)
}

// outputs adds the options of both that say how to show them.
func (l *listing) outputs(o *flags.Options) {
	l.columns.options(o.Group("output"))
	flags.Switch(o, "--no-trunc", "do not truncate to the terminal width", &l.noTrunc)
	flags.Optional(o, "--watch", "redraw every SECONDS, 2 by default", 2*time.Second, flags.Seconds, func(d time.Duration) error {
		l.watch = cred.Is(d)
		return nil
	})
	l.view.outputs(o)
}

// width is that of the terminal, 0 where nothing is cut.
func (l *listing) width(out *term.Output) int {
	if l.noTrunc {
		return 0
	}
	return out.Width()
}

// show calls once, or again and again if that was asked for: until a signal ends
// the program, or output fails.
func (l *listing) show(out *term.Output, once func() error) error {
	switch {
	case l.json() && l.columns.asked():
		return usageError("--columns and --no-headers are for text: JSON has every member")
	case l.json() && l.watch.OK:
		return usageError("--watch shows text only")
	case !l.watch.OK:
		return once()
	}
	for {
		if out.IsTerminal() {
			out.Printf("%s", term.Clear)
		}
		err := once()
		if exit.Message(err) != "" {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		time.Sleep(l.watch.Value)
		if !out.IsTerminal() {
			out.Printf("\n")
		}
	}
}

// name takes what --pid and the operands name: ids and patterns of names.
func (l *listing) name(operands []string) error {
	for _, v := range operands {
		if v == "" {
			return usageError("the name of a process is empty")
		}
		if strings.Trim(v, "0123456789,/") == "" {
			if err := l.subjects.add([]string{v}); err != nil {
				return err
			}
			continue
		}
		glob := flat(v)
		if _, err := path.Match(glob, ""); err != nil {
			return usageError("%q is not a pattern as in glob(7)", v)
		}
		l.globs = append(l.globs, glob)
	}
	for _, t := range l.subjects.threads {
		if t.Alone {
			return usageError("%s is a thread, and only processes are listed", t)
		}
		l.pids = append(l.pids, t.PID)
	}
	slices.Sort(l.pids)
	l.pids = slices.Compact(l.pids)
	return nil
}

// flat hides the slashes of a name, "kworker/0:1": there is nothing of a path
// in it, and "*" stands for them too.
func flat(name string) string { return strings.ReplaceAll(name, "/", "\x00") }

// filtered says that something in particular was asked for.
func (l *listing) filtered() bool {
	return len(l.pids)+len(l.globs) > 0 || l.caps != 0 || l.user.OK || l.container != ""
}

// named says whether the operands are of this process; without any, all are.
func (l *listing) named(p *cred.Process) bool {
	if len(l.pids)+len(l.globs) == 0 {
		return true
	}
	if _, ok := slices.BinarySearch(l.pids, p.PID); ok {
		return true
	}
	return slices.ContainsFunc(l.globs, func(glob string) bool {
		ok, _ := path.Match(glob, flat(p.Name))
		return ok
	})
}

// onlyCapable says that only processes count that have a capability.
func (l *listing) onlyCapable() bool { return !l.all && len(l.pids)+len(l.globs) == 0 }

// skipsIdle says that a process does not count if no thread of it has a capability.
func (l *listing) skipsIdle() bool { return l.onlyCapable() && !l.threads && !l.everything }

// wanted says whether a process is to be shown, all but its container: it is named,
// and one of its threads, as far as they were read, fits.
func (l *listing) wanted(p *cred.Process) bool {
	return l.named(p) && !l.hides(p) && (l.fits(p) || slices.ContainsFunc(p.Differing, func(t cred.Process) bool { return l.fits(&t) }))
}

// hides says that a process is a kernel thread and none was asked for: there are many,
// and they have every capability.
func (l *listing) hides(p *cred.Process) bool {
	return p.KernelThread.Value && !l.all && !l.filtered()
}

// fits says whether a thread is what is asked for.
func (l *listing) fits(t *cred.Process) bool {
	return (!l.onlyCapable() || t.Held() != 0) &&
		(l.caps == 0 || (t.Effective|t.Permitted)&l.caps != 0) &&
		(!l.user.OK || t.UID.Effective == l.user.Value)
}

// open begins the scan. Where only ids are given, it is of these.
func (l *listing) open() (err error) {
	o := procfs.ScanOptions{CapsOnly: l.skipsIdle(), OpenTable: bpfiter.Open}
	if len(l.pids) > 0 && len(l.globs) == 0 && !l.everything {
		o.Only = l.pids
	}
	l.tally, l.engines = &tallied{}, &sandbox.Names{}
	if l.scan, err = l.proc.Scan(o); err != nil {
		return err
	}
	pids, _ := procfs.Proc.Own("self").Namespace("pid")
	l.nested = pids.OK && pids.Value != container.InitialInode(container.PIDNS)
	l.ownMounts, _ = procfs.Proc.Own("self").Namespace("mnt")
	if l.ownNS, err = procfs.Proc.Own("self").UserNS(); err != nil || !l.ownNS.Inode.OK || !l.scan.Live() {
		l.ownNS = cred.UserNS{Inode: cred.Is[uint64](cred.InitialUserNS)}
	}
	l.cgroups = !l.scan.Live() || self.SeesCgroups()
	return nil
}

// lister is what one goroutine lists with: each user and container is looked up
// once.
type lister struct {
	*listing
	r          *procfs.Reader
	p          report.Listed
	names      userdb.DB
	users      map[uint32]string
	containers map[place]known
}

// list reads a process into l.p; false if it is not to be shown. Its other threads are
// read if that was asked for, and if the first one does not match or has no capability.
func (l *lister) list(pid int) bool {
	p := &l.p.Process
	if l.skipsIdle() && l.r.ProcessLacksCaps(pid) {
		return false
	}
	p.Differing, p.ThreadsRead = nil, false
	there, err := l.r.Status(pid, p)
	if err == nil && there && (l.threads || p.Threads > 1 && l.named(p) && !(l.fits(p) && p.Held() != 0)) {
		err = l.r.Threads(p, l.onlyCapable() || !l.threads && l.fits(p))
	}
	if err != nil {
		l.tally.lose(err)
		return false
	}
	if there && len(l.pids) > 0 {
		l.tally.saw(pid)
	}
	if there && !l.everything && l.hides(p) {
		l.tally.kernel.Add(1)
	}
	if !there || !l.everything && !l.wanted(p) {
		return false
	}
	l.look()
	return l.everything || l.container == "" || l.inContainer(&l.p)
}
