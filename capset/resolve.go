package main

import (
	"errors"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// resolve turns what was typed into numbers, open files and paths; all that can
// be read is read here, before anything is changed.
func (l *launch) resolve(from *cred.State, env []string) error {
	if err := l.enter(); err != nil {
		return err
	}
	if err := l.resolveUser(from); err != nil {
		return err
	}
	if err := l.resolveCaps(from); err != nil {
		return err
	}
	if err := l.resolveSeccomp(); err != nil {
		return err
	}
	if err := l.resolveLandlock(); err != nil {
		return err
	}
	if err := l.environment(env); err != nil {
		return err
	}
	l.paths = files.CommandPaths(l.command, l.env)
	if err := l.resolveLimits(); err != nil {
		return err
	}
	if l.request.Lock || l.dryRun {
		l.request.UserNamespaces = self.UserNamespaces()
	}
	return l.userNamespace(from)
}

// resolveSeccomp reads the filter.
func (l *launch) resolveSeccomp() (err error) {
	name := l.request.SeccompFile
	if name == "" {
		return nil
	}
	l.request.Seccomp, err = read(name)
	const instruction, most = 8, 4096 // struct sock_filter, BPF_MAXINSNS
	if n := len(l.request.Seccomp); err == nil && (n == 0 || n%instruction != 0 || n/instruction > most) {
		err = errors.New("--seccomp-filter " + name + ": not a compiled filter of 1 to 4096 instructions of 8 bytes")
	}
	return err
}

// resolveLandlock reads --landlock-access and --landlock-rule in setpriv's
// syntax.
func (l *launch) resolveLandlock() error {
	if len(l.landlock) == 0 {
		return nil
	}
	all, err := self.LandlockAccess()
	if err != nil {
		return err
	}
	rules := &l.request.Landlock
	for _, w := range l.landlock {
		var err error
		if w.option == "--landlock-access" {
			err = addAccess(rules, w.text, all)
		} else {
			err = l.addRule(rules, w.text, all)
		}
		if err != nil {
			return errors.New(w.option + " " + quote(w.text) + ": " + err.Error())
		}
	}
	if rules.Access == 0 {
		return errors.New("--landlock-rule needs a --landlock-access to make an exception from")
	}
	for i := range rules.Rules {
		r := &rules.Rules[i]
		if r.Access == 0 {
			r.Access = rules.Access
		}
		if err := checkRule(r, rules.Access); err != nil {
			return errors.New("--landlock-rule for " + r.Path + ": " + err.Error())
		}
	}
	return nil
}

// checkRule looks for what the kernel would call an invalid argument.
func checkRule(r *plan.LandlockRule, handled uint64) error {
	if other := r.Access &^ handled; other != 0 {
		return errors.New("no --landlock-access has " + strings.Join(plan.RightNames(other), ","))
	}
	var st unix.Stat_t
	if err := unix.Fstat(r.FD, &st); err != nil {
		return errors.New("fstat: " + err.Error())
	}
	if other := r.Access &^ plan.FileRights; other != 0 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return errors.New("it is no folder, and only those have " + strings.Join(plan.RightNames(other), ","))
	}
	return nil
}

// addAccess reads fs or fs:RIGHT,...
func addAccess(rules *plan.Landlock, text string, all uint64) error {
	kind, list, _ := strings.Cut(text, ":")
	if kind != "fs" {
		return errors.New("not of the form fs[:RIGHT,RIGHT]")
	}
	rights, err := plan.ParseRights(list, all)
	if rights == 0 {
		rights = all
	}
	rules.Access |= rights
	return err
}

// addRule reads path-beneath:RIGHT,...:PATH; no right is all that are handled.
func (l *launch) addRule(rules *plan.Landlock, text string, all uint64) error {
	kind, rest, _ := strings.Cut(text, ":")
	list, path, ok := strings.Cut(rest, ":")
	if kind != "path-beneath" || !ok || path == "" {
		return errors.New("not of the form path-beneath:[RIGHT,RIGHT]:PATH")
	}
	rights, err := plan.ParseRights(list, all)
	if err != nil {
		return err
	}
	f, err := l.lookup.Open(path, unix.O_PATH)
	rules.Rules = append(rules.Rules, plan.LandlockRule{Access: rights, Path: path, FD: f.FD})
	return err
}
