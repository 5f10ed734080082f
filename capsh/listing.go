package main

import (
	"errors"
	"path"
	"slices"
	"strings"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
)

// listing is what ps and tree have in common: which processes to show, and how
// to come by them.
type listing struct {
	view
	subjects
	all, threads bool
	everything   bool     // all are read: which are shown is decided later
	caps         caps.Set // one of these; empty for any
	user         cred.Known[uint32]
	container    string

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
	tally
}

// filters are the options of both that choose processes.
func (l *listing) filters() []flags.Option {
	return []flags.Option{
		l.subjects.option("these, beside the operands"),
		{Name: "cap", Help: "those that have one of these, effective or permitted", Value: flags.Do(flags.Caps(caps.First(caps.MaxBits)), func(set caps.Set) error {
			l.caps = set
			if set == 0 {
				return errors.New("needs a capability")
			}
			return nil
		})},
		{Name: "user", Help: "those whose effective user it is, a name or a number", Value: flags.Do(flags.UserName, func(v string) error {
			uid, err := l.names.Files().UID(v)
			l.user = cred.Is(uid)
			return err
		})},
		{Name: "container", Help: "those in a container of that id or name, or runtime", Value: flags.To(&l.container, flags.Container)},
	}
}

// name takes what --pid and the operands name: ids and patterns of names.
func (l *listing) name(operands []string) error {
	for _, v := range operands {
		if strings.Trim(v, "0123456789,") == "" && v != "" {
			if err := l.subjects.add([]string{v}); err != nil {
				return err
			}
			continue
		}
		glob := flat(v)
		if _, err := path.Match(glob, ""); err != nil || v == "" {
			return usageError("bad pattern %q", v)
		}
		l.globs = append(l.globs, glob)
	}
	for _, t := range l.subjects.threads {
		if t.Alone {
			return usageError("--pid: %s is a thread, and only processes are listed", t)
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
	return l.named(p) && (l.fits(p) || slices.ContainsFunc(p.Differing, func(t cred.Process) bool { return l.fits(&t) }))
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
	if l.scan, err = l.proc.Scan(o); err != nil {
		return err
	}
	pids, _ := procfs.Proc.Own("self").Namespace("pid")
	l.nested = pids.OK && pids.Value != container.InitialInode(container.PIDNS)
	l.ownMounts, _ = procfs.Proc.Own("self").Namespace("mnt")
	if l.ownNS = self.UserNSByInode(); !l.ownNS.Inode.OK || !l.scan.Live() {
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

// list reads a process into l.p; false if it is not to be shown. Its other threads
// are read if that was asked for, and if the first one does not say it all: it does not
// match, or has no capability.
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
		l.lose(err)
		return false
	}
	if there && len(l.pids) > 0 {
		l.saw(pid)
	}
	if !there || !l.everything && !l.wanted(p) {
		return false
	}
	l.look()
	return l.everything || l.container == "" || l.inContainer(&l.p)
}
