package main

import (
	"errors"
	"fmt"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"

	"golang.org/x/sys/unix"
)

// fileChange is what capsh file is to write.
type fileChange struct {
	set            cred.Known[string]
	remove, dryRun bool
	rootID         cred.Known[uint32]
}

func (c *fileChange) options(o *flags.Options) {
	flags.Once(o, "--set", "give these capabilities, as setcap takes them", &c.set, flags.Text("TEXT"))
	flags.Once(o, "--rootid", "with --set: for user namespaces whose uid 0 is UID", &c.rootID, flags.RootID)
	flags.Switch(o, "--remove", "remove the files' capabilities", &c.remove)
	flags.Switch(o, "--dry-run", "write nothing: show what the files would grant", &c.dryRun)
}

// asked says that something is to be written.
func (c *fileChange) asked() bool { return c.set.OK || c.remove }

// parse reads what is to be written.
func (c *fileChange) parse() (files.Change, error) {
	switch {
	case c.set.OK && c.remove:
		return nil, usageError("--set and --remove exclude each other")
	case c.rootID.OK && !c.set.OK:
		return nil, usageError("--rootid requires --set")
	case c.dryRun && !c.asked():
		return nil, usageError("--dry-run requires --set or --remove")
	case !c.set.OK:
		return nil, nil
	}
	value, err := filecap.ParseText(c.set.Value, c.rootID.Value, kernelBits(procfs.Proc))
	if err != nil {
		return nil, exit.Hint(usageError("--set: %w", err), "TEXT is as setcap(8) takes it, where names begin with cap_: cap_net_raw=ep")
	}
	return value.Encode()
}

// change writes to each file, and reads what it grants then.
func (f *fileReport) change(paths []string, change files.Change, dryRun bool) {
	if !dryRun {
		if err := raiseSetfcap(); err != nil {
			f.failed(err)
			return
		}
	}
	for _, path := range paths {
		var g filecap.Grants
		var err error
		if dryRun {
			g, err = files.Planned(path, change)
		} else if err = files.Write(path, change); err == nil {
			g, err = files.Grants(path)
		}
		if err != nil {
			f.failed(advised(err))
			continue
		}
		f.found(g)
	}
}

// raiseSetfcap makes CAP_SETFCAP effective where it is permitted, as setcap does.
func raiseSetfcap() error {
	own, err := self.State()
	if err != nil || !own.Permitted.Has(caps.Setfcap) || own.Effective.Has(caps.Setfcap) {
		return err
	}
	return apply.Capset(own.Effective|caps.Setfcap.Set(), own.Permitted, own.Inheritable)
}

// advised adds what to do about an errno of setxattr(2).
func advised(err error) error {
	own, _ := self.State()
	switch {
	case errors.Is(err, unix.EPERM) && !own.Effective.Has(caps.Setfcap):
		return fmt.Errorf("%w (needs CAP_SETFCAP)", err)
	case errors.Is(err, unix.EPERM):
		return exit.Hint(err, "CAP_SETFCAP counts for files whose owner and file system belong to this user namespace; an immutable file takes no change (chattr -i)")
	case errors.Is(err, unix.EOPNOTSUPP):
		return exit.Hint(err, "this file system stores no file capabilities")
	}
	return err
}
