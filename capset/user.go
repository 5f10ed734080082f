package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/accounts"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// userOptions say who the command is to be.
type userOptions struct {
	spec, groups cred.Known[string]
	ids          []word // --ruid, --euid, --rgid, --egid
	ownStdio     bool
	ifRoot       bool
}

// of are the options that apply to a process in the state from: with --if-root none,
// unless its effective uid is 0.
func (u *userOptions) of(from *cred.State) (*userOptions, error) {
	switch {
	case u.ownStdio && !u.spec.OK && !slices.ContainsFunc(u.ids, word.ofUID):
		return nil, errors.New("--own-stdio requires --user, --ruid or --euid")
	case u.ifRoot && !u.spec.OK && !u.groups.OK && len(u.ids) == 0:
		return nil, errors.New("--if-root requires --user, --groups, --ruid, --euid, --rgid or --egid")
	case u.ifRoot && from.UID.Effective != 0:
		return &userOptions{}, nil
	}
	return u, nil
}

// ofUID says that a single id is one of the user's.
func (w word) ofUID() bool { return w.option == "--ruid" || w.option == "--euid" }

// identity is who the command will be.
type identity struct {
	accounts accounts.Files // of the root that it will have
	uid, gid cred.IDs
	// account is the account of the real uid, once it is looked up.
	account  accounts.Account
	lookedUp bool
}

// resolve works out ids and groups. An id that stays is cred.Unchanged in the
// request: it may be another than it is shown as.
func (u *userOptions) resolve(r *plan.Request, files accounts.Files, from *cred.State) (*identity, error) {
	id := &identity{accounts: files, uid: cred.Same(cred.Unchanged), gid: cred.Same(cred.Unchanged)}
	if u.spec.OK {
		var err error
		id.account, err = files.Account(u.spec.Value, from.UID.Real)
		err = cmp.Or(err, broken(id.account.Unread))
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil, fmt.Errorf("--user: %w; use --user=UID:GID", err)
		case err != nil:
			return nil, fmt.Errorf("--user: %w", err)
		}
		id.gid = cred.Same(id.account.GID)
		if u.spec.Value[0] != ':' {
			id.uid = cred.Same(id.account.UID)
		}
	}
	for _, w := range u.ids {
		if err := id.set(w); err != nil {
			return nil, fmt.Errorf("%s: %w", w.option, err)
		}
	}
	r.UID, r.GID = idChange(id.uid), idChange(id.gid)
	id.uid, id.gid = id.uid.Over(from.UID), id.gid.Over(from.GID)
	id.lookedUp = u.spec.OK && id.account.UID == id.uid.Real
	if u.ownStdio {
		var err error
		if r.OwnStdio, err = self.OwnableStdio(id.uid.Effective); err != nil {
			return nil, err
		}
	}
	return id, u.resolveGroups(r, id, from)
}

// idChange asks for ids, unless all of them are to stay.
func idChange(id cred.IDs) cred.Known[cred.IDs] {
	return cred.Known[cred.IDs]{Value: id, OK: id != cred.Same(cred.Unchanged)}
}

// lookUp finds the account of the real uid, which setpriv(1) uses as well. It may
// differ from the one that --user named, and passwd may be Unread.
func (id *identity) lookUp() error {
	if !id.lookedUp {
		id.account, id.lookedUp = id.accounts.AccountOf(id.uid.Real), true
	}
	return broken(id.account.Unread)
}

// broken is the error of reading passwd, nil for a file that is missing or may not be
// read: numeric ids do without it.
func broken(err error) error {
	for _, none := range []error{unix.EACCES, unix.EISDIR, unix.ENOTDIR, unix.ELOOP, unix.ENXIO, unix.EFBIG} {
		if errors.Is(err, none) {
			return nil
		}
	}
	return err
}

// set reads --ruid and its like. As with setresuid in setpriv(1) the saved id
// follows the effective one.
func (id *identity) set(w word) (err error) {
	switch w.option {
	case "--ruid":
		id.uid.Real, err = id.accounts.UID(w.text)
	case "--euid":
		id.uid.Effective, err = id.accounts.UID(w.text)
		id.uid.Saved = id.uid.Effective
	case "--rgid":
		id.gid.Real, err = id.accounts.GID(w.text)
	case "--egid":
		id.gid.Effective, err = id.accounts.GID(w.text)
		id.gid.Saved = id.gid.Effective
	}
	return err
}

