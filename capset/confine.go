package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// confineOptions say what confines the command beside its capabilities.
type confineOptions struct {
	appArmor, selinux, seccomp cred.Known[string]
	landlock                   []word
}

// resolve reads filters and rules.
func (c *confineOptions) resolve(r *plan.Request, l *launch) error {
	r.AppArmor, r.SELinux = c.appArmor.Value, c.selinux.Value
	if err := c.resolveSeccomp(r); err != nil {
		return err
	}
	if len(c.landlock) == 0 {
		return nil
	}
	all, missing := self.LandlockAccess()
	if missing != nil { // the rules may be wrong all the same
		all = 1<<plan.NamedRights - 1
	}
	err := l.inside(func() error { return c.resolveLandlock(&r.Landlock, l.lookup, all) })
	if err == nil && l.dryRun && errors.Is(missing, self.ErrNoLandlock) {
		l.warning(missing.Error() + ": here nothing would be started")
		return nil
	}
	return cmp.Or(err, missing)
}

// resolveSeccomp reads the filter.
func (c *confineOptions) resolveSeccomp(r *plan.Request) (err error) {
	if !c.seccomp.OK {
		return nil
	}
	r.SeccompFile = c.seccomp.Value
	r.Seccomp, err = read(r.SeccompFile)
	const instruction, most = 8, 4096 // struct sock_filter, BPF_MAXINSNS
	if n := len(r.Seccomp); err == nil && (n == 0 || n%instruction != 0 || n/instruction > most) {
		err = fmt.Errorf("--seccomp-filter: %s is not a compiled filter of 1 to 4096 instructions of 8 bytes", r.SeccompFile)
	}
	return err
}

// resolveLandlock reads --landlock-access and --landlock-rule in setpriv's
// syntax; all are the rights that there are.
func (c *confineOptions) resolveLandlock(rules *plan.Landlock, at files.Lookup, all uint64) error {
	for _, w := range c.landlock {
		var err error
		if w.option == "--landlock-access" {
			err = addAccess(rules, w.text, all)
		} else {
			err = addRule(rules, at, w.text, all)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.option, err)
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
			return fmt.Errorf("--landlock-rule for %s: %w", r.Path, err)
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
		return fmt.Errorf("fstat: %w", err)
	}
	if other := r.Access &^ plan.FileRights; other != 0 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return errors.New("it is no directory, and only those have " + strings.Join(plan.RightNames(other), ","))
	}
	return nil
}

// addAccess reads fs or fs:RIGHT,...
func addAccess(rules *plan.Landlock, text string, all uint64) error {
	kind, list, _ := strings.Cut(text, ":")
	if kind != "fs" {
		return fmt.Errorf("%q is not of the form fs[:RIGHT,RIGHT]", text)
	}
	rights, err := plan.ParseRights(list, all)
	if rights == 0 {
		rights = all
	}
	rules.Access |= rights
	return err
}

// addRule reads path-beneath:RIGHT,...:PATH; no right is all that are handled.
func addRule(rules *plan.Landlock, at files.Lookup, text string, all uint64) error {
	kind, rest, _ := strings.Cut(text, ":")
	list, path, ok := strings.Cut(rest, ":")
	if kind != "path-beneath" || !ok || path == "" {
		return fmt.Errorf("%q is not of the form path-beneath:[RIGHT,RIGHT]:PATH", text)
	}
	rights, err := plan.ParseRights(list, all)
	if err != nil {
		return err
	}
	f, err := at.Open(path, unix.O_PATH)
	rules.Rules = append(rules.Rules, plan.LandlockRule{Access: rights, Path: path, FD: f.FD})
	return err
}
