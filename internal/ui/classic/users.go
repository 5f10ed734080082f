package classic

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"capsh/internal/linux/apply"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/environ"
)

// The actions that change user, groups and root directory.

func (s *session) setUID(value string) error { return withNumber("--uid", value, apply.Setuid) }
func (s *session) setGID(value string) error { return withNumber("--gid", value, apply.Setgid) }

func (s *session) capSetUID(value string) error { return withNumber("--cap-uid", value, capSetUID) }

// capSetUID is cap_setuid(3): permitted is kept over the change, effective is
// empty afterwards, whether it went well or not.
func capSetUID(uid uint32) error {
	return withOnly(caps.Setuid, func(now *cred.State) error {
		keepErr := apply.KeepCaps(1)
		if keepErr != nil && losesPermitted(now, uid) {
			return fmt.Errorf("%w: setuid %d would lose the permitted set", keepErr, uid)
		}
		err := apply.Setuid(uid)
		if keepErr != nil { // locked, where it does not matter
			return err
		}
		return cmp.Or(err, apply.KeepCaps(0))
	})
}

// losesPermitted reports whether leaving uid 0 for uid empties the permitted set
// (cap_emulate_setxuid, security/commoncap.c).
func losesPermitted(now *cred.State, uid uint32) bool {
	wasRoot := now.UID.Real == 0 || now.UID.Effective == 0 || now.UID.Saved == 0
	return wasRoot && uid != 0 && now.Permitted != 0 && now.Securebits.Value&(cred.KeepCaps|cred.NoSetuidFixup) == 0
}

// withOnly runs change with c raised and leaves the effective set empty, as
// libcap's functions for users and groups do.
func withOnly(c caps.Cap, change func(now *cred.State) error) error {
	now, err := ownState()
	if err != nil {
		return err
	}
	if err = raise(&now, c); err == nil {
		err = change(&now)
	}
	return cmp.Or(err, setSets(&now, 0))
}

func (s *session) setGroups(list string) error {
	var groups []uint32
	for item := range strings.SplitSeq(list, ",") {
		if item == "" {
			continue // libcap's, by strtok(3)
		}
		gid, err := s.parseGroup(item)
		if err != nil {
			return err
		}
		groups = append(groups, gid)
	}
	if len(groups) > maxGroups {
		return errors.New("--groups: more than 65536 groups")
	}
	return apply.Setgroups(groups)
}

// maxGroups is NGROUPS_MAX (include/uapi/linux/limits.h).
const maxGroups = 65536

func (s *session) parseGroup(item string) (uint32, error) {
	if '0' <= item[0] && item[0] <= '9' {
		return parseNumber("--groups", item)
	}
	group, err := s.names.Files().Group(item)
	if err != nil {
		return 0, fmt.Errorf("--groups: %w", err)
	}
	return group.GID, nil
}

// setUser becomes a user with its groups, keeping the permitted set.
func (s *session) setUser(name string) error {
	user, err := s.names.Files().User(name)
	if err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	groups, err := s.names.GroupsOf(&user)
	if err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	err = withOnly(caps.Setgid, func(*cred.State) error {
		if err := apply.Setgid(user.GID); err != nil {
			return err
		}
		return apply.Setgroups(groups)
	})
	if err == nil {
		err = capSetUID(user.UID)
	}
	if err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	if !s.noEnv {
		s.env = environ.Set(s.env, "HOME", user.Home)
		s.env = environ.Set(s.env, "USER", name)
	}
	return nil
}

func (s *session) chroot(dir string) error {
	err := raised(caps.SysChroot, func() error { return apply.Chroot(dir) })
	if err == nil {
		err = apply.Chdir("/")
	}
	s.names = userdb.DB{} // the new root has its own
	return err
}