// resolveGroups reads --groups. Without it a user has the groups of group(5), or only
// the group that was given with it.
func (u *userOptions) resolveGroups(r *plan.Request, id *identity, from *cred.State) (err error) {
	mode := u.groups.Value
	switch {
	case u.groups.OK:
	case !u.spec.OK && len(u.ids) > 0: // with root's groups the change would be incomplete
		return errors.New(u.ids[0].option + " requires --groups=init, none, keep or a list, for the supplementary groups")
	case !u.spec.OK:
		return nil
	case id.account.GroupGiven:
		r.Groups, r.GroupsImplied = id.withPrimary(nil), true
		return nil
	default:
		r.GroupsImplied = true
		mode = "init"
	}
	base, list, extends := strings.Cut(mode, ",")
	switch {
	case mode == "keep":
		return nil
	case mode == "none":
		r.Groups = cred.Is([]uint32(nil))
		return nil
	case base == "init":
		r.Groups, err = id.initGroups()
	case base == "keep":
		r.Groups, r.GroupsKept = cred.Is(slices.Clone(from.Groups)), true
	default:
		base, list, r.Groups = "", mode, id.withPrimary(nil)
	}
	if err == nil && (extends || base == "") {
		err = id.addGroups(&r.Groups.Value, base, list)
	}
	return err
}

// addGroups adds groups with commas between. Behind a base, init or keep, each begins
// with a +.
func (id *identity) addGroups(to *[]uint32, base, list string) error {
	for item := range strings.SplitSeq(list, ",") {
		name, plus := strings.CutPrefix(item, "+")
		switch {
		case base != "" && !plus:
			return fmt.Errorf("--groups: %q must be +GROUP after %s: %[2]s,+%[1]s", item, base)
		case base == "" && plus:
			return fmt.Errorf("--groups: %q follows init or keep: init,%[1]s adds it to the user's groups, keep,%[1]s to the current ones", item)
		}
		gid, err := id.accounts.GID(name)
		if err != nil {
			return fmt.Errorf("--groups: %w", err)
		}
		*to = append(*to, gid)
	}
	slices.Sort(*to)
	*to = slices.Compact(*to)
	return nil
}

// initGroups is initgroups(3).
func (id *identity) initGroups() (none cred.Known[[]uint32], err error) {
	if err := cmp.Or(id.lookUp(), id.account.Unread); err != nil {
		return none, err
	}
	if !id.account.Known {
		return id.withPrimary(nil), nil
	}
	list, err := id.accounts.GroupsOf(id.account.Name)
	return id.withPrimary(append(list, id.account.GID)), err
}

// withPrimary is a list of groups and the primary one, each once.
func (id *identity) withPrimary(list []uint32) cred.Known[[]uint32] {
	list = append(list, id.gid.Effective)
	slices.Sort(list)
	return cred.Is(slices.Compact(list))
}

// checkIDs reads which ids the user namespace maps, for a dry run and where a plan
// depends on current ids, and refuses ids that may stand for others. The first read of
// /proc costs more than all steps.
func (o *options) checkIDs(u *userOptions, r *plan.Request, from *cred.State) (err error) {
	ns := &from.UserNS
	stays := func(asked cred.Known[cred.IDs]) bool { return !asked.OK || asked.Value.Effective == cred.Unchanged }
	byGID := len(r.Groups.Value) > 0 && stays(r.GID)
	byUID := strings.HasPrefix(u.groups.Value+",", "init,") && (!r.UID.OK || r.UID.Value.Real == cred.Unchanged)
	if !o.mode.dryRun && !byGID && !byUID && !r.GroupsKept && !(r.Groups.OK && r.GroupsFit(from)) {
		return nil
	}
	*ns, err = procfs.IDMaps()
	const doubt = " may be one that this user namespace does not map; name it with "
	switch {
	case err != nil:
		return err
	case byUID && !ns.TrueUID(from.UID.Real):
		return fmt.Errorf("--groups: uid %d"+doubt+"--user", from.UID.Real)
	case r.GroupsKept && slices.ContainsFunc(from.Groups, func(gid uint32) bool { return !ns.TrueGID(gid) }):
		return errors.New("--groups: a current group may be one that this user namespace does not map; list the groups instead of keep")
	case byGID && !ns.TrueGID(from.GID.Effective):
		return fmt.Errorf("--groups: gid %d"+doubt+"--user or --egid", from.GID.Effective)
	}
	return nil
}
