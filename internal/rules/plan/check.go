package plan

import (
	"errors"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Check compares the state that a thread should be in with the one that it is
// in. The error names every difference.
func Check(want, got *cred.State) error {
	var list []string
	differs := func(what, wanted, is string) { list = append(list, what+" is "+is+" instead of "+wanted) }
	set := func(what string, want, got caps.Set) {
		if want != got {
			list = append(list, what+setDifference(want, got))
		}
	}
	set("effective", want.Effective, got.Effective)
	set("permitted", want.Permitted, got.Permitted)
	set("inheritable", want.Inheritable, got.Inheritable)
	set("bounding", want.Bounding, got.Bounding)
	set("ambient", want.Ambient, got.Ambient)
	if want.UID != got.UID {
		differs("uid", fourIDs(want.UID), fourIDs(got.UID))
	}
	if want.GID != got.GID {
		differs("gid", fourIDs(want.GID), fourIDs(got.GID))
	}
	if !sameSet(want.Groups, got.Groups) {
		differs("groups", IDList(sorted(want.Groups)), IDList(sorted(got.Groups)))
	}
	if want.NoNewPrivs != got.NoNewPrivs {
		differs("no_new_privs", cred.OnOff(want.NoNewPrivs), cred.OnOff(got.NoNewPrivs))
	}
	if want.Securebits != got.Securebits {
		differs("securebits", knownBits(want.Securebits), knownBits(got.Securebits))
	}
	if len(list) == 0 {
		return nil
	}
	return errors.New(strings.Join(list, "; "))
}

// setDifference is " lacks a and has b that it should not".
func setDifference(want, got caps.Set) string {
	text := ""
	if missing := want &^ got; missing != 0 {
		text += " lacks " + Names(missing)
	}
	if extra := got &^ want; extra != 0 {
		if text != "" {
			text += " and"
		}
		text += " still has " + Names(extra)
	}
	return text
}

func fourIDs(id cred.IDs) string { return IDList([]uint32{id.Real, id.Effective, id.Saved, id.FS}) }

func knownBits(v cred.Known[cred.Securebits]) string {
	if !v.OK {
		return "unknown"
	}
	return v.Value.String()
}
