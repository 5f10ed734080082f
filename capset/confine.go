package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	abi, missing := self.LandlockABI()
	if missing != nil { // the rules may be wrong all the same
		abi = plan.NewestLandlock
	}
	if abi > plan.NewestLandlock && slices.ContainsFunc(c.landlock, word.allRights) {
		l.warning(fmt.Sprintf("this kernel's Landlock ABI is %d, and capset knows the rights up to %d: what came later is not denied", abi, plan.NewestLandlock))
	}
	err := l.inside(func() error { return c.resolveLandlock(&r.Landlock, l.lookup, abi) })
	if err == nil && l.dryRun && errors.Is(missing, self.ErrNoLandlock) {
		l.warning(missing.Error() + ": nothing would be started here")
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
	if r.Seccomp, err = files.Here.ReadNamed(r.SeccompFile); err != nil {
		return fmt.Errorf("--seccomp-filter: %w", err)
	}
	const instruction, most = 8, 4096 // struct sock_filter, BPF_MAXINSNS
	if n := len(r.Seccomp); n == 0 || n%instruction != 0 || n/instruction > most {
		return fmt.Errorf("--seccomp-filter: %s is not a compiled filter of 1 to 4096 instructions of 8 bytes", r.SeccompFile)
	}
	return nil
}

// resolveLandlock reads --landlock-access and --landlock-rule in setpriv's
// syntax, for a version of the interface.
func (c *confineOptions) resolveLandlock(rules *plan.Landlock, at files.Lookup, abi int) error {
	for _, w := range c.landlock {
		var err error
		if w.option == "--landlock-access" {
			err = addAccess(rules, w.text, abi)
		} else {
			err = addRule(rules, at, w.text, abi)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.option, err)
		}
	}
	if rules.Access == 0 {
		return errors.New("--landlock-rule needs a --landlock-access, from which it is an exception")
	}
	for i := range rules.Rules {
		if err := checkRule(&rules.Rules[i], rules.Access); err != nil {
			return err
		}
	}
	return nil
}

// checkRule gives a rule without rights all that are handled, and looks for what the
// kernel would call an invalid argument.
func checkRule(r *plan.LandlockRule, handled plan.Rights) error {
	what, kind := "--landlock-rule for "+r.Path, "fs"
	if r.Path == "" {
		what, kind = fmt.Sprintf("--landlock-rule for port %d", r.Port), "net"
	}
	handled &= plan.LandlockRights(kind, plan.NewestLandlock)
	if r.Access == 0 {
		r.Access = handled
	}
	switch other := r.Access &^ handled; {
	case handled == 0:
		return errors.New(what + ": it needs a --landlock-access=" + kind + ", from which it is an exception")
	case other != 0:
		return errors.New(what + ": no --landlock-access denies " + strings.Join(other.Names(), ","))
	case kind == "net":
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(r.FD, &st); err != nil {
		return fmt.Errorf("%s: fstat: %w", what, err)
	}
	if other := r.Access &^ plan.FileRights; other != 0 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return errors.New(what + ": it is not a directory, and only directories have " + strings.Join(other.Names(), ","))
	}
	return nil
}

// allRights says that an option names a kind of rights and none of them.
func (w word) allRights() bool {
	_, list, _ := strings.Cut(w.text, ":")
	return w.option == "--landlock-access" && list == ""
}

// addAccess reads fs, net or scope, with or without :RIGHT,...
func addAccess(rules *plan.Landlock, text string, abi int) error {
	kind, list, _ := strings.Cut(text, ":")
	newest := plan.LandlockRights(kind, plan.NewestLandlock)
	if kind == "" || newest == 0 {
		return fmt.Errorf("%q is not of the form fs[:RIGHT,RIGHT], net[:RIGHT,RIGHT] or scope[:RIGHT,RIGHT]", text)
	}
	rights, err := plan.ParseRights(kind, list, abi)
	if list == "" {
		rights = plan.LandlockRights(kind, abi)
	}
	if err == nil && rights == 0 {
		err = fmt.Errorf("this kernel has no rights of %s: its Landlock ABI is %d", kind, abi)
	}
	rules.Access |= rights
	return err
}

// addRule reads path-beneath:RIGHT,...:PATH or net-port:RIGHT,...:PORT; no right is
// all that are handled.
func addRule(rules *plan.Landlock, at files.Lookup, text string, abi int) error {
	kind, rest, _ := strings.Cut(text, ":")
	list, object, ok := strings.Cut(rest, ":")
	rule := plan.LandlockRule{FD: -1}
	var err error
	switch {
	case !ok || object == "" || kind != "path-beneath" && kind != "net-port":
		return fmt.Errorf("%q is not of the form path-beneath:[RIGHT,RIGHT]:PATH or net-port:[RIGHT,RIGHT]:PORT", text)
	case kind == "net-port":
		port, portErr := strconv.ParseUint(object, 10, 16)
		if portErr != nil {
			return fmt.Errorf("%q is not a port from 0 to 65535", object)
		}
		rule.Port = uint16(port)
		rule.Access, err = plan.ParseRights("net", list, abi)
	default:
		if rule.Access, err = plan.ParseRights("fs", list, abi); err == nil {
			var f files.File
			f, err = at.Open(object, unix.O_PATH)
			rule.Path, rule.FD = object, f.FD
		}
	}
	rules.Rules = append(rules.Rules, rule)
	return err
}

// landlockList is the rights that the kernel's Landlock has, one a line.
func landlockList() (string, error) {
	abi, err := self.LandlockABI()
	if err != nil {
		return "", err
	}
	return strings.Join(append(plan.LandlockRights("", abi).Typed(), ""), "\n"), nil
}
