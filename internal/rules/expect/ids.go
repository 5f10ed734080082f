package expect

import (
	"strconv"
	"strings"

	"capsh/internal/rules/cred"
)

// idKind is one of the eight ids of a thread.
type idKind struct {
	name string
	user bool
	of   func(ids *cred.IDs) uint32
}

// idOf finds an id by its name.
func idOf(name string) (idKind, bool) {
	kind := idKind{name: name}
	which, ok := strings.CutSuffix(name, "uid")
	if kind.user = ok; !ok {
		which, ok = strings.CutSuffix(name, "gid")
	}
	switch which {
	case "":
		kind.of = func(ids *cred.IDs) uint32 { return ids.Real }
	case "e":
		kind.of = func(ids *cred.IDs) uint32 { return ids.Effective }
	case "s":
		kind.of = func(ids *cred.IDs) uint32 { return ids.Saved }
	case "fs":
		kind.of = func(ids *cred.IDs) uint32 { return ids.FS }
	default:
		ok = false
	}
	return kind, ok
}

func (w *World) id(kind idKind, op operator, value string) (judge, error) {
	if err := exact(op, kind.name); err != nil {
		return nil, err
	}
	lookUp := w.Group
	if kind.user {
		lookUp = w.User
	}
	want, err := lookUp(value)
	if err != nil {
		return nil, err
	}
	wanted := decimal(want)
	if wanted != value {
		wanted = value + " (" + wanted + ")"
	}
	return func(p *cred.Process) Verdict {
		ids := &p.GID
		if kind.user {
			ids = &p.UID
		}
		if p.FSUnknown && strings.HasPrefix(kind.name, "fs") {
			return unknown(kind.name, "")
		}
		is := kind.of(ids)
		if is == cred.UnknownID {
			return unknown(kind.name, hidden)
		}
		return compareOne(op, kind.name, decimal(is), wanted, is == want)
	}, nil
}

// groups compares the supplementary groups.
func (w *World) groups(op operator, value string) (judge, error) {
	var want []uint32
	if value == "none" {
		value = ""
	} else {
		for item := range strings.SplitSeq(value, ",") {
			gid, err := w.Group(item)
			if err != nil {
				return nil, err
			}
			want = append(want, gid)
		}
	}
	return func(p *cred.Process) Verdict {
		if sure := (op == covers || op == coversAndMore) && listed(want, p.Groups, false) == ""; !p.KnownGroups() && !sure {
			return unknown("groups", hidden)
		}
		d := difference{subject: "groups", extra: listed(p.Groups, want, false), missing: listed(want, p.Groups, false), common: listed(want, p.Groups, true), value: value}
		return d.compare(op)
	}, nil
}

// hidden is why an id is unknown: the reader's user namespace, not the process's,
// does not map it.
const hidden = ", the user namespace of capsh does not show it"

// listed is the ids of a that are in b, or are not, each once.
func listed(a, b []uint32, in bool) string {
	other, seen := map[uint32]bool{}, map[uint32]bool{} // of up to 65536 each
	for _, id := range b {
		other[id] = true
	}
	var texts []string
	for _, id := range a {
		if other[id] == in && !seen[id] {
			seen[id] = true
			texts = append(texts, decimal(id))
		}
	}
	return strings.Join(texts, ", ")
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
