package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// The options that set what belongs to the process.

func wrong(g given, why string) error { return errors.New(g.Name + " " + quote(g.Text) + ": " + why) }

func (l *launch) umask(g given) error {
	if l.request.Umask.OK {
		return twice(g)
	}
	n, err := strconv.ParseUint(g.Text, 8, 32)
	if err != nil || n > 0o777 || len(g.Text) > 4 {
		return wrong(g, "not an octal number up to 0777")
	}
	l.request.Umask = cred.Is(uint32(n))
	return nil
}

// limits are the limits of setrlimit(2), by Docker's and prlimit(1)'s words.
var limits = [...]struct {
	name     string
	resource int
}{
	{"as", unix.RLIMIT_AS}, {"core", unix.RLIMIT_CORE}, {"cpu", unix.RLIMIT_CPU},
	{"data", unix.RLIMIT_DATA}, {"fsize", unix.RLIMIT_FSIZE}, {"locks", unix.RLIMIT_LOCKS},
	{"memlock", unix.RLIMIT_MEMLOCK}, {"msgqueue", unix.RLIMIT_MSGQUEUE}, {"nice", unix.RLIMIT_NICE},
	{"nofile", unix.RLIMIT_NOFILE}, {"nproc", unix.RLIMIT_NPROC}, {"rss", unix.RLIMIT_RSS},
	{"rtprio", unix.RLIMIT_RTPRIO}, {"rttime", unix.RLIMIT_RTTIME}, {"sigpending", unix.RLIMIT_SIGPENDING},
	{"stack", unix.RLIMIT_STACK},
}

// rlimit reads NAME=SOFT[:HARD]; one number is both.
func (l *launch) rlimit(g given) error {
	name, value, ok := strings.Cut(g.Text, "=")
	if !ok {
		return wrong(g, "not of the form NAME=SOFT[:HARD]")
	}
	for _, lim := range limits {
		if lim.name != name {
			continue
		}
		soft, hard, two := strings.Cut(value, ":")
		if !two {
			hard = soft
		}
		r := plan.Rlimit{Name: name, Resource: lim.resource}
		var softErr, hardErr error
		r.Soft, softErr = limitValue(soft)
		r.Hard, hardErr = limitValue(hard)
		switch {
		case slices.ContainsFunc(l.request.Rlimits, func(other plan.Rlimit) bool { return other.Name == name }):
			return wrong(g, name+" is given twice")
		case softErr != nil || hardErr != nil:
			return wrong(g, `a limit is a number or "unlimited"`)
		case r.Soft > r.Hard:
			return wrong(g, "the soft limit is above the hard one")
		}
		l.request.Rlimits = append(l.request.Rlimits, r)
		return nil
	}
	return wrong(g, "no limit is called "+quote(name))
}

// resolveLimits finds out which limits are above those that hold now.
func (l *launch) resolveLimits() error {
	for i := range l.request.Rlimits {
		r := &l.request.Rlimits[i]
		var now unix.Rlimit
		if err := unix.Prlimit(0, r.Resource, nil, &now); err != nil {
			return errors.New("prlimit " + r.Name + ": " + err.Error())
		}
		r.Raises = r.Hard > now.Max
	}
	return nil
}

// limitValue reads a number; "unlimited" and -1 are RLIM_INFINITY.
func limitValue(text string) (uint64, error) {
	if text == "unlimited" || text == "-1" {
		return unix.RLIM_INFINITY, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// deathSignal reads a signal, "clear", or "keep", which is what is set now.
func (l *launch) deathSignal(g given) error {
	if l.request.DeathSignal.OK {
		return twice(g)
	}
	switch g.Text {
	case "clear":
		l.request.DeathSignal = cred.Is[uint32](0)
		return nil
	case "keep":
		now, err := self.DeathSignal()
		l.request.DeathSignal = cred.Is(now)
		return err
	}
	sig, err := plan.ParseSignal(g.Text)
	if err != nil {
		return wrong(g, err.Error())
	}
	l.request.DeathSignal = cred.Is(uint32(sig))
	return nil
}

func (l *launch) ptracer(g given) error {
	if l.request.Ptracer.OK {
		return twice(g)
	}
	switch g.Text {
	case "any":
		l.request.Ptracer = cred.Is(plan.AnyPtracer)
		return nil
	case "none":
		l.request.Ptracer = cred.Is[uint64](0)
		return nil
	}
	pid, err := strconv.ParseUint(g.Text, 10, 31)
	if err != nil || pid == 0 {
		return wrong(g, `not a process id, "any" or "none"`)
	}
	l.request.Ptracer = cred.Is(pid)
	return nil
}

// signals adds to a set the signals that an option names, all if it names none.
func signals(set *uint64, g given) error {
	if !g.HasText {
		*set = ^uint64(0)
		return nil
	}
	for name := range strings.SplitSeq(g.Text, ",") {
		sig, err := plan.ParseSignal(name)
		if err != nil {
			return wrong(g, err.Error())
		}
		if sig == int(unix.SIGKILL) || sig == int(unix.SIGSTOP) {
			return wrong(g, "nothing can be set for "+name)
		}
		*set |= 1 << (sig - 1)
	}
	return nil
}
