package main

import (
	"errors"
	"slices"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/flags"
)

// changes are what a process is to do to itself before the execve.
type changes struct {
	bounding, inheritable, ambient cred.Known[caps.Set]
	securebits                     cred.Known[cred.Securebits]
	user                           cred.Known[string]
	noNewPrivs                     bool
}

// apply simulates them on a state; the error is that of the first which the
// kernel would refuse.
func (c *changes) apply(s *cred.State, names *userdb.DB) error {
	var steps []plan.Step
	if c.bounding.OK {
		if more := c.bounding.Value &^ s.Bounding; more != 0 {
			return errors.New("--bounding: the set cannot grow, it lacks " + more.String())
		}
		if drop := s.Bounding &^ c.bounding.Value; drop != 0 {
			steps = append(steps, plan.DropBounding{Set: drop})
		}
	}
	if c.inheritable.OK {
		sets := caps.EPI{Effective: s.Effective, Permitted: s.Permitted, Inheritable: c.inheritable.Value}
		steps = append(steps, plan.Capset{EPI: sets})
	}
	if c.securebits.OK && !s.Securebits.OK {
		s.Securebits = c.securebits // not a change, but what they are
	} else if c.securebits.OK && c.securebits != s.Securebits {
		steps = append(steps, plan.SetSecurebits{Bits: c.securebits.Value})
	}
	if c.user.OK {
		become, err := become(names, c.user.Value, s.UID.Real)
		if err != nil {
			return errors.New("--user: " + err.Error())
		}
		steps = append(steps, become...)
	}
	if c.ambient.OK {
		steps = append(steps, plan.RaiseAmbient{Set: c.ambient.Value})
	}
	if c.noNewPrivs {
		steps = append(steps, plan.NoNewPrivs{})
	}
	for i := range steps {
		if err := steps[i].Simulate(s); err != nil {
			return err
		}
	}
	return nil
}

// become is the steps by which a process of the user own becomes the user that
// spec says, with its groups; with a group, that is the only one. Where spec is a
// group alone, the user ids stay, be they unknown.
func become(db *userdb.DB, spec string, own uint32) ([]plan.Step, error) {
	account, err := db.Files().Account(spec, own)
	if err != nil {
		return nil, err
	}
	groups := []uint32{account.GID}
	if !account.GroupGiven {
		if groups, err = db.GroupsOf(&account.User); err != nil {
			return nil, err
		}
	}
	slices.Sort(groups)
	steps := []plan.Step{
		plan.Setgroups{Groups: slices.Compact(groups)},
		plan.Setresgid{IDs: cred.Same(account.GID)},
	}
	if spec[0] != ':' {
		steps = append(steps, plan.Setresuid{IDs: cred.Same(account.UID)})
	}
	return steps, nil
}

// setOrDefault is a list of capabilities, or the name of a runtime whose default
// is meant.
var setOrDefault = flags.Kind[caps.Set]{
	Word: "LIST",
	Parse: func(text string) (caps.Set, error) {
		if set, ok := catalog.Default(text); ok {
			return set, nil
		}
		return caps.ParseList(text, caps.First(kernelBits(procfs.Proc)))
	},
	Complete: func(typed string) []string {
		return flags.Listed(append(flags.CapNames(typed), "all"), typed, append(flags.DefaultNames(), "none")...)
	},
}
